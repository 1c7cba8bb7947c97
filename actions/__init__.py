"""Custom actions: thin. Slots -> Situation -> bot.wegwijzer -> messages.

``rasa run actions`` and the in-process endpoint both register this package.
"""

from actions import conversation, crisis, pages, privacy, signpost  # noqa: F401
