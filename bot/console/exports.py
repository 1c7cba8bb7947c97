"""Files to take away: CSV that a spreadsheet opens without running anything in it."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

from flask import Blueprint, Response, flash, redirect, url_for
from werkzeug.wrappers import Response as AnyResponse

from bot.console.app import console, moment, needs, visitor
from bot.console.conversations import query
from bot.console.logins import ADMIN
from bot.transcripts.repository import Summary

pages = Blueprint("exports", __name__)

_MOST_ROWS = 5000
_PAGE = 200
#: A cell that begins like this is a formula to a spreadsheet; an apostrophe before it makes it text.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def safe_cell(value: Any) -> Any:
    """A value that a spreadsheet shows as it is."""
    if not isinstance(value, str):
        return value
    value = "".join(char if char.isprintable() or char in "\t\r\n" else " " for char in value)
    return f"'{value}" if value.lstrip(" \u00a0\u2060\u200b\ufeff").startswith(_FORMULA) or value.startswith(_FORMULA) else value


def csv_response(name: str, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> AnyResponse:
    """A file with semicolons and a byte order mark: what a spreadsheet in Dutch opens at once."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter=";", lineterminator="\r\n")
    writer.writerow(header)
    writer.writerows([safe_cell(value) for value in row] for row in rows)
    response = Response("\ufeff" + buffer.getvalue(), mimetype="text/csv")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


_COLUMNS = (
    "id", "start", "last", "channel", "urgency", "crisis", "role", "kind", "context", "forms", "platform", "age_band", "rating", "messages",
    "words", "status", "assigned", "tags", "opening",
)  # fmt: skip


@pages.post("/gesprekken.csv")
@needs(ADMIN)
def conversations() -> AnyResponse:
    """The conversations of the list, a line each, with the first words of each: redacted, and only for administrators."""
    wanted, texts = query(), console().texts
    found: list[Summary] = []
    for number in range(1, _MOST_ROWS // _PAGE + 1):
        page = console().repository.list(wanted.filters, order=wanted.order, page=number, size=_PAGE)
        found += page.items
        if len(page.items) < _PAGE:
            break
    if not found:
        flash(texts.say("nothing_found"), "error")
        return redirect(url_for("conversations.index", **wanted.args))
    people = {account.id: account.name for account in console().logins.accounts.all()}
    console().logins.audit.add(visitor().name, "conversations exported", detail=f"{len(found)} conversations")
    return csv_response("wegwijzer-gesprekken.csv", [texts.name("csv", name) for name in _COLUMNS], (_row(item, people) for item in found))


def _row(item: Summary, people: dict[int, str]) -> list[Any]:
    texts = console().texts

    def value(facet: str, given: str | None) -> str:
        return texts.value(facet, given) if given else ""

    rating = "" if item.rating is None else texts.name("rating", "yes" if item.rating else "no")
    return [
        item.id,
        moment(item.started_at),
        moment(item.last_at),
        texts.name("channel", item.channel),
        texts.name("urgency", item.urgency),
        value("crisis", item.crisis),
        value("role", item.road),
        value("kind", item.kind),
        value("context", item.context),
        ", ".join(texts.value("forms", form) for form in item.forms),
        value("platform", item.platform),
        value("age_band", item.age_band),
        rating,
        item.n_messages,
        item.n_words,
        texts.name("status", item.status),
        people.get(item.assigned_to or 0, ""),
        ", ".join(item.tags),
        item.opening,
    ]
