"""Fuzzing of everything that can be reached: a few cases with every run of the tests, many with ``make fuzz``."""

from __future__ import annotations

import os
import re
import socket
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from web.conftest import PROJECT, Server, free_port

sys.path.insert(0, str(PROJECT / "tests" / "telegram"))

#: Cases for each endpoint or form.
EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "10"))
_CASES: Counter[str] = Counter()

#: What programs stumble over.
AWKWARD = st.one_of(
    st.text(max_size=60),
    st.sampled_from(
        [
            "",
            "0",
            "-1",
            "1e999",
            "NaN",
            "9" * 30,
            "\x00",
            "\u202e",
            "' OR 1=1 --",
            "<script>",
            "{{7*7}}",
            "../../etc/passwd",
            "%s%n",
            "a" * 5000,
            "2026-02-30",
        ]
    ),
    st.integers(-(2**70), 2**70).map(str),
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | AWKWARD,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)


def fuzz(target: str, examples: int = 0, **strategies: Any) -> Callable[[Callable[..., None]], None]:
    """Run a check with made-up cases, at once, and count them for the summary.

    Args:
        examples: cases, in place of ``EXAMPLES``.
    """

    def run(check: Callable[..., None]) -> None:
        @settings(
            max_examples=examples or EXAMPLES, deadline=None, phases=[Phase.generate, Phase.shrink], suppress_health_check=list(HealthCheck), database=None,
            # With every run of the tests the same cases, with 'make fuzz' others each time.
            derandomize="FUZZ_EXAMPLES" not in os.environ,
        )  # fmt: skip
        @given(**strategies)
        def counted(**case: Any) -> None:
            _CASES[target] += 1
            check(**case)

        counted()

    return run


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """How many cases ran against what."""
    if _CASES:
        terminalreporter.section("fuzzing")
        for target, count in sorted(_CASES.items()):
            terminalreporter.line(f"{count:7} {target}")
        terminalreporter.line(f"{sum(_CASES.values()):7} cases in all")


def send_raw(port: int, data: bytes) -> bytes:
    """What a server answers to these bytes, until it closes."""
    answer = b""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        try:
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
            while piece := connection.recv(65536):
                answer += piece
        except OSError:  # it would not hear us out
            pass
        return answer


def raw_requests(paths: list[str]) -> st.SearchStrategy[bytes]:
    """HTTP that is right, nearly right, or not at all."""
    token = st.sampled_from(["GET", "POST", "DELETE", "OPTIONS", "HEAD", "PUT", "TRACE", "get", "", "\x00", "G" * 9000])
    target = (
        st.sampled_from([*paths, "*", "//", "/%00", "/%ff%fe", "/..%2f..%2fetc/passwd", "http://elsewhere.example/", "/?" + "a" * 9000])
        | AWKWARD
    )
    version = st.sampled_from(["HTTP/1.1", "HTTP/1.0", "HTTP/9.9", "HTTP/2", "", "http/1.1"])
    header = st.sampled_from(
        [
            "Host: x", "Host: ", "Content-Length: 5", "Content-Length: -1", "Content-Length: 99999999999", "Content-Length: x", "Content-Length: 1_0",
            "Transfer-Encoding: chunked", "Transfer-Encoding: gzip, chunked", "Content-Type: application/json", "Content-Type: application/json; charset=utf-7",
            "Content-Type: multipart/form-data; boundary=x", "Authorization: Bearer x", "Authorization: Bearer " + "a" * 4000, "Authorization: \xff", "Expect: 100-continue",
            "Last-Event-ID: \x01", "Origin: null", "X-Forwarded-For: ,,,", "Upgrade: websocket", "Connection: Upgrade", "Connection: close", "Cookie: wegwijzer=x.y.z",
            "Range: bytes=0-,0-", "If-None-Match: *", " folded: yes", "no colon", "X: " + "b" * 20000, "Accept-Encoding: gzip;q=x", "Forwarded: for=\"_x\";;",
        ]
    )  # fmt: skip
    body = st.binary(max_size=80) | st.sampled_from(
        [b"5\r\nhallo\r\n0\r\n\r\n", b"ffffffffffffffff\r\nx", b"-5\r\nx", b"{" * 300, b'{"id":"message-0001","text":"x"}']
    )

    @st.composite
    def build(draw: st.DrawFn) -> bytes:
        end = draw(st.sampled_from(["\r\n", "\r\n", "\r\n", "\n"]))
        lines = [" ".join((draw(token), draw(target), draw(version))), *draw(st.lists(header, max_size=6))]
        return end.join([*lines, "", ""]).encode("utf-8", "surrogatepass") + draw(body)

    return build() | st.binary(max_size=200)


def no_server_error(asked: bytes, answer: bytes) -> None:
    """An answer, if there is one, is no failure of the server and shows nothing of its inside."""
    for status in re.findall(rb"^HTTP/1\.[01] (\d{3})", answer, re.M):
        # 501, 505: a method or version that it does not know; that is the asker's mistake.
        assert not status.startswith(b"5") or status in (b"501", b"505"), (asked, answer[:60])
    for inside in (b"Traceback", b"site-packages", b'File "'):
        assert inside not in answer, asked


@pytest.fixture(scope="module")
def bot_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, int]]:
    """A bot that takes what comes, and the port of its metrics."""
    metrics = free_port()
    running = Server(tmp_path_factory.mktemp("fuzz") / "data", WEGWIJZER_METRICS_PORT=str(metrics)).start()
    yield running, metrics
    running.stop()
