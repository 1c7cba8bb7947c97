"""What moderators may do, and that each of it is checked and written down."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from bot.transcripts.accounts import Accounts
from bot.transcripts.audit import LOOK_SECONDS, AuditLog
from bot.transcripts.database import Database, make_engine
from bot.transcripts.filters import order_by, wanted_by
from bot.transcripts.keys import Keys
from bot.transcripts.repository import Conflict, Filters, NotFound, Repository, WrongValue

from .conftest import NOON, said, slot, turn, user

DAY = 86400.0


@pytest.fixture
def store(database: Database, apply: Any) -> Repository:
    """Three conversations: a parent on the web, a bystander on Telegram, somebody in a crisis."""
    apply(
        turn("a", user("Mijn zoon wordt uitgelachen op school, kheb schrik", at=NOON), slot("role", "parent"), slot("context", "school"), slot("forms", ["insult"]), said("ik hoor je", NOON)),
        turn("b", user("mijn vriendin wordt bedreigd op Snapchat", at=NOON + DAY, channel="telegram"), slot("role", "bystander"), slot("platform", "snapchat"), slot("forms", ["threat", "insult"]), said("x", NOON + DAY, id="dialogue.helpful_no")),
        turn("c", user("ik wil dood", at=NOON + 2 * DAY, crisis="suicide")),
    )  # fmt: skip
    return Repository(database)


@pytest.fixture
def account(database: Database) -> int:
    return Accounts(database).create("Ann", "hash", "moderator", "setup")


def found(store: Repository, **filters: Any) -> list[str]:
    """The first words of the conversations that fit."""
    return [item.opening.split()[1] for item in store.list(Filters(**filters), order="oldest").items]


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({}, ["zoon", "vriendin", "wil"]),
        ({"channel": ("telegram",)}, ["vriendin"]),
        ({"road": ("parent", "bystander")}, ["zoon", "vriendin"]),
        ({"form": ("insult",)}, ["zoon", "vriendin"]),
        ({"form": ("threat", "stalking")}, ["vriendin"]),
        ({"context": ("school",)}, ["zoon"]),
        ({"platform": ("snapchat",)}, ["vriendin"]),
        ({"crisis": ("any",)}, ["wil"]),
        ({"crisis": ("abuse",)}, []),
        ({"rating": ("no",)}, ["vriendin"]),
        ({"rating": ("yes", "none")}, ["zoon", "wil"]),
        ({"urgency": (3,)}, ["wil"]),
        ({"status": ("done",)}, []),
        ({"since": dt.date(2026, 9, 22)}, ["vriendin", "wil"]),
        ({"until": dt.date(2026, 9, 22)}, ["zoon", "vriendin"]),
        ({"min_messages": 2}, ["zoon", "vriendin"]),
        ({"max_words": 3}, ["wil"]),
        ({"text": "wordt"}, ["zoon", "vriendin"]),
        # Spelling is the reader's: "kheb schrik" is "ik heb schrik", "DOOD!" is "dood".
        ({"text": "heb schrik"}, ["zoon"]),
        ({"text": "DOOD!"}, ["wil"]),
        ({"text": "wordt dood"}, []),
        ({"text": "snapchat", "road": ("parent",)}, []),
    ],
)
@pytest.mark.parametrize("few", [500, 0], ids=["few", "many"])
def test_filters(store: Repository, filters: dict[str, Any], expected: list[str], few: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.transcripts.filters._FEW", few)
    assert found(store, **filters) == expected
    assert store.list(Filters(**filters)).total == len(expected)
    assert Filters.from_dict(Filters(**filters).to_dict()) == Filters(**filters)


def test_several_filters_walk_one_index_and_look_up_no_rows(tmp_path: Path) -> None:
    """SQLAlchemy leaves out the hint for SQLite by itself, and nothing but the time would tell."""
    database = Database(make_engine(f"sqlite:///{tmp_path / 'transcripts.db'}"), Keys([bytes(32)]))
    database.migrate()
    filters = Filters(crisis=("any",), rating=("none",), min_messages=8, status=("new",), assigned_to=1, max_words=90)
    with database.reading() as session:
        query = wanted_by(filters, session, database.keys).query().order_by(*order_by("urgency"))
        written = query.compile(database.engine, compile_kwargs={"literal_binds": True})
        (plan,) = session.execute(text(f"EXPLAIN QUERY PLAN {written}")).all()
    database.close()
    assert plan[-1] == "SCAN conversation USING COVERING INDEX conversation_queue"


@pytest.mark.parametrize(
    "data", [{"text": 1}, {"colour": "red"}, {"status": "new"}, {"since": "gisteren"}, {"urgency": ["3"]}, {"min_words": True}]
)
def test_filters_that_cannot_be_read_are_refused(data: dict[str, Any]) -> None:
    with pytest.raises(WrongValue):
        Filters.from_dict(data)


@pytest.mark.parametrize("words", ["!!! ...", "a " * 200, " ".join(f"w{number}" for number in range(13))])
def test_a_search_that_finds_nothing_sensible_is_refused(store: Repository, words: str) -> None:
    with pytest.raises(WrongValue):
        store.list(Filters(text=words))


@pytest.mark.parametrize(
    "filters", [Filters(), Filters(text="gepest"), Filters(text="gepest", status=("new",)), Filters(form=("insult", "threat"))], ids=str
)
@pytest.mark.parametrize("near", [(1000, 8), (0, 1)], ids=["near", "far"])
def test_pages_and_neighbours_follow_the_order(
    store: Repository, apply: Any, filters: Filters, near: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.transcripts.filters._FEW", 0)
    monkeypatch.setattr("bot.transcripts.held._AT_FIRST", near[0])
    monkeypatch.setattr("bot.transcripts.held._MANY_TIMES", near[1])
    for place, name in enumerate("xyz"):
        apply(
            turn(
                name,
                user("word gepest", at=NOON + place * DAY + 60),
                slot("forms", ["insult", "threat"]),
                said("x", NOON + place * DAY + 60),
            )
        )
    for order in ("urgency", "newest", "oldest"):
        shown = store.list(filters, order=order)
        ids = [item.id for item in shown.items]
        assert shown.total == len(ids) >= 3
        assert [store.list(filters, order=order, page=page, size=1).items[0].id for page in range(1, len(ids) + 1)] == ids
        assert [store.neighbours(id_, filters, order=order) for id_ in ids] == list(zip([None, *ids], [*ids[1:], None], strict=False))
    with pytest.raises(WrongValue):
        store.list(order="colour")


def test_reading_makes_it_seen_and_new_words_make_it_new_again(store: Repository, apply: Any) -> None:
    first = store.list(order="oldest").items[0]
    assert store.read(first.id, "ann").summary.status == "seen"
    apply(turn("a", said("nog iets", NOON + 5)))
    assert store.read(first.id, "ann").summary.status == "seen"
    apply(turn("a", user("er is nog iets", at=NOON + 9)))
    assert store.list(order="oldest").items[0].status == "new"
    assert store.status_counts() == {"new": 3, "seen": 0, "discuss": 0, "done": 0}


def test_a_correction_is_kept_beside_what_was_read(store: Repository, account: int) -> None:
    row = store.list(order="oldest").items[0]
    message = store.read(row.id, "ann").messages[0]
    store.correct(
        message.id,
        None,
        {"role": "bystander", "forms": ["insult", "gossip"], "crisis": "none", "kind": None},
        account_id=account,
        actor="ann",
    )
    corrected = store.read(row.id, "ann").messages[0]
    assert (corrected.corrected_intent, corrected.corrected_by) == (None, "Ann")
    assert corrected.corrected_facets == {"role": "bystander", "forms": ["insult", "gossip"]}
    store.correct(message.id, "ask_tips", None, account_id=account, actor="ann")
    assert store.read(row.id, "ann").messages[0].corrected_facets is None
    store.correct(message.id, None, None, account_id=account, actor="ann")
    assert store.read(row.id, "ann").messages[0].corrected_intent is None


@pytest.mark.parametrize(
    ("intent", "facets"),
    [("DROP TABLE", None), ("", None), (None, {"role": "koning"}), (None, {"kleur": "rood"}), (None, {"repeated": "ja"})],
)
def test_a_correction_that_means_nothing_is_refused(store: Repository, account: int, intent: Any, facets: Any) -> None:
    message = store.read(store.list(order="oldest").items[0].id, "ann").messages[0]
    with pytest.raises(WrongValue):
        store.correct(message.id, intent, facets, account_id=account, actor="ann")


def test_only_texts_of_the_user_are_corrected(store: Repository, account: int) -> None:
    answer = store.read(store.list(order="oldest").items[0].id, "ann").messages[1]
    with pytest.raises(WrongValue):
        store.correct(answer.id, "describe", None, account_id=account, actor="ann")


def test_verdicts_notes_tags_and_owners(store: Repository, account: int) -> None:
    id_ = store.list(order="oldest").items[0].id
    whole = store.read(id_, "ann")
    store.judge(whole.messages[1].id, False, "te vroeg, bel kato@voorbeeld.be", account_id=account, actor="ann")
    note = store.add_note(id_, "overleg met noor@voorbeeld.be", account, "ann")
    store.add_tag(id_, "  Opvolgen ", "ann")
    store.add_tag(id_, "opvolgen", "ann")
    store.assign(id_, account, "ann")
    whole = store.read(id_, "ann")
    assert (whole.messages[1].good, whole.messages[1].judged_by) == (False, "Ann")
    assert "voorbeeld" not in whole.messages[1].reason
    assert "voorbeeld" not in whole.notes[0].text
    assert (whole.summary.tags, whole.summary.assigned_to) == (("opvolgen",), account)
    assert found(store, tag=("opvolgen",)) == found(store, assigned_to=account) == ["zoon"]
    assert store.values("tag") == ["opvolgen"]
    store.remove_note(note, "ann")
    store.remove_tag(id_, "opvolgen", "ann")
    store.assign(id_, None, "ann")
    store.judge(whole.messages[1].id, None, "", account_id=account, actor="ann")
    whole = store.read(id_, "ann")
    assert (whole.notes, whole.summary.tags, whole.summary.assigned_to, whole.messages[1].good) == ((), (), None, None)


def test_who_changes_an_older_version_is_told_so(store: Repository) -> None:
    row = store.list(order="oldest").items[0]
    version = store.set_status(row.id, "discuss", "ann", row.version)
    with pytest.raises(Conflict):
        store.set_status(row.id, "done", "bob", row.version)
    assert store.set_status(row.id, "done", "bob", version) == version + 1


def test_what_is_gone_is_told_so(store: Repository, account: int) -> None:
    attempts = [
        lambda: store.read(999, "ann"), lambda: store.set_status(999, "done", "ann"), lambda: store.judge(999, True, "", account_id=account, actor="ann"),
        lambda: store.remove_note(999, "ann"), lambda: store.assign(store.list().items[0].id, 999, "ann"), lambda: store.neighbours(999),
        lambda: store.remove_view(999, account, "ann"), lambda: store.erase(999, "ann"),
    ]  # fmt: skip
    for attempt in attempts:
        with pytest.raises(NotFound):
            attempt()


def test_erasing_by_a_moderator_takes_all_that_hangs_on_it(store: Repository, database: Database, account: int) -> None:
    row = store.list(order="oldest").items[0]
    message = store.read(row.id, "ann").messages[0]
    store.correct(message.id, "describe", None, account_id=account, actor="ann")
    store.add_note(row.id, "x", account, "ann")
    store.add_tag(row.id, "y", "ann")
    store.erase(row.id, "ann")
    with database.reading() as session:
        for table in ("message", "word", "conversation_form", "correction", "note", "tag", "placeholder"):
            column = f"SELECT count(*) FROM {table} WHERE conversation_id = {row.id}"
            assert session.execute(text(column)).scalar() == 0, table
        assert session.execute(text("SELECT why, conversations, messages FROM removal")).all() == [("console", 1, 2)]
    assert store.figures(dt.date(2026, 9, 1), dt.date(2026, 9, 30)).roads == {"bystander": 1}


def test_saved_views(store: Repository, database: Database, account: int) -> None:
    other = Accounts(database).create("Bob", "hash", "moderator", "setup")
    view = store.save_view(account, "Crisis", Filters(crisis=("any",), text="dood"), "urgency", shared=False, actor="ann")
    assert store.save_view(account, "Crisis", Filters(crisis=("any",)), "oldest", shared=True, actor="ann") == view
    store.save_view(other, "Van mij", Filters(), "newest", shared=False, actor="bob")
    assert [(item.name, item.filters, item.order) for item in store.views(account)] == [("Crisis", Filters(crisis=("any",)), "oldest")]
    assert [(item.name, item.order) for item in store.views(other)] == [("Crisis", "oldest"), ("Van mij", "newest")]
    with pytest.raises(NotFound):
        store.remove_view(view, other, "bob")
    store.remove_view(view, account, "ann")
    assert store.views(account) == []


# --- the audit log ---


def test_every_change_is_written_down(store: Repository, database: Database, account: int) -> None:
    id_ = store.list(order="oldest").items[0].id
    store.set_status(id_, "done", "ann")
    store.read(id_, "bob")
    log = AuditLog(database)
    told = [(item.actor, item.action, item.subject) for item in log.entries()]
    assert told[:2] == [("bob", "read", f"conversation {id_}"), ("ann", "status changed", f"conversation {id_}")]
    assert [item.actor for item in log.entries(actor="bob")] == ["bob"]
    assert log.broken_at() is None


def test_one_look_is_one_entry_and_every_look_is_there(
    store: Repository, apply: Any, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [NOON + 3600]
    monkeypatch.setattr("bot.transcripts.audit.time.time", lambda: clock[0])
    first, second = (item.id for item in store.list(order="oldest").items[:2])

    def looks() -> int:
        return sum(entry.action == "read" for entry in AuditLog(database).entries())

    for _reload in range(3):
        store.read(first, "ann")
    assert looks() == 1
    store.read(second, "ann")
    store.read(first, "bob")
    assert looks() == 3, "another conversation, another person"
    clock[0] += LOOK_SECONDS + 1
    store.read(first, "ann")
    store.read(first, "ann")
    assert looks() == 4, "later is another look"
    apply(turn("a", user("er is nog iets", at=clock[0] + 5)))
    clock[0] += 10
    store.read(first, "ann")
    assert looks() == 5, "there was something new to read"
    assert AuditLog(database).broken_at() is None


@pytest.mark.parametrize("statement", ["UPDATE audit SET actor = 'x'", "DELETE FROM audit", "DELETE FROM audit WHERE id = 1"])
def test_the_database_itself_refuses_to_change_the_log(database: Database, statement: str) -> None:
    AuditLog(database).add("ann", "logged in")
    with pytest.raises(DBAPIError, match="only ever added to"), database.writing() as session:
        session.execute(text(statement))
    assert [item.actor for item in AuditLog(database).entries()] == ["ann"]


@pytest.mark.parametrize(
    "change", ["UPDATE audit SET detail = 'x' WHERE id = 2", "DELETE FROM audit WHERE id = 2", "UPDATE audit SET at = at - 60 WHERE id = 3"]
)
def test_whoever_gets_round_that_breaks_the_chain(database: Database, change: str) -> None:
    log = AuditLog(database)
    for number in range(4):
        log.add("ann", "exported", detail=str(number))
    with database.writing() as session:
        if database.is_sqlite:
            session.execute(text("DROP TRIGGER audit_no_UPDATE"))
            session.execute(text("DROP TRIGGER audit_no_DELETE"))
        else:
            session.execute(text("ALTER TABLE audit DISABLE TRIGGER audit_append_only"))
        session.execute(text(change))
    assert log.broken_at() in (2, 3)


# --- accounts ---


def test_accounts(database: Database) -> None:
    accounts = Accounts(database)
    first = accounts.create("An  De Smet", None, "admin", "setup")
    assert accounts.find("an de smet") == accounts.get(first)
    assert accounts.get(first).password_hash is None
    for name, role in (("AN DE SMET", "reader"), ("", "reader"), ("x" * 81, "reader"), ("Bob", "koning")):
        with pytest.raises(WrongValue):
            accounts.create(name, None, role, "setup")
    accounts.set_password(first, "hash", "an")
    assert (accounts.get(first).password_hash, accounts.get(first).generation) == ("hash", 1)
    assert [accounts.login_failed(first, None), accounts.login_failed(first, dt.datetime.now(dt.timezone.utc))] == [1, 2]
    assert accounts.get(first).locked_until is not None
    accounts.login_succeeded(first)
    assert (accounts.get(first).failed_logins, accounts.get(first).locked_until) == (0, None)
    with pytest.raises(NotFound):
        accounts.get(99)


def test_somebody_can_always_manage_accounts(database: Database) -> None:
    accounts = Accounts(database)
    first, second = accounts.create("An", "h", "admin", "setup"), accounts.create("Bob", "h", "admin", "setup")
    accounts.set_active(second, False, "an")
    for attempt in (lambda: accounts.set_role(first, "reader", "an"), lambda: accounts.set_active(first, False, "an")):
        with pytest.raises(WrongValue):
            attempt()
    accounts.set_active(second, True, "an")
    accounts.set_role(first, "reader", "bob")
    assert [item.role for item in accounts.all()] == ["reader", "admin"]
