"""Rasa's own command line on this project: ``python -m bot.rasa_cli train|shell|data validate|test nlu|test core|run|run actions ...``.

The plain ``rasa`` command imports TensorFlow, which is not installed. This one puts the stand-ins in place first, keeps telemetry and
error reporting off, listens on this machine only unless told otherwise, and refuses a configuration that needs TensorFlow before anything
is done.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from bot.runtime import quiet
from bot.runtime.errors import UserError
from bot.runtime.tensorflow_free import is_installed
from bot.runtime.training import CONFIG, TrainingError, check_config

ENVIRONMENT = {
    # Who runs one of Rasa's commands wants to see its progress.
    "LOG_LEVEL": "INFO",
    # Where the action server listens.
    "SANIC_HOST": "127.0.0.1",
}
CONFIG_OPTIONS = ("-c", "--config")
INTERFACE_OPTIONS = ("-i", "--interface")


def option(arguments: list[str], names: tuple[str, ...]) -> str | None:
    """The value given to an option under one of its names (``-c x``, ``--config x``, ``--config=x``), or None."""
    for place, argument in enumerate(arguments):
        name, equals, value = argument.partition("=")
        if name in names:
            return value if equals else next(iter(arguments[place + 1 :]), None)
    return None


def prepared(arguments: list[str]) -> list[str]:
    """The arguments for Rasa, checked and completed.

    Raises:
        UserError: a command or a configuration that needs TensorFlow, which is not installed.
    """
    command, subcommand = (*arguments[:2], "", "")[:2]
    if command == "init" and is_installed():
        raise TrainingError("Rasa's example bot needs TensorFlow; see 'make install-diet' and set WEGWIJZER_TENSORFLOW=1")
    if command in ("train", "interactive"):
        check_config(Path(option(arguments, CONFIG_OPTIONS) or CONFIG))
    if command in ("run", "shell") and subcommand not in ("actions", "nlu") and option(arguments, INTERFACE_OPTIONS) is None:
        return [*arguments, "--interface", "127.0.0.1"]
    return arguments


def main(arguments: list[str] | None = None) -> int:
    """Run a command of Rasa; exits with Rasa's own status, and with 2 and one line for what cannot be done without TensorFlow."""
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    quiet.apply()
    try:
        sys.argv = ["rasa", *prepared(sys.argv[1:] if arguments is None else arguments)]
    except UserError as error:
        print(f"rasa: {error}", file=sys.stderr)
        return 2
    from rasa.__main__ import main as rasa

    rasa()
    return 0


if __name__ == "__main__":
    sys.exit(main())
