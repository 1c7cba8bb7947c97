"""What holds of the store of web conversations, in one bot's file and in the Redis of many."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import UserUttered
from redis.asyncio import Redis

from bot.channels.web_limits import TooFast
from bot.channels.web_limits_redis import Hidden, SharedBuckets
from bot.channels.web_sessions import EVENTS_KEPT, QUESTION, Ended, Incoming, SessionEnded, Sessions, TooManyWaiting, UnknownButton
from bot.channels.web_sessions_redis import RedisSessions
from bot.channels.web_sessions_sqlite import SqliteSessions
from bot.runtime.redis_link import connect
from bot.runtime.redis_locks import RedisLockStore
from bot.runtime.redis_trackers import RedisTrackerStore

from .redis_process import RedisServer

#: More than any test lets wait.
MOST = 20
ODD = ['a b  c\n\n"d"\\ \t', "é €  😀 \u2028 / </script>", "button x", " ", "x" * 5000]

Story = Callable[[Sessions], Awaitable[Any]]


def stored_in(client: Redis, idle: float = 3600, alive: float = 10) -> RedisSessions:
    return RedisSessions(client, RedisLockStore(client, alive).lock, idle)


def in_redis(server: RedisServer, story: Callable[[Redis], Awaitable[Any]]) -> Any:
    async def whole() -> Any:
        client = connect(SecretStr(server.url))
        try:
            return await asyncio.wait_for(story(client), 120)
        finally:
            await client.close(close_connection_pool=True)

    return asyncio.run(whole())


Run = Callable[..., Any]


@pytest.fixture(params=["sqlite", "redis"])
def run(request: pytest.FixtureRequest, tmp_path: Path) -> Run:
    """Runs a story with a store, and gives what comes of it."""

    async def with_store(store: Sessions, story: Story) -> Any:
        await store.start()
        try:
            return await story(store)
        finally:
            await store.close()

    if request.param == "sqlite":
        return lambda story, idle=3600: asyncio.run(with_store(SqliteSessions(tmp_path / "web.db", idle), story))
    server: RedisServer = request.getfixturevalue("redis_server")
    return lambda story, idle=3600: in_redis(server, lambda client: with_store(stored_in(client, idle), story))


def text(words: str, **more: Any) -> dict[str, Any]:
    return {"type": "text", "text": words, **more}


async def answer_next(store: Sessions, session: str, *messages: dict[str, Any]) -> Incoming | None:
    async with store.taking(session) as incoming:
        if incoming:
            await store.answer(session, incoming, [*messages] or [text("antwoord op " + incoming.value)])
    return incoming


async def said(store: Sessions, session: str, after: int = 0) -> list[tuple[int, str, str]]:
    return [(event.id, event.kind, json.loads(event.data)["text"]) for event in (await store.look(session, after)).events]


async def until(holds: Callable[[], bool]) -> None:
    while not holds():  # noqa: ASYNC110 (the other side is a server)
        await asyncio.sleep(0.002)


def test_messages_are_answered_in_order_and_everything_has_a_number(run: Run) -> None:
    async def story(store: Sessions) -> None:
        session = await store.create(greeted=False)
        assert (await store.look(session, 0)) == (await store.look(session, 0))
        assert not (await store.look(session, 0)).working
        for number, words in enumerate(ODD):
            assert await store.accept_text(session, f"message-{number}", words, MOST)
        assert (await store.look(session, 0)).working
        taken = [await answer_next(store, session) for _ in ODD]
        assert [one.value for one in taken if one] == ODD
        assert await answer_next(store, session) is None
        assert not (await store.look(session, 0)).working
        expected = [*(("user", words) for words in ODD), *(("bot", "antwoord op " + words) for words in ODD)]
        assert await said(store, session) == [(number, *one) for number, one in enumerate(expected, start=1)]
        assert await said(store, session, len(ODD)) == [(number, *one) for number, one in enumerate(expected, start=1)][len(ODD) :]
        assert json.loads((await store.look(session, 0)).events[0].data) == {"client": "message-0", "text": ODD[0]}

    run(story)


def test_a_message_is_accepted_once(run: Run) -> None:
    async def story(store: Sessions) -> None:
        session, other = await store.create(greeted=False), await store.create(greeted=False)
        assert await store.accept_text(session, "message-1", "hallo", MOST)
        assert not await store.accept_text(session, "message-1", "iets anders", MOST)
        assert await store.accept_text(other, "message-1", "hallo", MOST)
        await answer_next(store, session)
        assert not await store.accept_text(session, "message-1", "hallo", MOST)
        assert [words for _, kind, words in await said(store, session) if kind == "user"] == ["hallo"]
        assert await answer_next(store, session) is None

    run(story)


def test_what_waits_is_counted_over_all_conversations(run: Run) -> None:
    async def story(store: Sessions) -> None:
        sessions = [await store.create(greeted=False) for _ in range(3)]
        counts = [await store.waiting()]
        for number, session in enumerate(sessions):
            for place in range(number + 1):
                await store.accept_text(session, f"message-{place}", "x", MOST)
        await store.accept_text(sessions[0], "message-0", "x", MOST)  # the same again
        counts.append(await store.waiting())
        await answer_next(store, sessions[2])
        counts.append(await store.waiting())
        await store.end(sessions[1], Ended.ERASED)
        counts.append(await store.waiting())
        for session in (sessions[0], sessions[2], sessions[2]):
            await answer_next(store, session)
        assert [*counts, await store.waiting()] == [0, 6, 5, 3, 0]

    run(story)


def test_only_so_many_wait(run: Run) -> None:
    async def story(store: Sessions) -> None:
        session = await store.create(greeted=False)
        for number in range(3):
            await store.accept_text(session, f"message-{number}", "x", 3)
        with pytest.raises(TooManyWaiting):
            await store.accept_text(session, "message-4", "x", 3)
        await answer_next(store, session)
        assert await store.accept_text(session, "message-4", "x", 3)

    run(story)


def test_a_button_does_what_was_offered_and_belongs_to_one_conversation(run: Run) -> None:
    async def story(store: Sessions) -> None:
        session, other = await store.create(greeted=True), await store.create(greeted=False)
        await store.accept_text(session, "message-1", "x", MOST)
        options = [{"title": 'Ja, "graag"', "payload": '/answer{"role": "parent"}'}, {"title": "Nee", "payload": "/deny"}]
        await answer_next(store, session, text("wie ben je?", options=options), text("klaar"))
        events = (await store.look(session, 1)).events
        shown = json.loads(events[0].data)["options"]
        assert [option["title"] for option in shown] == ['Ja, "graag"', "Nee"]
        assert "payload" not in events[0].data and "/deny" not in events[0].data
        for wrong in ("nothing", "", "m:message-1"):
            with pytest.raises(UnknownButton):
                await store.accept_button(session, "message-2", wrong, MOST)
        with pytest.raises(UnknownButton):
            await store.accept_button(other, "message-2", shown[0]["id"], MOST)
        assert await store.accept_button(session, "message-2", shown[0]["id"], MOST)
        async with store.taking(session) as incoming:
            assert incoming
        assert (incoming.is_button, incoming.value, incoming.greeted) == (True, '/answer{"role": "parent"}', True)
        assert (await said(store, session))[-1][1:] == ("user", 'Ja, "graag"')

    run(story)


@pytest.mark.parametrize("why", list(Ended))
def test_a_conversation_that_ended_is_over_everywhere(run: Run, why: Ended) -> None:
    async def story(store: Sessions) -> None:
        session = await store.create(greeted=False)
        await store.accept_text(session, "message-1", "geheim", MOST)
        await store.end(session, why)
        await store.end(session, Ended.ERASED if why is Ended.EXPIRED else Ended.EXPIRED)
        await store.touch(session)
        for call in (
            store.check(session),
            store.accept_text(session, "message-2", "x", MOST),
            store.accept_button(session, "message-2", "x", MOST),
            store.look(session, 0),
        ):
            with pytest.raises(SessionEnded) as ended:
                await call
            assert ended.value.why is why
        assert not await store.was_shown(session, QUESTION)
        assert await store.left_over() == []

    run(story)


def test_a_conversation_expires_when_it_is_not_used(run: Run) -> None:
    async def story(store: Sessions) -> None:
        used, unused = await store.create(greeted=False), await store.create(greeted=False)
        await store.accept_text(used, "message-1", "x", MOST)
        for _ in range(4):
            await asyncio.sleep(0.3)
            await store.touch(used)
        await store.check(used)
        assert len(await said(store, used)) == 1
        for call in (store.check(unused), store.look(unused, 0), store.accept_text(unused, "message-1", "x", MOST)):
            with pytest.raises(SessionEnded) as ended:
                await call
            assert ended.value.why is Ended.EXPIRED
        assert await store.expired() in ([], [unused])

    run(story, 1.0)


@pytest.mark.parametrize("after", [1, 5, 10**14])
def test_a_number_from_elsewhere_gets_everything(run: Run, after: int) -> None:
    async def story(store: Sessions) -> None:
        session = await store.create(greeted=False)
        assert (await store.look(session, after)).reset
        await store.accept_text(session, "message-1", "x", MOST)
        news = await store.look(session, after)
        assert news.reset == (after > 1)
        assert len(news.events) == (after > 1)

    run(story)


def test_old_events_are_forgotten_and_who_is_behind_starts_anew(run: Run) -> None:
    async def story(store: Sessions) -> None:
        session = await store.create(greeted=False)
        await store.accept_text(session, "message-1", "x", MOST)
        await answer_next(store, session, *(text(str(number)) for number in range(2, EVENTS_KEPT + 11)))
        last = EVENTS_KEPT + 10
        news = await store.look(session, 0)
        assert [event.id for event in news.events] == list(range(11, last + 1))
        assert (await said(store, session, last - 1)) == [(last, "bot", str(last))]
        assert [(await store.look(session, after)).reset for after in (1, 9, 10, 11, last, last + 1)] == [
            True,
            True,
            False,
            False,
            False,
            True,
        ]

    run(story)


def test_whether_it_helped_is_asked_once(run: Run) -> None:
    async def story(store: Sessions) -> None:
        session = await store.create(greeted=False)
        card = {"type": "helpline", "id": "awel", "text": "Awel"}
        for number in range(2):
            await store.accept_text(session, f"message-{number}", "x", MOST)
            assert not await store.was_shown(session, "clb")
            await answer_next(store, session, card, text("slot"))
        assert await store.was_shown(session, "awel") and await store.was_shown(session, QUESTION)
        asked = [json.loads(event.data).get("asks_helpful") for event in (await store.look(session, 0)).events]
        assert asked == [None, None, True, None, None, None]

    run(story)


def test_whoever_watches_is_told_of_all_that_happens(run: Run) -> None:
    async def story(store: Sessions) -> None:
        told: list[str] = []
        store.tell = lambda session, _news: told.append(session)  # type: ignore[method-assign]
        session = await store.create(greeted=False)
        await store.watch(session)

        async def tells(step: Awaitable[Any]) -> None:
            await asyncio.sleep(0.1)
            told.clear()
            await step
            await until(lambda: session in told)

        await tells(store.accept_text(session, "message-1", "x", MOST))
        await tells(answer_next(store, session))
        await tells(store.end(session, Ended.ERASED))
        store.unwatch(session)

    run(story)


def test_what_is_handed_over_is_left_over(run: Run) -> None:
    async def story(store: Sessions) -> None:
        session = await store.create(greeted=False)
        await store.accept_text(session, "message-1", "x", MOST)
        await store.hand_over(session)
        assert await store.left_over() == [session]
        await answer_next(store, session)
        await store.hand_over(session)
        assert await store.left_over() == []

    run(story)


# --- processes that are lost ---

New = Callable[[], Sessions]


@pytest.fixture(params=["sqlite", "redis"])
def run_processes(request: pytest.FixtureRequest, tmp_path: Path) -> Run:
    """Runs a story with what makes stores, each as of another process."""
    if request.param == "sqlite":

        async def in_file(story: Callable[[New], Awaitable[Any]]) -> None:
            await story(lambda: SqliteSessions(tmp_path / "web.db", 3600))

        return lambda story: asyncio.run(in_file(story))
    server: RedisServer = request.getfixturevalue("redis_server")
    return lambda story: in_redis(server, lambda client: story(lambda: stored_in(client, alive=0.2)))


class Lost:
    """Turns of processes that are lost: they stay begun."""

    def __init__(self) -> None:
        self._turns: list[Any] = []

    async def begin(self, store: Sessions, session: str) -> Incoming | None:
        async def turn() -> Incoming | None:
            self._turns.append(store.taking(session))
            incoming: Incoming | None = await self._turns[-1].__aenter__()
            return incoming

        incoming = await asyncio.create_task(turn())
        if isinstance(store, RedisSessions):
            # Whoever is lost does not say any more that it is alive.
            await store._redis.delete(f"wegwijzer:holder:{session}")
        return incoming


def test_turns_that_never_ended_are_counted_until_the_message_is_answered(run_processes: Run) -> None:
    async def story(new: New) -> None:
        lost, store = Lost(), new()
        session = await store.create(greeted=False)
        for words in ("een", "twee"):
            await store.accept_text(session, f"message-{words}", words, MOST)
        for times in range(3):
            incoming = await lost.begin(new(), session)
            assert incoming and (incoming.value, incoming.begun) == ("een", times)
        for words, begun in (("een", 3), ("twee", 0)):
            incoming = await answer_next(store, session)
            assert incoming and (incoming.value, incoming.begun) == (words, begun)
        assert [words for *_, words in await said(store, session)][2:] == ["antwoord op een", "antwoord op twee"]

    run_processes(story)


def test_a_turn_that_a_process_gave_up_itself_does_not_count(run_processes: Run) -> None:
    async def story(new: New) -> None:
        store = new()
        session = await store.create(greeted=False)
        await store.accept_text(session, "message-1", "een", MOST)

        async def stopped(one: Sessions, begun: asyncio.Event) -> None:
            async with one.taking(session) as incoming:
                assert incoming and not incoming.begun
                begun.set()
                await asyncio.sleep(60)

        for _ in range(4):
            begun = asyncio.Event()
            task = asyncio.create_task(stopped(new(), begun))
            await begun.wait()
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            assert await store.left_over() == [session], "it is for another at once"
        for _ in range(4):
            with suppress(ZeroDivisionError):
                async with store.taking(session) as incoming:
                    assert incoming and not incoming.begun
                    raise ZeroDivisionError
        assert await answer_next(store, session) == incoming

    run_processes(story)


def test_what_may_end_a_process_is_tried_alone_and_holds_up_nothing_new(run_processes: Run) -> None:
    async def story(new: New) -> None:
        lost, store = Lost(), new()
        sessions = [await store.create(greeted=False) for _ in range(3)]
        for session in sessions:
            await store.accept_text(session, "message-1", "een", MOST)
        for session in sessions[:2]:
            await lost.begin(new(), session)
        async with store.taking(sessions[0]) as incoming:
            assert incoming and incoming.begun == 1
            other = asyncio.create_task(answer_next(store, sessions[1]))
            assert await answer_next(store, sessions[2])
            await asyncio.sleep(0.1)
            assert not other.done()
            await store.answer(sessions[0], incoming, [text("antwoord")])
        answered = await other
        assert answered and answered.begun == 1, "what was not begun does not count"

    run_processes(story)


# --- both together ---

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("text"), st.integers(0, 4), st.text(st.characters(blacklist_categories=["Cs"]), max_size=5)),
        st.tuples(st.just("tap"), st.integers(0, 4), st.integers(0, 3)),
        st.tuples(st.just("answer"), st.integers(0, 3), st.integers(0, 2)),
        st.tuples(st.just("look"), st.integers(0, 12), st.just(0)),
        st.tuples(st.just("end"), st.sampled_from(Ended), st.just(0)),
    ),
    max_size=25,
)


async def take(store: Sessions, steps: list[Any]) -> list[Any]:
    """What a client sees of the steps; a button is named by its place."""
    session, seen = await store.create(greeted=True), []
    buttons: list[str] = ["unknown"]
    for what, one, two in steps:
        try:
            if what == "text":
                seen.append(await store.accept_text(session, f"message-{one}", two, 3))
            elif what == "tap":
                seen.append(await store.accept_button(session, f"message-{one}", buttons[two % len(buttons)], 3))
            elif what == "answer":
                options = [{"title": f"knop {number}", "payload": f"/p{number}"} for number in range(two)]
                incoming = await answer_next(store, session, *(text(f"a{number}", options=options) for number in range(one)))
                seen.append(incoming and (incoming.is_button, incoming.value))
                for event in (await store.look(session, 0)).events:
                    buttons += [option["id"] for option in json.loads(event.data).get("options", []) if option["id"] not in buttons]
            elif what == "look":
                news = await store.look(session, one)
                seen.append((news.working, news.reset, [(event.id, event.kind, json.loads(event.data)["text"]) for event in news.events]))
            else:
                await store.end(session, one)
        except (SessionEnded, UnknownButton, TooManyWaiting) as error:
            seen.append(repr(error))
    return seen


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(STEPS)
def test_both_stores_do_the_same(redis_server: RedisServer, tmp_path: Path, steps: list[Any]) -> None:
    async def in_file() -> list[Any]:
        store = SqliteSessions(tmp_path / "web.db", 3600)
        try:
            return await take(store, steps)
        finally:
            await store.close()

    async def shared(client: Redis) -> list[Any]:
        return await take(stored_in(client), steps)

    assert asyncio.run(in_file()) == in_redis(redis_server, shared)


# --- Redis alone ---


def test_who_lost_the_conversation_answers_nothing(redis_server: RedisServer) -> None:
    async def story(client: Redis) -> None:
        slow, quick = stored_in(client), stored_in(client)
        session = await slow.create(greeted=False)
        await slow.accept_text(session, "message-1", "een", MOST)
        await slow.accept_text(session, "message-2", "twee", MOST)
        async with slow.taking(session) as incoming:
            assert incoming and incoming.value == "een"
            await client.delete(f"wegwijzer:holder:{session}")  # as if it had stood still
            again = await asyncio.create_task(answer_next(quick, session))
            assert again == replace(incoming, begun=1)
            assert not await slow.answer(session, incoming, [text("te laat")])
        assert [words for *_, words in await said(slow, session)] == ["een", "twee", "antwoord op een"]
        # A step that comes twice, because its answer was lost, is taken once.
        async with quick.taking(session) as incoming:
            assert incoming and incoming.value == "twee"
            for _ in range(2):
                await quick.answer(session, incoming, [text("antwoord op twee")])
        assert [words for *_, words in await said(slow, session)][3:] == ["antwoord op twee"]

    in_redis(redis_server, story)


def test_a_turn_that_is_taken_again_begins_with_the_conversation_as_it_was(redis_server: RedisServer) -> None:
    async def story(client: Redis) -> None:
        store, trackers = stored_in(client), RedisTrackerStore(Domain.empty(), client)
        session = await store.create(greeted=False)

        async def turn(words: str) -> list[str]:
            """What was said before."""
            tracker = await trackers.get_or_create_tracker(session)
            before = [event.text for event in tracker.events if isinstance(event, UserUttered)]
            tracker.update(UserUttered(words))
            await trackers.save(tracker)
            again = await trackers.retrieve(session)
            assert again and again.latest_message and again.latest_message.text == words, "who takes a turn reads what it has written"
            return before

        for said_before, words in [([], "een"), (["een"], "twee")]:
            await store.accept_text(session, f"message-{words}", words, MOST)
            for is_answered in (False, False, True):
                async with store.taking(session) as incoming:
                    assert incoming and incoming.value == words
                    assert await turn(words) == said_before
                    if is_answered:
                        await store.answer(session, incoming, [text("antwoord")])

    in_redis(redis_server, story)


def test_who_lost_the_conversation_writes_nothing_of_its_turn(redis_server: RedisServer) -> None:
    async def story(client: Redis) -> None:
        store, other, trackers = stored_in(client), stored_in(client), RedisTrackerStore(Domain.empty(), client)
        session = await store.create(greeted=False)
        await store.accept_text(session, "message-1", "een", MOST)
        async with store.taking(session) as incoming:
            assert incoming
            tracker = await trackers.get_or_create_tracker(session)
            tracker.update(UserUttered("van wie stilstond"))
            await trackers.save(tracker)
            await client.delete(f"wegwijzer:holder:{session}")  # as if it had stood still
            await asyncio.create_task(answer_next(other, session))
            await store.answer(session, incoming, [text("te laat")])
        assert await trackers.retrieve(session) is None
        assert [words for *_, words in await said(store, session)] == ["een", "antwoord op een"]

    in_redis(redis_server, story)


def test_whoever_waits_for_the_conversation_is_woken_by_the_answer(redis_server: RedisServer) -> None:
    async def story(client: Redis) -> None:
        one, other = stored_in(client, alive=3600), stored_in(client, alive=3600)
        session = await one.create(greeted=False)
        for words in ("een", "twee"):
            await one.accept_text(session, f"message-{words}", words, MOST)
        async with one.taking(session) as incoming:
            assert incoming
            waiting = asyncio.create_task(answer_next(other, session))
            while not await client.exists(f"wegwijzer:queue:{session}"):  # noqa: ASYNC110 (the other side is a server)
                await asyncio.sleep(0.002)
            await one.answer(session, incoming, [text("antwoord op een")])
            assert (await waiting).value == "twee"
        assert [words for *_, words in await said(one, session)][2:] == ["antwoord op een", "antwoord op twee"]

    in_redis(redis_server, story)


def test_what_is_told_is_what_is_seen_by_looking(redis_server: RedisServer) -> None:
    async def story(client: Redis) -> None:
        store, told = stored_in(client), []
        store.tell = lambda _session, news: told.append(news)  # type: ignore[method-assign]
        await store.start()
        session = await store.create(greeted=False)
        await store.watch(session)
        await until(lambda: told == [None, None])
        for number, words in enumerate(ODD):
            await store.accept_text(session, f"message-{number}", words, MOST)
        await answer_next(store, session, *(text(words) for words in ODD))
        await answer_next(store, session, text("klaar"))
        await until(lambda: len(told) == 2 + len(ODD) + 2)
        seen = await store.look(session, 0)
        assert [event for news in told[2:] for event in news.events] == seen.events
        assert [news.last for news in told[2:]] == [*range(1, len(ODD) + 1), 2 * len(ODD), 2 * len(ODD) + 1]
        assert all(news.working for news in told[2:])
        await store.close()

    in_redis(redis_server, story)


def test_a_message_too_many_takes_from_no_bucket_and_a_known_one_neither(redis_server: RedisServer) -> None:
    async def story(client: Redis) -> None:
        store, hidden = stored_in(client), Hidden(b"a key")
        roomy, tight = SharedBuckets(client, hidden, "roomy", 0.001, 3), SharedBuckets(client, hidden, "tight", 0.001, 1)
        pace = [(roomy, "a"), (tight, "a")]
        session = await store.create(greeted=False)
        assert await store.accept_text(session, "message-1", "x", MOST, pace)
        assert not await store.accept_text(session, "message-1", "x", MOST, pace)
        for _ in range(3):
            with pytest.raises(TooFast) as refused:
                await store.accept_text(session, "message-2", "x", MOST, pace)
            assert 900 < refused.value.seconds <= 1000
        assert [await roomy.take("a") > 0 for _ in range(3)] == [False, False, True]
        assert len((await store.look(session, 0)).events) == 1

    in_redis(redis_server, story)


def test_everything_goes_by_itself_and_no_key_tells_anything(redis_server: RedisServer) -> None:
    async def story(client: Redis) -> tuple[str, dict[str, int]]:
        store = stored_in(client)
        session = await store.create(greeted=False)
        await store.accept_text(session, "message-1", "geheimwoord", MOST)
        await store.accept_text(session, "message-2", "geheimwoord", MOST)
        await answer_next(store, session, text("x", options=[{"title": "geheimwoord", "payload": "/p"}]))
        return session, {key: await client.pttl(key) async for key in client.scan_iter("wegwijzer:web:*")}

    session, keys = in_redis(redis_server, story)
    assert set(keys) == {"wegwijzer:web:work", *(f"wegwijzer:web:{what}:{session}" for what in ("session", "events", "waiting"))}
    assert all(0 < left <= 3_600_000 for key, left in keys.items() if key != "wegwijzer:web:work")

    async def erase(client: Redis) -> list[str]:
        await stored_in(client).end(session, Ended.ERASED)
        return [key async for key in client.scan_iter("wegwijzer:web:*")]

    assert in_redis(redis_server, erase) == [f"wegwijzer:web:ended:{session}"]


def test_news_that_was_missed_is_told_when_the_connection_is_there_again(redis_server: RedisServer) -> None:
    async def story(client: Redis) -> None:
        store, told = stored_in(client), []
        store.tell = lambda session, _news: told.append(session)  # type: ignore[method-assign]
        await store.start()
        session = await store.create(greeted=False)
        await store.watch(session)
        await until(lambda: session in told)
        for _ in range(3):
            assert await client.execute_command("CLIENT", "KILL", "TYPE", "pubsub")
            told.clear()
            await store.accept_text(session, f"message-{len(told)}", "x", MOST)
            await until(lambda: session in told)
        await store.close()

    in_redis(redis_server, story)
