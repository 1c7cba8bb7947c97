"""The big day on one machine: two bots, the archiver, Redis, PostgreSQL, beside two servers of stock Rasa on Redis with its action server.

Locust plays people who read and type (4 to 12 seconds), load the page again, tap buttons and keep a stream open; each request goes to any
of the two. The crowd grows step by step, at one and at the other system in turns, until for two steps one answer in twenty takes more than
300 ms. Before that some conversations are held and stay open, and what memory they take is read. Beside what users feel: what one message
costs in processor time, round trips to Redis, commands there (those inside scripts too) and rows of the database, without what is spent
when nobody writes, which is told apart.
Everything, the crowd too, is on this machine and shares its processors.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import resource
import secrets
import subprocess
import sys
import tempfile
import time
from abc import ABC, abstractmethod
from base64 import b64encode
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path

import aiohttp
import psutil
import psycopg2

from benchmarks.bots import CACHE, PROJECT, BenchmarkError, BotProgram, OurBot, StockBot
from benchmarks.clients import Client
from benchmarks.load import percentile, read_conversations
from benchmarks.report import keep, machine, table
from benchmarks.stores import PostgresServer, RedisServer
from bot.transcripts.stream import KEY as STREAM

#: Seconds that an answer may take for 19 of 20.
LIMIT = 0.3
_RATES = (5.0, 10.0, 15.0, 20.0, 25.0, 30.0, 40.0, 50.0, 60.0, 80.0)
#: Seconds from one answer to the next message: the mean of what ``benchmarks.crowd`` waits.
_THINK = 8.0
#: How much of a step is left out at its beginning: people arrive one by one.
_ARRIVING = 10.0
_BOTS = 2
_AT_ONCE = 8
_IDLE_SECONDS = 6.0
_STOP_SECONDS = 10
_START_SECONDS = 60
_SETTLE_SECONDS = 3


@dataclass(frozen=True)
class Step:
    """What was seen while so many people talked."""

    people: int
    seconds: float
    answers: int
    p50: float
    p95: float
    failures: int
    #: For one answer, beyond what the system does when nobody writes: seconds of processor time by program, commands of Redis, rows, ...
    costs: dict[str, float]

    @property
    def per_second(self) -> float:
        """Answers a second."""
        return self.answers / self.seconds

    @property
    def good(self) -> bool:
        """Whether users were served as they should be."""
        return self.answers > 0 and self.p95 <= LIMIT and self.failures == 0


class System(ABC):
    """All the programs that serve users, on this machine."""

    name: str
    person: str

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.redis = RedisServer(Path(tempfile.mkdtemp(dir=folder)) / "redis")
        self.bots: list[BotProgram] = []
        self._others: dict[str, subprocess.Popen[bytes]] = {}

    @abstractmethod
    def start(self) -> None:
        """Start everything and wait until it answers."""

    def stop(self) -> None:
        """End what was started."""
        for bot in self.bots:
            bot.stop()
        for process in self._others.values():
            process.terminate()
            try:
                process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.redis.stop()

    def urls(self) -> str:
        """Where its servers listen, with commas."""
        return ",".join(f"http://127.0.0.1:{bot.port}" for bot in self.bots)

    def processes(self) -> dict[str, list[psutil.Process]]:
        """By program its processes, children among them."""
        found = {"bots": [bot.pid() for bot in self.bots], "redis": [self.redis.process.pid]}
        found |= {name: [process.pid] for name, process in self._others.items()}
        return {name: [each for pid in pids for each in _family(pid)] for name, pids in found.items()}

    def counters(self) -> dict[str, float]:
        """What only grows: seconds of processor time by program, commands, rows."""
        seconds = {f"cpu_{name}": sum(map(_seconds, each)) for name, each in self.processes().items()}
        return {**seconds, **{name: value for name, value in self.redis.figures().items() if name != "redis_memory"}}

    def memory(self) -> dict[str, float]:
        """Bytes, by program; of Redis what it says to use."""
        return {name: float(sum(each.memory_info().rss for each in processes)) for name, processes in self.processes().items()} | {
            "redis": self.redis.figures()["redis_memory"]
        }

    def _start_bots(self) -> None:
        with ThreadPoolExecutor() as pool:
            list(pool.map(lambda bot: bot.start(), self.bots))

    def _other(self, name: str, command: list[str], bot: BotProgram) -> None:
        with (self.folder / f"{name}.log").open("ab") as log:
            self._others[name] = subprocess.Popen(command, cwd=bot.folder, env=bot.environment_variables(), stdout=log, stderr=log)


class _Bot(OurBot):
    """One of several; its settings are those of ``compose.scale.yml``, and the model is the project's."""

    shared: dict[str, str]

    def settings(self) -> dict[str, str]:
        return {**super().settings(), **self.shared, "WEGWIJZER_MODELS_DIR": str(PROJECT / "models")}


class Ours(System):
    """``wegwijzer run`` twice, ``wegwijzer archive``, Redis, PostgreSQL."""

    name = "wegwijzer"
    person = "WegwijzerPerson"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.postgres = PostgresServer()
        self.database = self.postgres.new_database()
        many = "1000000"
        shared = {
            "REDIS_URL": self.redis.url,
            "DATABASE_URL": self.database,
            "WEGWIJZER_TRANSCRIPT_KEY": b64encode(secrets.token_bytes(32)).decode(),
            "WEGWIJZER_WEB_SECRET": secrets.token_hex(32),
            "WEGWIJZER_STREAMS_PER_ADDRESS": many,
            "WEGWIJZER_MAX_STREAMS": many,
        }
        for number in range(_BOTS):
            home = folder / f"bot{number}"
            home.mkdir()
            bot = _Bot(home)
            bot.shared = shared
            self.bots.append(bot)

    def start(self) -> None:
        first = self.bots[0]
        self._start_bots()
        self._other("archiver", [str(first.environment() / "bin" / "wegwijzer"), "archive"], first)
        self._wait_for_archiver()

    def _wait_for_archiver(self) -> None:
        """Until it reads the stream, and a moment more: what it takes to start is no cost of a second without messages."""
        deadline = time.monotonic() + _START_SECONDS
        while not self.redis.client.exists(STREAM):
            if time.monotonic() > deadline:
                raise BenchmarkError("the archiver does not start")
            time.sleep(0.1)
        time.sleep(_SETTLE_SECONDS)

    def stop(self) -> None:
        super().stop()
        self.postgres.close()

    def processes(self) -> dict[str, list[psutil.Process]]:
        return {**super().processes(), "postgres": _family(self.postgres.pid())}

    def counters(self) -> dict[str, float]:
        with psycopg2.connect(self.database) as connection, connection.cursor() as cursor:
            cursor.execute(
                "SELECT xact_commit, tup_inserted + tup_updated + tup_deleted, pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')"
                " FROM pg_stat_database WHERE datname = current_database()"
            )
            row = cursor.fetchone()
            assert row
        return {**super().counters(), "commits": float(row[0]), "rows": float(row[1]), "wal_bytes": float(row[2])}


class _Stock(StockBot):
    """One of several servers of the example bot; they share its folder, and so its model."""

    def start_command(self) -> list[str]:
        return self.rasa("run", "--interface", "127.0.0.1", "--port", str(self.port), "--endpoints", "redis.yml")


class Stock(System):
    """``rasa run`` twice, ``rasa run actions``, Redis as its tracker store and lock store."""

    name = "rasa init"
    person = "RasaPerson"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.bots = [_Stock(folder) for _ in range(_BOTS)]

    def start(self) -> None:
        first = self.bots[0]
        assert isinstance(first, _Stock)
        if not list(self.folder.glob("bot/models/*.tar.gz")):
            _say(f"{self.name}: training, once")
            first.make()
            first.train()
        store = f"  url: 127.0.0.1\n  port: {self.redis.port}\n  db: {{}}\n"
        actions = first.port + 1 if first.port + 1 != self.bots[1].port else first.port + 2
        (self.folder / "bot" / "redis.yml").write_text(
            f"tracker_store:\n  type: redis\n{store.format(0)}lock_store:\n  type: redis\n{store.format(1)}"
            f"action_endpoint:\n  url: http://127.0.0.1:{actions}/webhook\n",
            encoding="utf-8",
        )
        self._other("actions", first.rasa("run", "actions", "--port", str(actions)), first)
        self._start_bots()


def main(arguments: list[str] | None = None) -> int:
    """Measure, print, keep; 0 when our bots answer more than stock Rasa, 1 otherwise, 2 when something does not start."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=20.0, help="how long each step lasts, arriving left out")
    parser.add_argument("--rates", default=",".join(f"{rate:g}" for rate in _RATES), help="messages a second, a step each")
    parser.add_argument("--open", type=int, default=300, help="conversations that are kept open to read the memory")
    parser.add_argument("--alone", action="store_true", help="without stock Rasa beside it: what one message costs, in minutes")
    chosen = parser.parse_args(arguments)
    _raise_file_limit()
    try:
        with tempfile.TemporaryDirectory(prefix="wegwijzer-bench-") as folder:
            seen = _measure(Path(folder), [*map(float, chosen.rates.split(","))], chosen.seconds, chosen.open, chosen.alone)
    except BenchmarkError as error:
        print(f"benchmark: {error}", file=sys.stderr)
        return 2
    text = _report(seen)
    print(f"\n{text}\n\nkept in {keep('big-day', text, {name: asdict(each) for name, each in seen.items()})}")
    ours, stock = seen[Ours.name].best, seen[Stock.name].best if Stock.name in seen else None
    return int(ours is None or (stock is not None and ours.per_second <= stock.per_second))


@dataclass
class Seen:
    """What was measured of one system."""

    #: For one second in which nobody writes, as in :attr:`Step.costs`.
    idle: dict[str, float]
    #: Bytes at the start, by program; of one bot, where there are several.
    started: dict[str, float]
    steps: list[Step] = field(default_factory=list)
    #: Bytes for one open conversation, by program.
    opened: dict[str, float] = field(default_factory=dict)

    @property
    def best(self) -> Step | None:
        """The highest step in which users were served as they should be."""
        return next((step for step in reversed(self.steps) if step.good), None)

    @property
    def goes_on(self) -> bool:
        """Whether a larger crowd is worth trying."""
        return len(self.steps) < 2 or any(step.good for step in self.steps[-2:])


def _measure(folder: Path, rates: Sequence[float], seconds: float, count: int, alone: bool) -> dict[str, Seen]:
    systems: list[System] = []
    seen: dict[str, Seen] = {}
    try:
        # The example bot is trained once: its folder stays.
        for make in (lambda: Ours(folder / "ours"), *([] if alone else [lambda: Stock(CACHE / "stock-bot")])):
            systems.append(make())
            _say(f"{systems[-1].name}: start")
            systems[-1].start()
        for system in systems:
            before = system.counters()
            time.sleep(_IDLE_SECONDS)
            idle = {name: (value - before[name]) / _IDLE_SECONDS for name, value in system.counters().items()}
            started = system.memory()
            seen[system.name] = Seen(idle, {**started, "bots": started["bots"] / _BOTS})
        # First, while the memory of the bots has not yet grown for other crowds.
        for system in systems:
            seen[system.name].opened = asyncio.run(_open(system, count))
        for rate in rates:
            for system in systems:
                if seen[system.name].goes_on:
                    seen[system.name].steps.append(_step(system, rate, seconds, folder, seen[system.name].idle))
        return seen
    finally:
        for system in systems:
            system.stop()


# --- a step ----------------------------------------------------------------------------------------------------------


def _step(system: System, rate: float, seconds: float, folder: Path, idle: dict[str, float]) -> Step:
    """Let so many people talk as send this many messages a second."""
    people = max(1, round(rate * _THINK))
    answers = folder / "answers.txt"
    command = [
        *(sys.executable, "-m", "locust", "--locustfile", str(PROJECT / "benchmarks" / "crowd.py"), "--headless", "--only-summary"),
        *("--users", str(people), "--spawn-rate", str(people / _ARRIVING * 1.5), "--run-time", f"{_ARRIVING + seconds:.0f}s"),
        *("--stop-timeout", "0", "--loglevel", "ERROR", "--exit-code-on-error", "0"),
        system.person,
    ]
    environment = {**os.environ, "CROWD_URLS": system.urls(), "CROWD_ANSWERS": str(answers)}
    crowd = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    # The crowd needs a moment to start too.
    time.sleep(_ARRIVING + 2)
    before, began = system.counters(), time.time()
    time.sleep(seconds - 4)
    after, ended = system.counters(), time.time()
    if crowd.wait():
        raise BenchmarkError(f"Locust ended with {crowd.returncode}")
    rows = [line.split() for line in answers.read_text().splitlines()]
    results = [result for asked, result in rows if began <= float(asked) <= ended]
    seen = [float(result) for result in results if result != "failed"]
    costs = {name: (after[name] - before[name] - idle[name] * (ended - began)) / max(1, len(seen)) for name in after}
    p50, p95 = (percentile(seen, share) if seen else float("nan") for share in (0.5, 0.95))
    step = Step(people, ended - began, len(seen), p50, p95, len(results) - len(seen), costs)
    felt = f"p50 {1e3 * p50:.0f} ms, p95 {1e3 * p95:.0f} ms, {step.failures} failures"
    _say(f"{system.name}: {people} people, {step.per_second:.1f} answers/s, {felt}")
    return step


def _family(pid: int) -> list[psutil.Process]:
    process = psutil.Process(pid)
    return [process, *process.children(recursive=True)]


def _seconds(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:
        # One that PostgreSQL started for a connection that has ended.
        return 0.0
    return float(times.user + times.system)


# --- open conversations ----------------------------------------------------------------------------------------------


async def _open(system: System, count: int) -> dict[str, float]:
    """Bytes that each of so many open conversations takes, by program; each was a whole one, and has a stream where there are streams."""
    began = time.perf_counter()
    # What a program loads when it is first used is not a conversation's.
    await _converse(system, count // 4)
    before = system.memory()
    after = await _converse(system, count)
    _say(f"{system.name}: {count} conversations opened in {time.perf_counter() - began:.0f} s")
    return {name: (after[name] - before[name]) / count for name in after}


async def _converse(system: System, count: int) -> dict[str, float]:
    """Let so many people talk, and stay; the memory while all of them are there."""
    clients = [bot.client() for bot in system.bots]
    scripts = read_conversations()
    places = asyncio.Semaphore(_AT_ONCE)
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(
            aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), timeout=aiohttp.ClientTimeout(total=None, sock_read=120))
        )

        async def one(client: Client, texts: list[str]) -> None:
            async with places:
                conversation = await stack.enter_async_context(client.conversation(http))
                for text in texts:
                    await conversation.turn(text)

        await asyncio.gather(*(one(clients[number % len(clients)], scripts[number % len(scripts)]) for number in range(count)))
        # The archiver has what the last of them said.
        await asyncio.sleep(3)
        return system.memory()


# --- the report ------------------------------------------------------------------------------------------------------


def _report(seen: dict[str, Seen]) -> str:
    rows = [
        (
            name,
            f"{step.people}",
            f"{step.per_second:.1f}",
            f"{1e3 * step.p50:.0f}",
            f"{1e3 * step.p95:.0f}",
            f"{step.failures}",
            "yes" if step.good else "no",
        )
        for name, each in seen.items()
        for step in each.steps
    ]
    parts = [
        f"{_BOTS} bots each on one machine, the crowd on it too. {machine()}.",
        table(("system", "people", "answers/s", "p50 ms", "p95 ms", "failures", f"p95 under {1e3 * LIMIT:.0f} ms"), rows),
    ]
    for name, each in seen.items():
        most = f"{each.best.per_second:.1f} messages a second" if each.best else "in none of the steps"
        memory = ", ".join(f"{key} {value * 1000 / 1e6:.1f} MB" for key, value in each.opened.items())
        costs = _readable((each.best or each.steps[-1]).costs)
        lines = (f"One message: {costs}.", f"A second without messages: {_readable(each.idle)}.", f"1,000 open conversations: {memory}.")
        parts.append(f"**{name}**: {most} with p95 under {1e3 * LIMIT:.0f} ms.\n" + "\n".join(lines))
    return "\n\n".join(parts)


def _readable(costs: dict[str, float]) -> str:
    """Processor time in milliseconds."""
    named = {
        name.replace("cpu_", "ms of ") if name.startswith("cpu_") else name.replace("_", " "): 1e3 * value
        if name.startswith("cpu_")
        else value
        for name, value in costs.items()
    }
    return ", ".join(f"{name} {value:.3g}" for name, value in named.items())


def _raise_file_limit() -> None:
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _say(text: str) -> None:
    print(f"[{time.strftime('%H:%M:%S')}] {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
