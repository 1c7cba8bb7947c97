"""The audit log in Dutch: nothing that the program writes down is shown as it writes it."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import pytest

from bot.console.log_words import detail_of, subject_of
from bot.console.texts import Texts
from bot.transcripts.audit import AuditLog, Entry
from bot.transcripts.database import Database
from bot.transcripts.export import export
from bot.transcripts.filters import Filters
from bot.transcripts.repository import Repository
from bot.wegwijzer.content import Content

from . import store
from .conftest import Team

NOW = dt.datetime(2026, 12, 1, tzinfo=dt.timezone.utc)
ENGLISH = re.compile(
    r"\b(?:to|from|message|note|good|wrong|taken back|shared|failure|account \d+|conversations?|training|nobody|command line|new|seen|done)\b"
)


@pytest.fixture(scope="module")
def texts(content: Content) -> Texts:
    return Texts(content)


@pytest.mark.parametrize(
    ("action", "detail", "shown"),
    [
        ("status changed", "new to discuss", "van nieuw naar te bespreken"),
        ("role changed", "admin to reader", "van beheerder naar lezer"),
        ("account created", "Noor, de tweede, moderator", "Noor, de tweede, moderator"),
        ("assigned", "to account 4", "aan Noor"),
        ("assigned", "to account 99", "aan account 99"),
        ("assigned", "to nobody", "aan niemand"),
        ("looked at the log", "page 2; everybody", "bladzijde 2, van iedereen"),
        ("looked at the log", "page 2; Noor", "bladzijde 2, van Noor"),
        ("judged", "message 3: wrong", "bericht 3: fout"),
        ("corrected", "message 3: taken back", "bericht 3: ingetrokken"),
        ("exported", 'csv ["since", "until"]', "als csv; filters: vanaf, tot en met"),
        ("exported", "jsonl []", "als jsonl; filters: niets"),
        # A label may say anything: it is no detail of another action.
        ("tag added", "new to done", "new to done"),
        ("login refused", "something else", "something else"),
    ],
)
def test_details_in_words(texts: Texts, action: str, detail: str, shown: str) -> None:
    assert detail_of(Entry(1, NOW, "x", action, "", detail), texts, {4: "Noor"}) == shown


def test_subjects_in_words(texts: Texts) -> None:
    assert [subject_of(subject, texts, {4: "Noor"}) for subject in ("account 4", "account 5", "conversation 4", "view x", "")] == [
        "account Noor", "account 5", "gesprek 4", "weergave x", "",
    ]  # fmt: skip


def test_all_that_is_done_stands_there_in_dutch(team: Team, visit: Any, database: Database, app: Any) -> None:
    """Everything that writes an entry with a detail, and the page on which it is read."""
    (id_,) = store.add(database, [store.conversation()])
    moderator = team.logins.accounts.find("moderator")
    assert moderator
    repository = Repository(database)
    given: dict[str, Any] = {"account_id": moderator.id, "actor": "demo"}
    message = repository.read(id_, "demo").messages[0]
    repository.set_status(id_, "done", "demo")
    repository.assign(id_, moderator.id, "demo")
    repository.assign(id_, None, "demo")
    repository.add_tag(id_, "uilskuiken", "demo")
    repository.remove_note(repository.add_note(id_, "bellen", moderator.id, "demo"), "demo")
    repository.correct(message.id, "describe", None, **given)
    repository.correct(message.id, None, None, **given)
    for good in (True, False, None):
        repository.judge(message.id, good, "", **given)
    repository.save_view(moderator.id, "Alles", Filters(), "newest", shared=True, actor="command line")
    with open("/dev/null", "w", encoding="utf-8") as nowhere:
        export(database, Filters(since=NOW.date()), "jsonl", nowhere, "command line")
    AuditLog(database).add("command line", "exported", detail="training")
    nameless = team.logins.accounts.create("Samir", None, "reader", "command line")
    team.logins.accounts.set_role(nameless, "moderator", "first link")
    team.logins.accounts.login_failed(nameless, None)
    visitor = visit("admin")
    visitor.post("/gesprekken.csv")
    visitor.get("/logboek")
    rows = re.findall(
        r'<td class="whole">(.*?)</td><td>(.*?)</td>\s*<td class="whole">(.*?)</td><td class="quiet">(.*?)</td>', visitor.text, re.S
    )
    assert len(rows) > 20
    for row in rows:
        cells = [re.sub(r"<[^>]*>", "", cell) for cell in row]
        assert not ENGLISH.search(" | ".join(cells)), cells
    assert "aan moderator" in visitor.text and "uilskuiken" in visitor.text
