"""Write docs/conversations.md: the bot's own answers to the conversations in docs/conversations.yml.

Run by ``make conversations``; needs a trained model.
"""

from __future__ import annotations

import asyncio
import uuid
from pathlib import Path
from typing import Any

import yaml

from bot.runtime import quiet

quiet.apply()

from bot.runtime.bot import Bot  # noqa: E402 (the environment must be set before Rasa is imported)
from bot.runtime.settings import load_settings  # noqa: E402

DOCS = Path(__file__).resolve().parents[1] / "docs"

HEADING = """# Ten conversations

Made by `make conversations` from the lines in `docs/conversations.yml`; what follows **bot** is what the bot answers today.
Buttons stand between square brackets. Opening hours are those of the moment at which this page was made.
"""


async def write() -> None:
    """Let the bot answer and write the page."""
    conversations = yaml.safe_load((DOCS / "conversations.yml").read_text(encoding="utf-8"))["conversations"]
    bot = Bot.load(load_settings(), in_memory=True)
    parts = [HEADING]
    for conversation in conversations:
        parts.append(f"## {conversation['title']}\n")
        parts += await _held(bot, [str(line) for line in conversation["lines"]])
    bot.close()
    (DOCS / "conversations.md").write_text("\n".join(parts).rstrip() + "\n", encoding="utf-8")


async def _held(bot: Bot, lines: list[str]) -> list[str]:
    sender, buttons, parts = uuid.uuid4().hex, dict[str, str](), list[str]()
    for line in lines:
        reply = await (bot.tap(sender, buttons[line]) if line in buttons else bot.respond(sender, line))
        buttons = {option["title"]: option["payload"] for message in reply.messages for option in message.get("options") or []}
        parts.append(f"**user** {line}\n")
        parts += [f"> {_shown(message)}\n>" for message in reply.messages]
        parts.append("")
    return parts


def _shown(message: dict[str, Any]) -> str:
    buttons = " ".join(f"[{option['title']}]" for option in message.get("options") or [])
    lead = {"tip": "- ", "step": "- ", "helpline": "- "}.get(message["type"], "")
    return (lead + message["text"].replace("\n", " ") + (f" {buttons}" if buttons else "")).strip()


if __name__ == "__main__":
    asyncio.run(write())
