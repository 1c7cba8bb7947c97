"""The tests here import Rasa themselves; the package of the bot has to come first."""

import bot  # noqa: F401
