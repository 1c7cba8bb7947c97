"""A new model, bot by bot, while people talk: nothing is lost, said twice or out of order, and transcripts tell which model answered."""

from __future__ import annotations

import base64
import io
import itertools
import json
import tarfile
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import redis

from bot.runtime.bot import newest_model
from bot.runtime.model_files import write_hash
from bot.transcripts.keys import Keys
from bot.transcripts.stream import KEY as STREAM

from .conftest import PROJECT, Client, Server
from .redis_process import RedisServer
from .test_api import Stream
from .test_shared import SECRET, STORY, Pair, answered, at, check, make, stop, tell, undisturbed

_KEY = b"k" * 32
_NEW = "a-model-that-was-trained-later"
#: People who talk all the while, one conversation after the other.
_TALKING = 3


def _new_model(folder: Path) -> Path:
    """A folder with a model that has learnt the same and has another id."""
    folder.mkdir()
    path = folder / f"{_NEW}.tar.gz"
    with tarfile.open(newest_model(PROJECT / "models")) as old, tarfile.open(path, "w:gz", compresslevel=1) as new:
        for member in old:
            data = old.extractfile(member)
            content = data.read() if data else b""
            if Path(member.name).name == "metadata.json" and len(Path(member.name).parts) <= 2:
                content = json.dumps({**json.loads(content), "model_id": _NEW}).encode()
            member.size = len(content)
            new.addfile(member, io.BytesIO(content))
    write_hash(path)
    return folder


class _Listening:
    """A page that listens: when its stream ends it connects to the next bot, and asks for what came after the last event it has."""

    def __init__(self, clients: list[Client]) -> None:
        self._clients = clients
        self._streams: list[Stream] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def numbers(self) -> list[int]:
        """Of all events that were shown, in order."""
        return [number for stream in self._streams for number, _, _ in stream.events if number]

    def closed(self) -> list[Any]:
        """Why bots have closed streams."""
        return [data["why"] for stream in self._streams for _, kind, data in stream.events if kind == "closed"]

    def _listen(self) -> None:
        for client in itertools.cycle(self._clients):
            if self._over.is_set():
                return
            try:
                self._streams.append(stream := Stream(client, str(max(self.numbers(), default=0))))
            except httpx.TransportError:
                time.sleep(0.1)
                continue
            while not stream.done.wait(0.1) and not self._over.is_set():
                pass
            stream.close()

    def end(self) -> None:
        self._over.set()
        self._thread.join()


def _turns(server: RedisServer) -> list[dict[str, Any]]:
    """The turns that wait for the archiver, in order."""
    keys = Keys([_KEY])
    with redis.Redis(unix_socket_path=str(server.socket)) as client:
        return [keys.unseal(fields[b"sealed"]) for _id, fields in client.xrange(STREAM) if fields[b"what"] == b"turn"]


def _begin(bots: Pair) -> Client:
    """A conversation at whichever bot is there."""
    for bot in itertools.cycle(bots):
        try:
            return bot.open_session()
        except httpx.TransportError:
            time.sleep(0.05)
    raise AssertionError


@contextmanager
def _people_who_talk(bots: Pair) -> Iterator[list[Client]]:
    """People talk until the block ends; those who were at the end of their story by then are in the list."""
    over, met = threading.Event(), []

    def talk() -> None:
        while not over.is_set():
            client = _begin(bots)
            for number, text in enumerate(STORY):
                tell([at(bot, client) for bot in bots], text, f"message-{number}")
                time.sleep(0.1)
            met.append(client)

    with ThreadPoolExecutor(_TALKING) as threads:
        talking = [threads.submit(talk) for _ in range(_TALKING)]
        try:
            yield met
        finally:
            over.set()
    for one in talking:
        one.result()


def test_a_new_model_bot_by_bot_while_people_talk(redis_server: RedisServer, tmp_path: Path) -> None:
    env = {"WEGWIJZER_TRANSCRIPT_KEY": base64.b64encode(_KEY).decode()}
    new_models = _new_model(tmp_path / "models")
    one, other = old = make(redis_server, tmp_path, **env)
    new = [
        Server(bot.data_dir, bot.port, REDIS_URL=redis_server.url, WEGWIJZER_WEB_SECRET=SECRET, WEGWIJZER_MODELS_DIR=str(new_models), **env)
        for bot in old
    ]
    expected = undisturbed(other)
    long = one.open_session()
    listening = _Listening([at(bot, long) for bot in old])

    def go_on(bot: Server, number: int) -> None:
        """The next message of the long conversation, answered before anything else happens to the bots."""
        tell([at(bot, long)], STORY[number], f"message-{number}")
        answered(at(bot, long), number + 1)

    try:
        with _people_who_talk(old) as met:
            go_on(one, 0)
            assert one.stop() == 0
            go_on(other, 1)  # only the old model is there
            new[0].start()
            go_on(one, 2)
            assert other.stop() == 0
            go_on(one, 3)  # only the new model is there
            new[1].start()
            go_on(other, 4)
        for client in (long, *met):
            check(at(one, client), expected)
        events = answered(at(one, long), len(STORY))
        while max(listening.numbers(), default=0) < len(events):
            time.sleep(0.02)
        assert listening.numbers() == list(range(1, len(events) + 1)), "the page was shown everything, once"
        assert "stopping" in listening.closed()
    finally:
        listening.end()
        stop((new[0], new[1]))
        stop(old)
    models = defaultdict(list)
    for turn in _turns(redis_server):
        models[turn["key"]].append(turn["model"])
    ours = models[Keys([_KEY]).conversation(long.token.split(".")[0])]
    assert ours[0] == ours[1] != _NEW, "answered while there was only the old model"
    assert ours[3:] == [_NEW, _NEW], "answered when there was only the new one"
    assert Counter(len(one_of_them) for one_of_them in models.values()) == {len(STORY): len(met) + 2}, "a turn for each message, once"
    print(f"{len(met)} conversations besides, of {len(STORY)} messages each")
    for server in (*old, *new):
        assert "Traceback" not in server.log.read_text()
