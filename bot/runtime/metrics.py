"""What Prometheus may see: counts and durations of the whole process. No label names a conversation, a person or what was said.

On a port of its own, never on the public one. Names and meaning: docs/operations.md.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import sqlite3
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, start_http_server
from rasa.core.processor import MessageProcessor
from redis.exceptions import RedisError

from bot.nlu.policy import crisis_of
from bot.runtime.errors import UserError

REGISTRY = CollectorRegistry()
#: What is told apart; everything else (the command line, the trial at start) is "other", so that no caller can make new series.
CHANNELS = ("web", "telegram")

_TURN_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 1, 2, 5, 10, 20)
_SHORT_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5)

_turns = Histogram(
    "wegwijzer_turn_seconds", "From a message to its answer, waiting included.", ["channel"], buckets=_TURN_SECONDS, registry=REGISTRY
)
_failures = Counter("wegwijzer_turn_failures", "Turns that ended in an apology.", ["channel", "reason"], registry=REGISTRY)
_understanding = Histogram(
    "wegwijzer_understanding_seconds", "Reading one message or tap, without the dialogue.", buckets=_SHORT_SECONDS, registry=REGISTRY
)
_lock_waits = Histogram(
    "wegwijzer_lock_wait_seconds", "Waiting for the turn before it in the same conversation.", buckets=_SHORT_SECONDS, registry=REGISTRY
)
_crises = Counter("wegwijzer_crisis_messages", "Messages in which a sign of crisis was read; which one is not told.", registry=REGISTRY)
_streams = Gauge("wegwijzer_open_streams", "Browsers that are connected and listen.", registry=REGISTRY)
_messages = Gauge("wegwijzer_messages_waiting", "Messages of web pages that were accepted and have no answer yet.", registry=REGISTRY)
_waiting = Gauge("wegwijzer_transcripts_waiting", "Turns that the database does not have yet.", ["where"], registry=REGISTRY)
_lost = Gauge("wegwijzer_transcripts_lost", "Turns that could not be kept since the start.", registry=REGISTRY)
ProcessCollector(registry=REGISTRY)

#: Longest that a scrape waits for the event loop; Prometheus gives up after ten.
_LOOP_SECONDS = 2.0


class MetricsError(UserError):
    """The port of the metrics cannot be listened on; one line."""


def _label(channel: str) -> str:
    return channel if channel in CHANNELS else "other"


@contextmanager
def turn(channel: str) -> Iterator[None]:
    """Time a turn; one that raises counts as failed too."""
    label = _label(channel)
    began = time.perf_counter()
    try:
        yield
    except Exception as error:
        _failures.labels(label, "timeout" if isinstance(error, asyncio.TimeoutError) else "error").inc()
        raise
    finally:
        _turns.labels(label).observe(time.perf_counter() - began)


def gave_up(channel: str) -> None:
    """A message is answered with an apology because no turn of it ever ended."""
    _failures.labels(_label(channel), "given_up").inc()


def lock_waited(seconds: float) -> None:
    """A message has waited so long for its conversation to be free."""
    _lock_waits.observe(seconds)


def watch_understanding(processor: MessageProcessor) -> None:
    """Time each message that a processor of Rasa reads, and count those with a sign of crisis, answered or not."""
    read = processor._parse_message_with_graph

    def timed(*args: Any, **kwargs: Any) -> Any:
        began = time.perf_counter()
        parsed = read(*args, **kwargs)
        _understanding.observe(time.perf_counter() - began)
        if crisis_of(parsed) != "none":
            _crises.inc()
        return parsed

    processor._parse_message_with_graph = timed


def watch(
    open_streams: Callable[[], int],
    messages_waiting: Callable[[], int],
    transcripts_waiting: Mapping[str, Callable[[], int]],
    transcripts_lost: Callable[[], int],
) -> None:
    """Where to look for what goes up and down; asked at each scrape, from another thread.

    Args:
        transcripts_waiting: by place.
    """
    _streams.set_function(open_streams)
    _messages.set_function(partial(_or_unknown, messages_waiting))
    for where, count in transcripts_waiting.items():
        _waiting.labels(where).set_function(partial(_or_unknown, count))
    _lost.set_function(transcripts_lost)


def in_loop(ask: Callable[[], Coroutine[Any, Any, int]]) -> Callable[[], int]:
    """Lets the thread of the metrics ask what only the event loop may ask: the one that runs now.

    What is returned raises TimeoutError (of concurrent.futures) where the loop is busy for too long.
    """
    loop = asyncio.get_running_loop()

    def asked() -> int:
        answer = asyncio.run_coroutine_threadsafe(ask(), loop)
        try:
            return answer.result(_LOOP_SECONDS)
        finally:
            answer.cancel()

    return asked


def _or_unknown(count: Callable[[], int]) -> float:
    """A disk that is full, a Redis that is away or a loop that is busy must not take away the other figures."""
    try:
        return count()
    except (sqlite3.Error, RedisError, OSError, concurrent.futures.TimeoutError):
        return float("nan")


def serve(host: str, port: int) -> Callable[[], None]:
    """Answer Prometheus in a thread of its own; returns what stops it.

    Raises:
        MetricsError: the port cannot be listened on.
    """
    try:
        server, thread = start_http_server(port, host, REGISTRY)
    except OSError as error:
        raise MetricsError(f"the metrics cannot listen on {host} port {port}: {error.strerror or error}") from None

    def stop() -> None:
        server.shutdown()
        server.server_close()
        thread.join()

    return stop
