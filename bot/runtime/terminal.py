"""A conversation on a terminal, and as JSON Lines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bot.nlu.reading import facets_of
from bot.wegwijzer.situation import CONDITION_FACETS

if TYPE_CHECKING:
    # It brings Rasa, of which a command that only answers leaves most out first.
    from bot.runtime.bot import Reply


def json_turn(user: str, reply: Reply) -> dict[str, Any]:
    """One turn as ``wegwijzer talk --json`` prints it."""
    parsed = reply.parsed or {}
    situation = {facet: reply.slots.get(facet) for facet in CONDITION_FACETS}
    situation["forms"] = situation["forms"] or []
    shown = any(message["type"] in ("tip", "helpline") for message in reply.messages)
    return {
        "user": user,
        "intent": (parsed.get("intent") or {}).get("name"),
        "facets": facets_of(parsed) if parsed.get("facets") else None,
        "situation": situation,
        "bot": [{**message, "options": message.get("options") or []} for message in reply.messages],
        "advice": reply.slots.get("advice") if shown else None,
    }


def show(reply: Reply) -> None:
    """Print the messages of a turn, with numbered buttons."""
    place = 0
    for message in reply.messages:
        lead = {"tip": "  - ", "step": "  * ", "helpline": "  > "}.get(message["type"], "  ")
        print(lead + message["text"].replace("\n", "\n    "))
        for option in message.get("options") or []:
            place += 1
            print(f"      [{place}] {option['title']}")
    print(flush=True)
