"""The figures for Prometheus, from a real server, as Prometheus reads them."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import sqlite3
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from web.conftest import PROJECT, Server, free_port

from bot.runtime import metrics
from bot.runtime.errors import UserError

_PHONE = "0470 12 34 56"


def _scrape(port: int) -> str:
    answer = httpx.get(f"http://127.0.0.1:{port}/metrics")
    answer.raise_for_status()
    return answer.text


def _samples(text: str) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def _of(text: str, name: str, **labels: str) -> float:
    return _samples(text).get((name, tuple(sorted(labels.items()))), 0)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, int]]:
    """A server with metrics, and their port."""
    port = free_port()
    folder = tmp_path_factory.mktemp("metrics")
    one = Server(folder / "data", WEGWIJZER_METRICS_PORT=str(port), WEGWIJZER_CONSOLE_PORT="0").start()
    yield one, port
    one.stop()


def test_a_conversation_is_counted_and_nothing_of_it_is_told(running: tuple[Server, int]) -> None:
    server, port = running
    before = _scrape(port)
    client = server.open_session()
    last = 0
    for text in (f"ik heet Zebulon en mijn nummer is {_PHONE}", "ik wil niet meer leven"):
        client.send(text)
        last = client.settled(last)[-1]["id"]
    after = _scrape(port)
    for name, labels, number in (
        ("wegwijzer_turn_seconds_count", {"channel": "web"}, 2),
        ("wegwijzer_understanding_seconds_count", {}, 2),
        ("wegwijzer_lock_wait_seconds_count", {}, 2),
        ("wegwijzer_crisis_messages_total", {}, 1),
    ):
        assert _of(after, name, **labels) - _of(before, name, **labels) == number, name
    for secret in ("zebulon", _PHONE, "leven", "suicide", client.token.partition(".")[0], "127.0.0.1"):
        assert secret not in after.lower()


def test_no_label_can_name_somebody_and_the_number_of_series_is_bounded(running: tuple[Server, int]) -> None:
    samples = _samples(_scrape(running[1]))
    assert {name for _sample, labels in samples for name, _value in labels} <= {"channel", "reason", "le", "where"}
    assert {value for _sample, labels in samples for name, value in labels if name == "channel"} <= {"web", "telegram", "other"}
    assert len(samples) < 200


def test_open_streams_go_up_and_down(running: tuple[Server, int]) -> None:
    server, port = running
    with server.open_session().http.stream("GET", "/chat/events") as stream:
        pieces = stream.iter_text()
        next(pieces)
        assert _of(_scrape(port), "wegwijzer_open_streams") == 1
    while _of(_scrape(port), "wegwijzer_open_streams"):
        time.sleep(0.05)


def test_messages_that_wait_are_counted_until_they_are_answered(running: tuple[Server, int]) -> None:
    server, port = running
    clients = [server.open_session() for _ in range(20)]
    seen = []
    with ThreadPoolExecutor(len(clients)) as threads:
        sending = [threads.submit(client.send, "ik word gepest op school") for client in clients]
        while not all(one.done() for one in sending):
            seen.append(_of(_scrape(port), "wegwijzer_messages_waiting"))
    assert 0 < max(seen) <= len(clients)
    for client in clients:
        client.settled()
    assert _of(_scrape(port), "wegwijzer_messages_waiting") == 0


def test_the_public_port_serves_no_metrics(running: tuple[Server, int]) -> None:
    assert httpx.get(f"{running[0].url}/metrics").status_code == 404


@pytest.mark.parametrize(("error", "reason"), [(asyncio.TimeoutError(), "timeout"), (RuntimeError("wat iemand typte"), "error")])
def test_a_turn_that_fails_is_counted_with_its_reason(error: Exception, reason: str) -> None:
    def failures() -> float:
        return metrics.REGISTRY.get_sample_value("wegwijzer_turn_failures_total", {"channel": "other", "reason": reason}) or 0

    before = failures()
    with pytest.raises(type(error)), metrics.turn("a name that somebody made up"):
        raise error
    assert failures() - before == 1


def test_a_full_disk_does_not_take_the_other_figures_away() -> None:
    def full() -> int:
        raise sqlite3.OperationalError

    metrics.watch(lambda: 7, full, {"disk": full}, lambda: 0)
    assert metrics.REGISTRY.get_sample_value("wegwijzer_open_streams") == 7
    assert str(metrics.REGISTRY.get_sample_value("wegwijzer_transcripts_waiting", {"where": "disk"})) == "nan"
    assert str(metrics.REGISTRY.get_sample_value("wegwijzer_messages_waiting")) == "nan"


def test_a_loop_that_is_busy_does_not_hold_up_the_other_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "_LOOP_SECONDS", 0.05)

    async def count() -> int:
        return 3

    async def story() -> tuple[float | None, float | None]:
        metrics.watch(lambda: 7, metrics.in_loop(count), {}, lambda: 0)
        read = partial(metrics.REGISTRY.get_sample_value, "wegwijzer_messages_waiting")
        free = await asyncio.to_thread(read)
        # The loop waits for the thread, so the thread waits in vain for the loop.
        with ThreadPoolExecutor(1) as thread:
            return free, thread.submit(read).result()

    free, busy = asyncio.run(story())
    metrics.watch(lambda: 0, lambda: 0, {}, lambda: 0)
    assert (free, str(busy)) == (3, "nan")


def test_a_port_in_use_is_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(UserError, match="the metrics cannot listen"):
        metrics.serve("127.0.0.1", taken.getsockname()[1])


def _documented() -> str:
    return (PROJECT / "docs" / "operations.md").read_text(encoding="utf-8")


def _names() -> list[str]:
    return [family.name for family in metrics.REGISTRY.collect() if family.name.startswith("wegwijzer_")]


@pytest.mark.parametrize("read", [_documented, lambda: (PROJECT / "deploy" / "grafana" / "wegwijzer.json").read_text(encoding="utf-8")])
def test_page_and_dashboard_show_every_figure(read: Callable[[], str]) -> None:
    text = read()
    assert [name for name in _names() if name not in text] == []


def test_the_dashboard_asks_for_nothing_that_is_not_there() -> None:
    dashboard = json.loads((PROJECT / "deploy" / "grafana" / "wegwijzer.json").read_text(encoding="utf-8"))
    asked = {name for panel in dashboard["panels"] for target in panel["targets"] for name in re.findall(r"wegwijzer_\w+", target["expr"])}
    exported = {sample.name for family in metrics.REGISTRY.collect() for sample in family.samples}
    # A family with labels has no sample before its first observation.
    exported |= {f"wegwijzer_turn_seconds_{end}" for end in ("bucket", "count", "sum")} | {"wegwijzer_turn_failures_total"}
    assert asked - exported == set()
    ids = [panel["id"] for panel in dashboard["panels"]]
    assert len(set(ids)) == len(ids)
