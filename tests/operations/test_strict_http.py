"""What is no HTTP is refused, ends its connection, and stands in no log."""

from __future__ import annotations

import re

import pytest
from fuzz.conftest import send_raw
from web.conftest import Server


@pytest.mark.parametrize(
    "head",
    [
        "\r\n\r\n",
        "nonsense\r\n\r\n",
        "GET  HTTP/1.1\r\n\r\n",
        "GET * HTTP/1.1\r\n\r\n",
        "GET /version HTTP/9.9\r\n\r\n",
        "POST /chat/session HTTP/1.1\r\nContent-Length: x\r\n\r\n",
        "POST /chat/session HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        "POST /chat/session HTTP/1.1\r\nContent-Length: 1_0\r\n\r\n",
        "POST /chat/session HTTP/1.1\r\nContent-Length: +5\r\n\r\n",
        "POST /chat/session HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
        "POST /chat/session HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
        "POST /chat/session HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
    ],
)
def test_a_request_that_is_none(server: Server, head: str) -> None:
    """What comes after it on the same connection is not read: nobody can say where it begins."""
    before = server.log.read_text()
    answer = send_raw(server.port, head.encode() + b"GET /version HTTP/1.1\r\nHost: x\r\n\r\n")
    assert re.findall(rb"HTTP/1\.1 (\d+)", answer) == [b"400"]
    assert b'"bad_request"' in answer and b"\r\nconnection: close\r\n" in answer.lower()
    assert server.log.read_text() == before


def test_a_request_that_is_one(server: Server) -> None:
    chunked = b"POST /chat/session HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"
    counted = b"POST /chat/session HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
    assert re.findall(rb"HTTP/1\.1 (\d+)", send_raw(server.port, chunked + counted + b"GET /version HTTP/1.1\r\nHost: x\r\n\r\n")) == [
        b"201",
        b"201",
        b"200",
    ]
