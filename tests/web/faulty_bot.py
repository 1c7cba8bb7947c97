"""``wegwijzer`` with a message that ends its process, and a clock that is put forward and back. Run by the tests in processes of its own.

The file that ``WRONG_BY`` names was changed so many seconds after the first day of 1970 as the clock is ahead: that is quickly read.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from typing import Any

DAY = 86400
POISON = "een bericht waaraan de bot sterft"


def main() -> int:
    right_time, wrong_by = time.time, os.environ["WRONG_BY"]
    time.time = lambda: right_time() + os.stat(wrong_by).st_mtime - DAY
    from bot.__main__ import main as run
    from bot.runtime.bot import Bot

    handle = Bot._handle

    async def handle_or_die(self: Bot, message: Any) -> Any:
        if message.text == POISON:
            os.kill(os.getpid(), signal.SIGKILL)
        return await handle(self, message)

    Bot._handle = handle_or_die  # type: ignore[method-assign]
    return run()


if __name__ == "__main__":
    sys.exit(main())
