"""A bot that answers a line of JSON with a line of JSON, until it is killed. Run by the tests in processes of its own.

In: ``sender``, ``text``, and ``linger``: seconds that its action takes. Out: ``at`` "begun" when the turn has the conversation, and then the
slots of the conversation, or that the turn failed.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

from bot.runtime.bot import Bot
from bot.runtime.settings import load_settings


def say(**what: Any) -> None:
    print(json.dumps(what), flush=True)


async def main() -> None:
    from rasa.core.processor import MessageProcessor

    bot = Bot.load(load_settings())
    await bot.check()
    lingers: dict[str, float] = {}
    save = MessageProcessor.save_tracker

    async def slow_save(self: MessageProcessor, tracker: Any) -> None:
        seconds = lingers.pop(tracker.sender_id, None)
        if seconds is not None:
            say(at="begun")
            await asyncio.sleep(seconds)
        await save(self, tracker)

    MessageProcessor.save_tracker = slow_save  # type: ignore[method-assign]
    say(at="ready")
    while line := await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline):
        asked = json.loads(line)
        if asked.get("linger"):
            lingers[asked["sender"]] = asked["linger"]
        reply = await bot.respond(asked["sender"], asked["text"])
        say(at="answered", failed=reply.parsed is None, slots=reply.slots, said=[message.get("id") for message in reply.messages])
    await bot.disconnect()
    bot.close()


if __name__ == "__main__":
    asyncio.run(main())
