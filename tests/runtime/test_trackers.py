"""Conversations in the store: they stay small and forget nothing that the bot must remember."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import ActionExecuted, AllSlotsReset, BotUttered, Event, SessionStarted, SlotSet, UserUttered
from rasa.shared.core.trackers import DialogueStateTracker

from bot.runtime.bot import Bot
from bot.runtime.settings import PROJECT, load_settings
from bot.runtime.trackers import TURN_WINDOW, SqliteTrackerStore, shrink

DOMAIN = Domain.from_file(str(PROJECT / "domain.yml"))


def turn(number: int, *slots: SlotSet) -> list[Event]:
    said = UserUttered(f"bericht {number}", intent={"name": "describe", "confidence": 1.0}, parse_data={"facets": {"role": "victim"}})
    return [
        said,
        ActionExecuted("action_signpost"),
        *(BotUttered(f"antwoord {n}") for n in range(5)),
        *slots,
        ActionExecuted("action_listen"),
    ]


def new_store(path: Any = None, **options: Any) -> SqliteTrackerStore:
    return SqliteTrackerStore(DOMAIN, path, **options)


def stored_size(store: SqliteTrackerStore) -> int:
    return int(store._database.execute("SELECT length(data) FROM tracker").fetchone()[0])


async def converse(store: SqliteTrackerStore, turns: list[list[Event]]) -> list[int]:
    sizes = []
    for events in turns:
        tracker = await store.get_or_create_tracker("x")
        for event in events:
            tracker.update(event, DOMAIN)
        await store.save(tracker)
        sizes.append(stored_size(store))
    return sizes


def test_a_long_conversation_stays_as_small_as_a_short_one() -> None:
    store = new_store()
    sizes = asyncio.run(converse(store, [turn(n % 10, SlotSet("asked", [str(n % 10)])) for n in range(200)]))
    assert max(sizes[TURN_WINDOW + 1 :]) <= sizes[TURN_WINDOW + 1] * 1.05


def test_a_slot_of_the_first_turn_is_there_after_two_hundred() -> None:
    store = new_store()
    asyncio.run(converse(store, [turn(0, SlotSet("disclosed", True)), *(turn(n) for n in range(200))]))
    tracker = asyncio.run(store.retrieve("x"))
    assert tracker is not None
    assert tracker.get_slot("disclosed") is True
    # Rasa gives actions a tracker that is made by replaying the events.
    assert tracker.travel_back_in_time(float("inf")).get_slot("disclosed") is True


def test_the_kept_turns_are_more_than_any_policy_looks_back() -> None:
    policies = yaml.safe_load((PROJECT / "config.yml").read_text(encoding="utf-8"))["policies"]
    states_a_turn = 2
    assert max(policy.get("max_history", 1) for policy in policies) <= TURN_WINDOW * states_a_turn


SLOTS = st.sampled_from(["role", "forms", "disclosed", "pending"])
EVENTS = st.one_of(
    st.builds(SlotSet, SLOTS, st.one_of(st.none(), st.booleans(), st.text(max_size=3), st.lists(st.text(max_size=3), max_size=2))),
    st.builds(AllSlotsReset),
    st.builds(SessionStarted),
)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.lists(EVENTS, max_size=4), min_size=1, max_size=12))
def test_whatever_happens_the_slots_are_those_of_the_whole_conversation(changes: list[list[Event]]) -> None:
    turns = [turn(number, *events) for number, events in enumerate(changes)]
    whole = DialogueStateTracker.from_events("x", [event for events in turns for event in events], DOMAIN.slots)
    store = new_store()
    asyncio.run(converse(store, turns))
    kept = asyncio.run(store.retrieve("x"))
    assert kept is not None
    assert kept.current_slot_values() == whole.current_slot_values()


def test_what_is_stored_is_json_and_begins_with_the_bot_listening() -> None:
    tracker = DialogueStateTracker.from_events("x", [event for n in range(9) for event in turn(n)], DOMAIN.slots)
    events = json.loads(json.dumps(shrink(tracker)))
    assert events[0] == {**events[0], "event": "action", "name": "action_listen"}
    assert sum(event["event"] == "user" for event in events) == TURN_WINDOW


def test_a_conversation_outlives_the_process_but_not_its_deletion(tmp_path: Any) -> None:
    first = new_store(tmp_path / "c.db")
    asyncio.run(converse(first, [turn(0, SlotSet("role", "parent"))]))
    first.close()
    second = new_store(tmp_path / "c.db")
    tracker = asyncio.run(second.retrieve("x"))
    assert tracker is not None
    assert tracker.get_slot("role") == "parent"
    asyncio.run(second.delete("x"))
    assert asyncio.run(second.retrieve("x")) is None
    second.close()
    assert b"bericht" not in b"".join(path.read_bytes() for path in tmp_path.iterdir())


def test_an_unused_conversation_is_gone() -> None:
    store = new_store(expires_after=0.0)
    asyncio.run(converse(store, [turn(0)]))
    assert asyncio.run(store.retrieve("x")) is None


@pytest.fixture(scope="module")
def bot() -> Any:
    loaded = Bot.load(load_settings(), in_memory=True)
    yield loaded
    loaded.close()


def test_the_bot_says_once_who_reads_along_in_a_long_conversation(bot: Bot) -> None:
    said = ["hallo", "ze sluiten mij uit op school", "ja", "nee", "weet ik niet", "wat is pesten", "dank je", "ok", "al weken", "hallo"]

    async def all_ids() -> list[str]:
        return [str(message.get("id")) for text in said * 2 for message in (await bot.respond("long", text)).messages]

    disclosure = bot._renderer.say("disclosure")
    assert asyncio.run(all_ids()).count(str(disclosure[0]["id"])) == len(disclosure)
