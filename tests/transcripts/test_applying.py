"""Turns go into the database exactly once, and out of it without a trace, on both kinds of database."""

from __future__ import annotations

import datetime as dt
import threading
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from bot.transcripts.applying import Applier
from bot.transcripts.counting import add, forms_of, referrals_of, share_of
from bot.transcripts.database import Database, make_engine
from bot.transcripts.errors import StoreError
from bot.transcripts.keys import Keys
from bot.transcripts.models import Base, Conversation
from bot.transcripts.record import feedback
from bot.transcripts.repository import Filters, Repository

from .conftest import KEY, NOON, PAUSE, answer, entry, erasure, everything, said, slot, turn, user

MINUTE = 60.0
TODAY = dt.date(2026, 9, 21)


def test_the_migrations_make_exactly_the_models(database: Database) -> None:
    import bot.console.models  # noqa: F401 (its tables stand on the same base)

    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"include_name": lambda name, _kind, _parent: name != "sqlite_sequence"})
        assert compare_metadata(context, Base.metadata) == []


def test_migrating_again_and_at_once_by_several_changes_nothing(address: str) -> None:
    failed: list[BaseException] = []

    def migrate() -> None:
        made = Database(make_engine(address), Keys([KEY]))
        try:
            made.migrate()
            made.migrate()
        except Exception as error:  # noqa: BLE001 (told at the end)
            failed.append(error)
        finally:
            made.close()

    threads = [threading.Thread(target=migrate) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []


def test_an_address_that_cannot_be_used_is_refused_without_repeating_it() -> None:
    for address in ("mysql://root:geheim@host/x", "geheim", "postgresql:geheim@"):
        with pytest.raises(StoreError) as refused:
            make_engine(address)
        assert "geheim" not in str(refused.value)


def test_a_turn_that_comes_again_is_taken_in_once(database: Database, apply: Any) -> None:
    first = turn("s", user("ze pesten mij", role="victim"), said("ik hoor je"))
    second = turn("s", user("elke dag", at=NOON + 1))
    assert apply(first, first, second) == 2
    before = everything(database)
    assert apply(second, first) == 0
    assert everything(database) == before
    assert len(before["message"]) == 3


def test_the_same_message_taken_again_after_a_crash_stands_once(apply: Any, database: Database) -> None:
    """Rasa numbers events anew; the channel's id of the message tells that it is the same."""
    once, again = user("ze pesten mij"), user("ze pesten mij", at=NOON + 5)
    again["message_id"] = once["message_id"]
    assert apply(turn("s", once, said("a")), turn("s", again, said("b"))) == 1
    assert apply(turn("other", again)) == 1


def test_what_a_turn_tells_stands_in_the_list(database: Database, apply: Any) -> None:
    apply(
        turn(
            "s",
            user("mijn zoon wordt gepest op snapchat", channel="telegram", confidence=0.22, crisis="none"),
            slot("role", "parent"), slot("context", "school"), slot("forms", ["insult", "threat"]), slot("platform", "snapchat"),
            slot("kind", "cyberbullying"), slot("age_band", "12_17"),
            said("rustig", rules=[{"id": "parent.first", "source": "P1"}], options=[{"title": "Ja", "payload": "/affirm"}]),
            said("Awel: bel 102", type="helpline", id="awel"),
        ),
        turn("s", user("/affirm", at=NOON + 9, intent="affirm", confidence=1.0), said("fijn", id="dialogue.helpful_yes")),
        turn("s", feedback("tapped", "awel", "telegram")),
        turn("s", feedback("tapped", "never_shown", "telegram")),
        turn("nobody", feedback("tapped", "awel", "telegram")),
    )  # fmt: skip
    repository = Repository(database)
    (row,) = repository.list().items
    assert (row.channel, row.road, row.context, row.platform, row.kind, row.age_band) == (
        "telegram", "parent", "school", "snapchat", "cyberbullying", "12_17",
    )  # fmt: skip
    assert row.forms == ("insult", "threat")
    assert row.rating is True
    assert (row.n_messages, row.n_words, row.urgency, row.min_confidence) == (7, 6, 1, 0.22)
    whole = repository.read(row.id, "me")
    tap = whole.messages[3]
    assert (tap.kind, tap.text, tap.intent) == ("tap", "Ja", "affirm")
    assert whole.messages[1].rules == (("parent.first", "P1"),)
    assert whole.referrals == {"awel": 1}
    assert whole.model == "model-1"


def test_the_queue_is_crisis_then_failure_then_unsure_then_newest(database: Database, apply: Any) -> None:
    apply(
        turn("newest", user("hallo", at=NOON + 900)),
        turn("unsure", user("xyz", at=NOON, confidence=0.2)),
        turn("failed", user("xyz", at=NOON), said("wat bedoel je", id="dialogue.fallback_first")),
        turn("crisis", user("ik wil dood", at=NOON, crisis="suicide")),
        turn("older", user("hallo", at=NOON)),
    )
    openings = [item.urgency for item in Repository(database).list().items]
    assert openings == [3, 2, 1, 0, 0]
    assert Repository(database).list().items[3].last_at.timestamp() == NOON + 900


@pytest.mark.parametrize(
    ("facets", "sure", "unsure"),
    [
        ({"role": "victim"}, {"role": 0.3}, True),
        ({"role": "victim"}, {"role": 0.9}, False),
        ({"forms": ["insult", "doxing"]}, {"forms": {"insult": 0.9, "doxing": 0.15}}, True),
        # Of what is not told, and of what decides nothing, it does not matter how sure it is.
        ({"role": None, "kind": "none", "crisis": "none"}, {"role": 0.3, "kind": 0.3, "crisis": 0.3}, False),
        ({"forms": ["insult"]}, {"forms": {"insult": 0.9, "doxing": 0.07}}, False),
        ({"evidence_saved": True}, {"evidence_saved": 0.2}, False),
    ],
)
def test_unsure_of_what_decides_the_advice(
    facets: dict[str, Any], sure: dict[str, Any], unsure: bool, database: Database, apply: Any
) -> None:
    apply(turn("a", user("ze lachen mij uit", sure=sure, **facets)))
    assert Repository(database).list().items[0].urgency == int(unsure)


def test_an_answer_is_what_was_taken_from_it_and_no_doubt(database: Database, apply: Any) -> None:
    """What its words would be by themselves ("13" is nothing, "snap" a guess about a victim) decided nothing."""
    guess = {"role": "victim", "kind": "none"}
    apply(
        turn("s", user("snap", intent="describe", confidence=0.2, sure={"role": 0.2}, **guess), said("ok", understood=answer("platform", platform="snapchat"))),
        turn("s", user("ja", at=NOON + 1, intent="affirm"), said("ok", NOON + 1, understood=answer("repeated", repeated=True))),
    )  # fmt: skip
    (row,) = Repository(database).list().items
    assert (row.urgency, row.failures, row.min_confidence) == (0, 0, None)
    first, second = (message for message in Repository(database).read(row.id, "me").messages if message.sender == "user")
    assert (first.intent, first.question, first.facets, first.confidences) == ("answer", "platform", {"platform": "snapchat"}, {})
    assert (second.intent, second.question, second.facets) == ("answer", "repeated", {"repeated": True})


def test_an_answer_that_tells_more_is_read_for_that_too(database: Database, apply: Any) -> None:
    note = answer("context", None, context="sport", forms=["physical"], kind="none", platform=None)
    sure = {"context": 0.3, "forms": {"physical": 0.6}, "role": 0.1}
    apply(
        turn(
            "s",
            user("in de club en ze slaan mij", confidence=0.8, sure=sure, forms=["physical"], role="bully"),
            said("ok", understood=note),
        )
    )
    (row,) = Repository(database).list().items
    message = Repository(database).read(row.id, "me").messages[0]
    assert (message.intent, message.confidence, message.question) == ("describe", 0.8, "context")
    assert message.facets == {"context": "sport", "forms": ["physical"], "kind": "none"}
    assert message.confidences == {"forms": {"physical": 0.6}}
    assert row.min_confidence == 0.6


def test_whether_anybody_needs_help_is_kept_where_that_is_a_question(database: Database, apply: Any) -> None:
    apply(
        turn("s", user("ruzie over de tv, nu weer goed", at_ease=True, kind="conflict")),
        turn("s", user("ze pesten mij", at=NOON + 1)),
        turn("s", user("hallo", at=NOON + 2, intent="greet", at_ease=True)),
    )
    (row,) = Repository(database).list().items
    assert [message.facets.get("concern") for message in Repository(database).read(row.id, "me").messages] == [False, None, None]


def test_a_crisis_stays_flagged_when_it_is_taken_back(database: Database, apply: Any) -> None:
    apply(turn("s", user("ik wil dood", crisis="suicide"), slot("crisis_open", "suicide")))
    apply(turn("s", user("het gaat wel", at=NOON + 5), slot("crisis_open", None), slot("role", None)))
    (row,) = Repository(database).list(Filters(crisis=("any",))).items
    assert (row.crisis, row.urgency) == ("suicide", 3)


def test_one_thing_has_one_placeholder_within_a_conversation(database: Database, apply: Any) -> None:
    apply(
        turn("s", user("mijn mail is kato@voorbeeld.be en die van haar noor@voorbeeld.be")),
        turn("s", user("mail noor@voorbeeld.be niet, wel kato@voorbeeld.be", at=NOON + 5)),
        turn("other", user("ik ben noor@voorbeeld.be")),
    )
    repository = Repository(database)
    texts = {row.channel + str(row.n_words): repository.read(row.id, "me") for row in repository.list().items}
    long, short = sorted(texts.values(), key=lambda whole: -len(whole.messages))
    marks = [[word for word in message.text.split() if word.startswith("[")] for message in long.messages]
    assert len(marks[0]) == 2
    assert [mark.strip(",.") for mark in marks[1]] == [marks[0][1], marks[0][0]]
    assert marks[0][0].endswith("-1]")
    assert marks[0][1].endswith("-2]")
    assert "-1]" in short.messages[0].text
    with database.reading() as session:
        tokens = [row[0] for row in session.execute(text("SELECT token FROM placeholder"))]
    assert len(tokens) == len(set(tokens)) == 3


def test_after_a_long_pause_it_is_another_conversation(database: Database, apply: Any) -> None:
    apply(turn("s", user("hallo")), turn("s", user("hallo", at=NOON + PAUSE)), turn("s", user("hallo", at=NOON + 3 * PAUSE)))
    assert [row.n_messages for row in Repository(database).list(order="oldest").items] == [2, 1]


# --- erasing ---

_TEXTS = ("ze pesten mij", "mijn mail is kato@voorbeeld.be", "ik wil dood", "op snapchat", "bedankt")
_steps = st.lists(
    st.tuples(
        st.sampled_from(["a", "b"]),
        st.sampled_from(_TEXTS),
        st.sampled_from([None, "insult", "threat"]),
        st.sampled_from([None, "suicide"]),
        st.sampled_from([None, "awel", "caw"]),
        st.sampled_from([None, True, False]),
    ),
    max_size=8,
)


def _turns(steps: Any) -> list[tuple[str, dict[str, Any]]]:
    made: list[tuple[str, dict[str, Any]]] = []
    for place, (sender, words, form, crisis, helpline, rating) in enumerate(steps):
        at = NOON + place * MINUTE
        events = [user(words, at=at, **({"crisis": crisis} if crisis else {}))]
        events += [slot("forms", [form], at)] if form else []
        events += [said("hier", at, type="helpline", id=helpline)] if helpline else []
        events += [feedback("helpful", rating, "web")] if rating is not None else []
        made.append((sender, turn(sender, *events)))
    return made


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=_steps, split=st.integers(0, 8))
def test_erasing_leaves_the_store_as_if_the_conversation_had_never_been(tmp_path: Path, steps: Any, split: int) -> None:
    """Whatever was said, and in whatever batches it came: also in the figures. What came late does not come back."""
    made = _turns(steps)
    stores = []
    for number, turns in enumerate(([item for _sender, item in made], [item for sender, item in made if sender == "b"])):
        path = tmp_path / f"{number}.db"
        for leftover in tmp_path.glob(f"{number}.db*"):
            leftover.unlink()
        store = Database(make_engine(f"sqlite:///{path}"), Keys([KEY]))
        store.migrate()
        applier = Applier(store, PAUSE)
        entries = [entry(store, item) for item in turns]
        # The erasing comes in the middle of a batch, with turns of before it still to come.
        entries.insert(min(split, len(entries)), erasure(store, "a", NOON + 1000 * MINUTE))
        for start in range(0, len(entries), 3):
            with store.writing() as session:
                applier.apply(entries[start : start + 3], session)
        stores.append(store)
    assert everything(stores[0]) == everything(stores[1])
    for store in stores:
        store.close()


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=_steps)
def test_the_figures_are_the_sum_of_the_conversations(tmp_path: Path, steps: Any) -> None:
    for leftover in tmp_path.glob("*.db*"):
        leftover.unlink()
    store = Database(make_engine(f"sqlite:///{tmp_path / 'figures.db'}"), Keys([KEY]))
    store.migrate()
    for _sender, item in _turns(steps):
        with store.writing() as session:
            Applier(store, PAUSE).apply([entry(store, item)], session)
    counted = everything(store)["daily_count"]
    with store.writing() as session:
        session.execute(text("DELETE FROM daily_count"))
        for row in session.query(Conversation):
            add(session, store, {row.day: share_of(row, forms_of(session, row.id), referrals_of(session, row.id))})
    assert everything(store)["daily_count"] == counted
    store.close()


def test_who_was_erased_may_come_back(database: Database, apply: Any) -> None:
    apply(turn("s", user("ze pesten mij")), erasure(database, "s", NOON + 10), turn("s", user("nog eens", at=NOON + 20)))
    (row,) = Repository(database).list().items
    assert row.opening == "nog eens"


# --- refusing ---


def test_who_refuses_leaves_only_counts(database: Database, apply: Any) -> None:
    repository = Repository(database)
    apply(
        turn(
            "s",
            user("ze slaan mij op het voetbal"),
            slot("role", "victim"),
            slot("context", "sport"),
            said("x", type="helpline", id="awel"),
        )
    )
    apply(turn("s", user("laat niet meelezen", at=NOON + 60), slot("review_refused", True), said("oke", id="dialogue.refuse_review_done")))
    apply(
        turn(
            "s",
            user("ik wil dood", at=NOON + 90, crisis="suicide"),
            slot("crisis_open", "suicide"),
            said("x", type="helpline", id="zelfmoordlijn"),
            refused=True,
        )
    )
    held = everything(database)
    assert [held[table] for table in ("conversation", "message", "word", "placeholder", "conversation_form", "conversation_referral")] == [
        []
    ] * 6
    figures = repository.figures(TODAY, TODAY)
    assert (figures.conversations, figures.refused, figures.crisis) == (1, 1, 1)
    assert figures.roads == {"victim": 1}
    assert figures.referrals_shown == {"awel": 1, "zelfmoordlijn": 1}


def test_after_a_refusal_nothing_counts_twice(database: Database, apply: Any) -> None:
    lifeline = said("bel", type="helpline", id="zelfmoordlijn")
    tapped = {**feedback("tapped", "zelfmoordlijn", "web"), "timestamp": NOON + 90}
    helpful, not_helpful = ({**feedback("helpful", value, "web"), "timestamp": NOON + 91} for value in (True, False))
    # Before the refusal: what was counted then is not counted again after it.
    apply(turn("s", user("ik wil dood", crisis="suicide"), slot("crisis_open", "suicide"), slot("role", "victim"), lifeline))
    apply(turn("s", user("laat niet meelezen", at=NOON + 60), slot("review_refused", True)))
    for later in (70, 80):
        again = (
            slot("crisis_open", "suicide", NOON + later),
            slot("platform", "discord", NOON + later),
            {**lifeline, "timestamp": NOON + later},
        )
        apply(turn("s", user("nog altijd", at=NOON + later), *again, refused=True))
        apply(turn("s", tapped, refused=True))
    apply(turn("s", helpful, refused=True))
    apply(turn("s", not_helpful, refused=True))
    found = Repository(database).figures(TODAY, TODAY)
    assert (found.conversations, found.refused, found.crisis) == (1, 1, 1)
    assert (found.roads, found.platforms) == ({"victim": 1}, {"discord": 1})
    assert (found.referrals_shown, found.referrals_tapped) == ({"zelfmoordlijn": 1}, {"zelfmoordlijn": 1})
    assert (found.helpful, found.not_helpful) == (1, 0)
    # Somebody else's, and a conversation of the same one on another day, count for themselves.
    apply(turn("other", user("nee", at=NOON + 100), slot("review_refused", True), slot("crisis_open", "suicide")))
    apply(turn("s", user("nee", at=NOON + 3 * PAUSE), slot("review_refused", True), slot("crisis_open", "suicide")))
    assert Repository(database).figures(TODAY, TODAY + dt.timedelta(days=4)).crisis == 3


def test_erasing_takes_the_marks_of_a_refused_conversation_along(database: Database, apply: Any) -> None:
    apply(turn("s", user("laat niet meelezen"), slot("review_refused", True), slot("role", "parent")))
    count = "SELECT count(*) FROM tombstone WHERE why = 'counted'"
    with database.reading() as session:
        assert session.execute(text(count)).scalar() == 1
    apply(erasure(database, "s", NOON + 60))
    with database.reading() as session:
        assert session.execute(text(count)).scalar() == 0


def test_a_refused_turn_carries_no_text_even_before_the_database() -> None:
    kept = turn("s", user("mijn geheim"), said("antwoord", id="dialogue.x"), slot("forms", ["insult"]), refused=True)
    assert "geheim" not in repr(kept)
    assert "antwoord" not in repr(kept)


def test_a_refusal_holds_for_what_comes_late_and_for_what_comes_after(database: Database, apply: Any) -> None:
    """Also where the sender does not know of the refusal: a second process, or Rasa's own store."""
    apply(turn("s", user("laat niet meelezen", at=NOON + 60), slot("review_refused", True)))
    apply(turn("s", user("van daarvoor", at=NOON)), turn("s", user("van daarna", at=NOON + 3600)))
    assert Repository(database).list().total == 0
    assert Repository(database).figures(TODAY, TODAY).conversations == 1
    apply(turn("s", user("dagen later", at=NOON + 5 * PAUSE)))
    assert Repository(database).list().total == 1


# --- several at once ---


def test_two_who_apply_the_same_turns_at_once_take_each_in_once(database: Database) -> None:
    turns = [
        turn(f"s{number % 3}", user("ze pesten mij op school", at=NOON + number), slot("context", "school"), said("ik hoor je"))
        for number in range(30)
    ]
    entries = [entry(database, item) for item in turns]
    failed: list[BaseException] = []

    def work(mine: list[Any]) -> None:
        try:
            for start in range(0, len(mine), 4):
                with database.writing() as session:
                    Applier(database, PAUSE).apply(mine[start : start + 4], session)
        except Exception as error:  # noqa: BLE001 (told at the end)
            failed.append(error)

    threads = [threading.Thread(target=work, args=(part,)) for part in (entries, entries[::-1], entries)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    rows = Repository(database).list().items
    assert sorted(row.n_messages for row in rows) == [20, 20, 20]
    assert Repository(database).figures(TODAY, TODAY).contexts == {"school": 3}
