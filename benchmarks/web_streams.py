"""The web channel: the time to the first message on a slow phone, and many open event streams while messages are answered.

    python benchmarks/web_streams.py [--streams 2000] [--rate 20] [--seconds 20] [--loads 5]

Starts a server of its own on loopback, with its data in a temporary folder. Latency is measured where a person feels it: from sending a
message to the end of the bot's answer on that conversation's event stream. The phone is Chromium with its own throttling (needs a Chromium
on the PATH; --loads 0 leaves it out): from asking for ``/chat``, with an empty cache, until the bot's first words are on the screen.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import resource
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx

PROJECT = Path(__file__).resolve().parents[1]
_TEXTS = ("ik word gepest op school", "ze lachen mij uit in de klas", "hallo", "ik weet het niet", "wie kan ik bellen?")


#: Kilobytes, gzipped, that a page loads for the chat windows of others, as measured on their published packages.
_KNOWN_SIZES = {"size of rasa-webchat kB (known)": 211.0, "size of Deep Chat kB (known)": 111.0}

#: Slow 4G: round trip in ms, kilobits a second down and up, and by how much the processor is slowed down.
#: Lighthouse simulates a round trip of 150 ms; the preset of Chromium's developer tools puts 562.5 ms on every request.
_PHONES = {
    "slow 4G (Lighthouse)": (150.0, 1638.4, 675.0, 1),
    "slow 4G (Lighthouse), processor / 4": (150.0, 1638.4, 675.0, 4),
    "slow 4G (developer tools)": (562.5, 1440.0, 675.0, 1),
    "slow 4G (developer tools), processor / 4": (562.5, 1440.0, 675.0, 4),
}
#: Notes when the first words of the bot are on the screen.
_WATCH = """(() => {
    const look = () => {
        const words = document.querySelector("wegwijzer-chat")?.shadowRoot?.querySelector("#log .bubble");
        if (words?.getClientRects().length && getComputedStyle(words.parentElement).opacity > 0.5) window.firstMessage = performance.now();
        else requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
})()"""


def _first_message(url: str, loads: int) -> dict[str, float]:
    """Milliseconds to the first message on each phone, the median of some loads; and the size of the page and the widget."""
    from playwright.sync_api import sync_playwright

    sizes = {f"size of {path} kB": len(_zipped(f"{url}{path}")) / 1024 for path in ("/widget.js", "/chat")} | _KNOWN_SIZES
    path = next((found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None)
    if not loads or not path:
        return sizes
    times = {}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-dev-shm-usage"])
        for name, phone in _PHONES.items():
            times[f"first message ms, {name}"] = statistics.median(_load(browser, f"{url}/chat", phone) for _ in range(loads))
        browser.close()
    return times | sizes


def _load(browser: Any, url: str, phone: tuple[float, float, float, int]) -> float:
    latency, down, up, slower = phone
    context = browser.new_context(viewport={"width": 390, "height": 844}, device_scale_factor=2, is_mobile=True)
    page = context.new_page()
    devtools = context.new_cdp_session(page)
    devtools.send("Network.enable")
    conditions = {"offline": False, "latency": latency, "downloadThroughput": down * 125, "uploadThroughput": up * 125}
    devtools.send("Network.emulateNetworkConditions", conditions)
    devtools.send("Emulation.setCPUThrottlingRate", {"rate": slower})
    page.add_init_script(_WATCH)
    page.goto(url, wait_until="commit")
    page.wait_for_function("() => window.firstMessage")
    took = float(page.evaluate("() => window.firstMessage"))
    context.close()
    return took


def _zipped(url: str) -> bytes:
    with httpx.stream("GET", url, headers={"Accept-Encoding": "gzip"}) as answer:
        return b"".join(answer.iter_raw())


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _memory_mb(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]) / 1024


def _percentile(values: list[float], part: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * part))]


class Person:
    """One open event stream, over a bare socket: a heavier client would measure itself."""

    def __init__(self, port: int, token: str) -> None:
        self._port = port
        self.token = token
        self.answered = asyncio.Event()
        self.lost = False

    async def open(self) -> None:
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        request = f"GET /chat/events HTTP/1.1\r\nHost: 127.0.0.1:{self._port}\r\nAuthorization: Bearer {self.token}\r\n\r\n"
        self._writer.write(request.encode())
        await self._reader.readuntil(b": hello\n\n")
        self._task = asyncio.create_task(self._listen())

    async def _listen(self) -> None:
        while line := await self._reader.readline():
            if line == b'data: {"on":false}\n':
                self.answered.set()
        self.lost = True

    def close(self) -> None:
        self._task.cancel()
        self._writer.close()


async def _open_all(http: httpx.AsyncClient, port: int, count: int) -> list[Person]:
    people: list[Person] = []
    for _ in range(count):
        token = (await http.post("/chat/session", json={})).json()["token"]
        people.append(Person(port, token))
        await people[-1].open()
    return people


async def _talk(http: httpx.AsyncClient, person: Person, number: int, latencies: list[float]) -> None:
    person.answered.clear()
    start = time.perf_counter()
    answer = await http.post(
        "/chat/message",
        json={"id": f"message-{number:08d}", "text": _TEXTS[number % len(_TEXTS)]},
        headers={"Authorization": f"Bearer {person.token}"},
    )
    answer.raise_for_status()
    await person.answered.wait()
    latencies.append(time.perf_counter() - start)


async def _measure(port: int, pid: int, streams: int, rate: float, seconds: float) -> dict[str, float]:
    limits = httpx.Limits(max_connections=50)
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60, limits=limits) as http:
        before = _memory_mb(pid)
        began = time.perf_counter()
        people = await _open_all(http, port, streams)
        opened = time.perf_counter() - began
        with_streams = _memory_mb(pid)
        latencies: list[float] = []
        tasks = []
        began = time.perf_counter()
        for number in range(int(rate * seconds)):
            await asyncio.sleep(max(0.0, began + number / rate - time.perf_counter()))
            # A step that shares no factor with the number of people, so that nobody is asked twice at once.
            tasks.append(asyncio.create_task(_talk(http, people[number * 7 % streams], number, latencies)))
        await asyncio.gather(*tasks)
        took = time.perf_counter() - began
        result = {
            "streams": streams,
            "streams lost": sum(person.lost for person in people),
            "seconds to open them": opened,
            "messages": len(latencies),
            "answers a second": len(latencies) / took,
            "latency p50 ms": 1000 * _percentile(latencies, 0.50),
            "latency p95 ms": 1000 * _percentile(latencies, 0.95),
            "latency p99 ms": 1000 * _percentile(latencies, 0.99),
            "memory before MB": before,
            "memory with streams MB": with_streams,
            "memory after MB": _memory_mb(pid),
            "memory a stream kB": 1024 * (with_streams - before) / streams,
        }
        for person in people:
            person.close()
        return result


def run(streams: int, rate: float, seconds: float, loads: int) -> dict[str, float]:
    """Start a server, measure, stop it; the figures."""
    port = _free_port()
    with tempfile.TemporaryDirectory() as folder:
        env = {
            **os.environ,
            "WEGWIJZER_DATA_DIR": f"{folder}/data",
            "WEGWIJZER_STREAMS_PER_ADDRESS": str(streams + 10),
            "WEGWIJZER_MAX_STREAMS": str(streams + 10),
            "WEGWIJZER_SESSIONS_PER_HOUR": str(streams + 10),
            "WEGWIJZER_ADDRESS_MESSAGES_PER_MINUTE": str(int(rate * 120) + 10),
        }
        server = subprocess.Popen(
            [sys.executable, "-m", "bot", "run", "--port", str(port)], cwd=PROJECT, env=env, stdout=subprocess.DEVNULL
        )
        try:
            while server.poll() is None:
                try:
                    httpx.get(f"http://127.0.0.1:{port}/health", timeout=120).raise_for_status()
                    break
                except httpx.TransportError:
                    time.sleep(0.1)
            first = _first_message(f"http://127.0.0.1:{port}", loads)
            return first | asyncio.run(_measure(port, server.pid, streams, rate, seconds))
        finally:
            server.terminate()
            server.wait()


def main() -> None:
    """Print the figures, one a line; with --json as one object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--streams", type=int, default=2000)
    parser.add_argument("--rate", type=float, default=20.0, help="messages a second")
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--loads", type=int, default=5, help="how many times each phone loads the page; 0 for not at all")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, arguments.streams + 1000), hard))
    result = run(arguments.streams, arguments.rate, arguments.seconds, arguments.loads)
    if arguments.json:
        print(json.dumps(result))
        return
    for name, value in result.items():
        print(f"{name:56} {value:10.1f}")


if __name__ == "__main__":
    main()
