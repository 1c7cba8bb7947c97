"""A bot whose files may not grow for one message. Run by the tests in a process of its own; prints what came of each message."""

from __future__ import annotations

import asyncio
import json
import resource
import sys
from pathlib import Path

from bot.runtime.bot import Bot
from bot.runtime.settings import load_settings

SAID = ("mijn zoon wordt gepest op school", "het gebeurt op instagram", "hij is 13 jaar")


async def main(folder: Path) -> None:
    bot = Bot.load(load_settings(data_dir=folder))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    for number, text in enumerate(SAID):
        if number == 1:
            # The kernel refuses what goes beyond: as on a disk that is full, down to the very file.
            size = (folder / "conversations.db-wal").stat().st_size
            resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
        reply = await bot.respond("x", text)
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        print(json.dumps({"failed": reply.parsed is None, "said": [message["text"] for message in reply.messages], "slots": reply.slots}))
    assert bot.transcripts
    bot.transcripts.database.migrate()
    print(json.dumps({"caught_up": bot.transcripts.caught_up(60)}))
    await bot.disconnect()
    bot.close()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
