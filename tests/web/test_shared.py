"""Several bots on one Redis, behind nothing that brings a visitor to the same one: a message arrives at one, its answer is read at another."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from bot.channels.telegram import TelegramChannel
from bot.runtime.errors import UserError
from bot.runtime.settings import SettingsError, load_settings

from .conftest import Client, Server, free_port
from .redis_process import RedisServer
from .test_api import Stream, _code, _texts
from .test_run import _refused, _run

SECRET = "a secret that all of these bots have in common"
STORY = ("hallo", "ik word gepest op school", "ze sluiten mij altijd uit", "ik ben 14 jaar", "dank je")

Pair = tuple[Server, Server]
MakePair = Callable[..., Pair]


def make(server: RedisServer, folder: Path, **env: str) -> Pair:
    """Two bots that have nothing in common but the Redis and the secret."""
    both = [Server(folder / name, REDIS_URL=server.url, WEGWIJZER_WEB_SECRET=SECRET, **env) for name in ("one", "other")]
    with ThreadPoolExecutor(2) as threads:
        one, other = threads.map(Server.start, both)
    return one, other


def stop(pair: Pair) -> None:
    for server in pair:
        if server.process:
            server.process.send_signal(signal.SIGCONT)
            server.stop()


@pytest.fixture(scope="module")
def pair(redis_process: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """Two bots for the tests that leave them as they were."""
    both = make(redis_process, tmp_path_factory.mktemp("pair"))
    yield both
    stop(both)


@pytest.fixture
def make_pair(tmp_path: Path) -> Iterator[MakePair]:
    made: list[Pair] = []

    def start(server: RedisServer, **env: str) -> Pair:
        folder = tmp_path / str(len(made))
        folder.mkdir()
        made.append(make(server, folder, **env))
        return made[-1]

    yield start
    for both in made:
        stop(both)


@pytest.fixture
def own_redis() -> Iterator[RedisServer]:
    """A Redis that a test may kill."""
    server = RedisServer().start()
    yield server
    server.end()


def at(server: Server, client: Client) -> Client:
    """The same conversation, at another bot."""
    return Client(server, client.token)


def tell(clients: list[Client], text: str, message_id: str) -> None:
    """Send a message as the widget does: again and again with the same id, each time to the next bot, until one has accepted it."""
    for attempt in range(1000):
        try:
            answer = clients[attempt % len(clients)].send(text, message_id)
        except httpx.TransportError:
            time.sleep(0.05)
            continue
        if answer.status_code in (200, 202):
            return
        assert answer.status_code in (429, 503), answer.text
        time.sleep(0.05)
    raise AssertionError("nobody took the message")


def answered(client: Client, messages: int) -> list[dict[str, Any]]:
    """All events, once as many messages were said as were sent and nothing waits."""
    while True:
        news = client.http.get("/chat/poll", params={"after": 0, "typing": 0})
        if news.status_code == 200 and not news.json()["typing"] and len(_texts(news.json()["events"], "user")) == messages:
            return list(news.json()["events"])
        time.sleep(0.1)


def undisturbed(server: Server, story: tuple[str, ...] = STORY) -> list[str]:
    """What the bot says in a conversation in which nothing goes wrong."""
    client = server.open_session()
    for number, text in enumerate(story):
        client.send(text)
        events = answered(client, number + 1)
    return _texts(events, "bot")


def check(client: Client, expected: list[str], story: tuple[str, ...] = STORY) -> None:
    """Each message was taken once and in order, and the bot said what it says when nothing goes wrong."""
    events = answered(client, len(story))
    assert [event["id"] for event in events] == list(range(1, len(events) + 1))
    assert _texts(events, "user") == list(story)
    assert _texts(events, "bot") == expected


# --- nothing is wrong ------------------------------------------------------------------------------------------------


def test_a_message_at_one_is_streamed_by_the_other(pair: Pair) -> None:
    one, other = pair
    client = one.open_session()
    stream = Stream(at(other, client))
    for number, text in enumerate(STORY):
        at(pair[number % 2], client).send(text)
        stream.wait_for(lambda events, text=text: text in [data["text"] for _, kind, data in events if kind == "user"])
        stream.wait_for(lambda events: events[-1][1:] == ("typing", {"on": False}))
    seen = [number for number, _, _ in stream.events if number]
    assert seen == list(range(1, len(seen) + 1))
    said = [data["text"] for _, kind, data in stream.events if kind == "bot"]
    assert said == undisturbed(one) == undisturbed(other)
    stream.close()


def test_quick_messages_to_both_are_answered_in_the_order_in_which_they_were_accepted(pair: Pair) -> None:
    client = pair[0].open_session()
    said = [f"dag nummer {number}" for number in range(12)]
    for number, text in enumerate(said):
        assert at(pair[number % 2], client).send(text).status_code == 202
    events = answered(at(pair[1], client), len(said))
    assert _texts(events, "user") == said


def test_a_message_sent_to_both_at_once_is_processed_once(pair: Pair) -> None:
    client = pair[0].open_session()
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda number: at(pair[number % 2], client).send("hallo", "the-same-id").json(), range(8)))
    assert [answer["duplicate"] for answer in answers].count(False) == 1
    assert _texts(answered(client, 1), "user") == ["hallo"]


def test_a_button_works_at_the_other(pair: Pair) -> None:
    one, other = pair
    client = one.open_session()
    client.send("ik word elke dag uitgescholden op school")
    events = answered(client, 1)
    options = [option for event in events if event["kind"] == "bot" for option in event["data"]["options"]]
    assert at(other, client).tap(options[0]["id"]).status_code == 202
    assert _texts(answered(at(other, client), 2), "user")[1] == options[0]["title"]
    foreign = other.open_session().tap(options[0]["id"])
    assert (foreign.status_code, _code(foreign)) == (404, "unknown_button")


def test_erasing_at_one_ends_the_stream_at_the_other_and_leaves_nothing(pair: Pair, redis_process: RedisServer) -> None:
    one, other = pair
    client = one.open_session()
    stream = Stream(at(other, client))
    for number in range(6):
        at(pair[number % 2], client).send("mijn geheimwoordje is citroenboom en ik word gepest")
    assert client.http.delete("/chat/session").status_code == 200
    stream.done.wait()
    assert stream.events[-1][1:] == ("ended", {"why": "erased"})
    for server in pair:
        gone = at(server, client).http.get("/chat/poll")
        assert (gone.status_code, _code(gone)) == (410, "session_erased")
        assert at(server, client).send("hallo").status_code == 410
    assert undisturbed(other)
    session = client.token.split(".")[0]
    left = {key for key in redis_process.client.scan_iter() if session in key}
    assert left <= {f"wegwijzer:web:ended:{session}", f"wegwijzer:number:{session}"}


def test_asking_the_bot_to_erase_ends_the_conversation_at_both(pair: Pair) -> None:
    client = pair[0].open_session()
    stream = Stream(at(pair[1], client))
    client.send("wis dit gesprek")
    option = answered(client, 1)[-1]["data"]["options"][0]
    at(pair[1], client).tap(option["id"])
    stream.done.wait()
    assert stream.events[-1][1:] == ("ended", {"why": "erased"})


def test_an_unused_conversation_expires_at_both(make_pair: MakePair, redis_server: RedisServer) -> None:
    both = make_pair(redis_server, WEGWIJZER_TRACKER_HOURS="0.0008")  # about three seconds
    client = both[0].open_session()
    stream = Stream(at(both[1], client))
    client.send("geheimwoordje")
    stream.done.wait()
    assert stream.events[-1][1:] == ("ended", {"why": "expired"})
    assert not [key for key in redis_server.client.scan_iter() if client.token.split(".")[0] in key and ":number:" not in key]


def test_limits_hold_for_both_together(make_pair: MakePair, redis_server: RedisServer) -> None:
    both = make_pair(redis_server, WEGWIJZER_SESSIONS_PER_HOUR="4", WEGWIJZER_MESSAGES_PER_MINUTE="60", WEGWIJZER_STREAMS_PER_ADDRESS="3")
    clients = [both[number % 2].open_session() for number in range(4)]
    for server in both:
        refused = httpx.post(f"{server.url}/chat/session", json={})
        assert (refused.status_code, _code(refused)) == (429, "too_many_sessions")
        assert int(refused.headers["retry-after"]) > 60
    statuses = [at(both[number % 2], clients[0]).send("hallo").status_code for number in range(14)]
    assert statuses[:10] == [202] * 10
    assert 429 in statuses
    streams = [Stream(at(both[number % 2], clients[number])) for number in range(3)]
    for server in both:
        refused = at(server, clients[3]).http.get("/chat/events")
        assert (refused.status_code, _code(refused)) == (429, "too_many_streams")
    streams[0].close()
    while at(both[1], clients[3]).http.get("/chat/poll", params={"typing": "1"}).status_code == 429:
        time.sleep(0.05)
    for stream in streams[1:]:
        stream.close()
    assert not any("127.0.0.1" in key for key in redis_server.client.scan_iter())


def test_a_bot_without_the_common_secret_does_not_start(redis_server: RedisServer, tmp_path: Path) -> None:
    _refused(_run(free_port(), REDIS_URL=redis_server.url, WEGWIJZER_DATA_DIR=str(tmp_path)), "REDIS_URL", "WEGWIJZER_WEB_SECRET")
    settings = load_settings(redis_url=redis_server.url, telegram_token="110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw")
    with pytest.raises(UserError, match="TELEGRAM_SECRET"):
        TelegramChannel(SimpleNamespace(redis=redis_server.client), settings)  # type: ignore[arg-type]
    with pytest.raises(SettingsError, match="WEGWIJZER_WEB_SECRET: needs at least 32 characters"):
        load_settings(web_secret="s" * 31)


# --- something breaks ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP])
def test_a_bot_that_is_lost_in_the_middle_of_fifty_conversations(
    make_pair: MakePair, redis_server: RedisServer, how: signal.Signals
) -> None:
    one, other = both = make_pair(redis_server)
    expected = undisturbed(other)
    clients = [one.open_session() for _ in range(50)]

    def lead(client: Client) -> None:
        for number, text in enumerate(STORY):
            tell([client, at(other, client)], text, f"{client.token[:8]}-{number}")

    for client in clients:
        client.http.timeout = httpx.Timeout(2)
    with ThreadPoolExecutor(10) as threads:
        leading = [threads.submit(lead, client) for client in clients]
        # In the middle of it, with messages that wait for their answer.
        while redis_server.client.zcard("wegwijzer:web:work") < 5:
            time.sleep(0.005)
        assert one.process
        one.process.send_signal(how)
        began = time.monotonic()
        for one_of_them in leading:
            one_of_them.result()
    for client in clients:
        check(at(other, client), expected)
    print(f"{how.name}: everything was answered {time.monotonic() - began:.1f} s later")
    if how is signal.SIGSTOP:
        one.process.send_signal(signal.SIGCONT)
        assert undisturbed(one) == expected
        for client in clients:
            check(at(one, client), expected)
    assert redis_server.client.zcard("wegwijzer:web:work") == 0
    for server in both:
        assert "Traceback" not in server.log.read_text()


def test_a_redis_that_is_killed_in_the_middle_loses_nothing(make_pair: MakePair, own_redis: RedisServer) -> None:
    both = make_pair(own_redis)
    expected = undisturbed(both[0])
    clients = [both[number % 2].open_session() for number in range(20)]
    streams = [Stream(at(both[number % 2], clients[number])) for number in range(4)]

    def lead(client: Client) -> None:
        for number, text in enumerate(STORY):
            tell([at(server, client) for server in both], text, f"{client.token[:8]}-{number}")

    with ThreadPoolExecutor(10) as threads:
        leading = [threads.submit(lead, client) for client in clients]
        while own_redis.client.zcard("wegwijzer:web:work") < 3:
            time.sleep(0.005)
        own_redis.kill()
        for server in both:
            health = httpx.get(f"{server.url}/health")
            assert (health.status_code, health.json()["status"], health.json()["redis"]) == (503, "waiting", "away")
            refused = at(server, clients[0]).send("hallo")
            assert (refused.status_code, _code(refused), refused.headers["retry-after"]) == (503, "busy", "2")
        own_redis.start()
        for one_of_them in leading:
            one_of_them.result()
    for client in clients:
        check(client, expected)
    for server in both:
        assert httpx.get(f"{server.url}/health").json()["status"] == "ready"
    for stream in streams:
        stream.wait_for(lambda events: len([1 for _, kind, _ in events if kind == "bot"]) >= len(expected))
        seen = [number for number, _, _ in stream.events if number]
        assert seen == list(range(1, len(seen) + 1)), "the stream was open all the time, and missed nothing"
        stream.close()
    for server in both:
        log = server.log.read_text()
        assert "Traceback" not in log
        assert not any(client.token.split(".")[0] in log for client in clients)


def test_a_bot_that_is_told_to_stop_finishes_and_leaves_the_rest_to_the_other(make_pair: MakePair, redis_server: RedisServer) -> None:
    one, other = make_pair(redis_server)
    expected = undisturbed(other)
    clients = [one.open_session() for _ in range(10)]
    stream = Stream(clients[0])
    for number, text in enumerate(STORY):
        for client in clients:
            assert client.send(text, f"message-{number}").status_code == 202
    assert one.stop() == 0
    stream.done.wait()
    assert stream.events[-1][1:] == ("closed", {"why": "stopping"})
    for client in clients:
        check(at(other, client), expected)
    assert "conversation stopped" not in one.log.read_text()
