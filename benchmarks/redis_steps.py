"""What Redis costs a web message: all that a bot does there, and no turn between; it takes seconds, and others hardly disturb it.

Messages are accepted within limits, taken under the lock of their conversation, and answered; what the bot remembers is read and written;
somebody listens to each conversation.
"""

from __future__ import annotations

import argparse
import asyncio
import resource
import sys
import tempfile
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import UserUttered

from benchmarks.report import machine
from benchmarks.stores import RedisServer
from bot.channels.web_limits_redis import Hidden, SharedBuckets
from bot.channels.web_sessions_redis import RedisSessions
from bot.runtime.redis_link import connect
from bot.runtime.redis_locks import RedisLockStore
from bot.runtime.redis_trackers import RedisTrackerStore

_TURNS = 6
_MANY = 1_000_000
_OPTIONS = [{"title": "ja", "payload": "/affirm"}, {"title": "nee", "payload": "/deny"}]
_ANSWER: list[dict[str, Any]] = [{"type": "text", "text": "woord " * 30, "options": _OPTIONS}] * 3
#: What the bot remembers of a conversation is of about this length.
_REMEMBERED = "x" * 4000


def main(arguments: list[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=3000)
    messages = parser.parse_args(arguments).messages
    with tempfile.TemporaryDirectory(prefix="wegwijzer-bench-") as folder:
        server = RedisServer(Path(folder) / "redis")
        try:
            spent = asyncio.run(_measure(server, messages))
        finally:
            server.stop()
    print(f"{messages} messages, one after the other. {machine()}.\nOne message, without its turn:")
    for name, value in spent.items():
        print(f"  {name}: {value / messages:.3g}")
    return 0


async def _measure(server: RedisServer, messages: int) -> dict[str, float]:
    client = connect(SecretStr(server.url))
    sessions = RedisSessions(client, RedisLockStore(client).lock, 86400)
    trackers = RedisTrackerStore(Domain.empty(), client)
    pace = [(SharedBuckets(client, Hidden(b"benchmark"), kind, _MANY, _MANY), "one") for kind in ("messages", "address")]
    await sessions.start()
    opened = [await sessions.create(greeted=True) for _ in range(messages // _TURNS)]
    for session in opened:
        await sessions.watch(session)
    before = _spent(server)
    for number in range(_TURNS):
        for session in opened:
            await sessions.accept_text(session, f"message-{number}", "ik word gepest op school", 20, pace)
            async with sessions.taking(session) as incoming:
                assert incoming
                tracker = await trackers.get_or_create_tracker(session)
                if not number:
                    tracker.update(UserUttered(_REMEMBERED))
                await trackers.save(tracker)
                await sessions.answer(session, incoming, _ANSWER)
    after = _spent(server)
    await sessions.close()
    await client.close(close_connection_pool=True)
    return {name: after[name] - before[name] for name in after}


def _spent(server: RedisServer) -> dict[str, float]:
    figures, cpu, own = server.figures(), server.client.info("cpu"), resource.getrusage(resource.RUSAGE_SELF)
    scripts = server.client.info("commandstats").get("cmdstat_evalsha", {"calls": 0})["calls"]
    return {
        "round trips": figures["redis_trips"],
        "scripts": scripts,
        "commands, those inside scripts too": figures["commands"],
        "ms of Redis": 1e3 * (cpu["used_cpu_user"] + cpu["used_cpu_sys"]),
        "ms of the bot": 1e3 * (own.ru_utime + own.ru_stime),
    }


if __name__ == "__main__":
    sys.exit(main())
