"""``wegwijzer`` on the command line; ``python -m bot`` is the same."""

from __future__ import annotations

import sys

from bot.runtime import quiet

quiet.apply()


def main(arguments: list[str] | None = None) -> int:
    """Run a command; the exit status is 0 on success and 2 for bad input, with one line on standard error."""
    from bot.runtime.cli import run

    return run(sys.argv[1:] if arguments is None else arguments)


if __name__ == "__main__":
    sys.exit(main())
