"""From which confidence on a conversation stands in the queue as "the bot was unsure": ``python -m benchmarks.unsure``.

On labelled messages by other writers than the training data: how many are marked at each limit, and in how many of those (and of the rest)
something that decides the advice was read wrongly: a role, kind, context, crisis or form that is told and is not what the label says.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping
from typing import Any

from benchmarks.report import keep, table
from benchmarks.trained import TEST, TUNE, load_bot, read_file

_LIMITS = (0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6)
_SINGLE = ("role", "kind", "context", "crisis")


def main() -> int:
    """Read, count, print, keep."""
    bot = load_bot()
    from bot.transcripts.applying import UNSURE_BELOW, confidences_of

    messages = [message for file in (TUNE, TEST) for message in read_file(file)]
    read = asyncio.run(_read(bot, [message["text"] for message in messages]))
    found = [
        (min(confidences_of(one), default=1.0), _is_wrong(message, one["facets"])) for message, one in zip(messages, read, strict=True)
    ]
    acts = sum((one["confidence"] or 1.0) < 0.5 for one in read)
    rows = []
    for limit in _LIMITS:
        marked, rest = ([wrong for sure, wrong in found if (sure < limit) is below] for below in (True, False))
        row = (f"{limit:.2f}{' (used)' if limit == UNSURE_BELOW else ''}", _share(len(marked), len(found)), _mean(marked), _mean(rest))
        rows.append((*row, _share(sum(marked), sum(marked) + sum(rest))))
    text = "\n".join((
        f"{len(found)} messages of {TUNE.name} and {TEST.name}. By the act alone (below 0.5) {acts} of them would be marked.",
        "",
        table(("marked below", "marked", "of these wrong", "of the rest wrong", "of the wrong ones marked"), rows),
    ))  # fmt: skip
    print(f"{text}\n\nkept in {keep('unsure', text, rows)}")
    return 0


async def _read(bot: Any, texts: list[str]) -> list[dict[str, Any]]:
    """Each message as ``confidences_of`` takes it."""
    from bot.nlu.reading import facets_of

    found = []
    for text in texts:
        parsed = await bot.parse(text)
        given = {"confidence": parsed["intent"]["confidence"], "confidences": parsed["facet_confidences"]}
        found.append({**given, "facets": facets_of(parsed)})
    return found


def _is_wrong(label: Mapping[str, Any], facets: Mapping[str, Any]) -> bool:
    single = any(facet in label and facets[facet] not in (None, "none", label[facet]) for facet in _SINGLE)
    allowed = {*label.get("forms", ()), *label.get("forms_maybe", ())}
    return single or ("forms" in label and not set(facets["forms"]) <= allowed)


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.0%}" if whole else "-"


def _mean(wrong: list[bool]) -> str:
    return _share(sum(wrong), len(wrong))


if __name__ == "__main__":
    sys.exit(main())
