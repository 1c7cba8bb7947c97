"""Headers that browsers obey, on every kind of answer: pages, data, refusals, and requests that are no HTTP. HSTS is the proxy's: test_proxy.py."""

from __future__ import annotations

import socket
from typing import Any

import httpx
import pytest
from console.conftest import app, clock, content, database, first_teams, kind, settings, team, visit
from console.test_rights import addresses
from flask import Flask
from web.conftest import Server

__all__ = ["app", "clock", "content", "database", "first_teams", "kind", "settings", "team", "visit"]

_CASES = [
    *(("GET", path, 200) for path in ("/", "/chat", "/widget.js", "/demo.css", "/openapi.json", "/health", "/version")),
    ("HEAD", "/chat", 200),
    ("OPTIONS", "/chat/message", 204),
    ("GET", "/nowhere", 404),
    ("PUT", "/chat/message", 405),
    ("GET", "/chat/poll", 401),
    ("POST", "/chat/session", 400),
    ("POST", "/telegram/webhook", 404),  # there is none without a token
]


def _policy(text: str) -> dict[str, str]:
    return {name: value for name, _, value in (part.strip().partition(" ") for part in text.split(";"))}


def check_public(headers: httpx.Headers, path: str) -> None:
    """What every answer of the bot carries."""
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert headers["cross-origin-resource-policy"] == ("cross-origin" if path == "/widget.js" else "same-origin")
    assert "camera=()" in headers["permissions-policy"]
    policy = _policy(headers["content-security-policy"])
    assert policy["default-src"] == "'none'"
    assert policy["frame-ancestors"] in ("'none'", "'self'")
    assert "unsafe" not in headers["content-security-policy"] and "*" not in headers["content-security-policy"]
    assert not {"set-cookie", "server", "x-powered-by"} & set(headers)


@pytest.mark.parametrize(("method", "path", "status"), _CASES)
def test_every_answer_of_the_bot(server: Server, method: str, path: str, status: int) -> None:
    answer = httpx.request(method, server.url + path, headers={"Content-Type": "text/plain"}, content=b"x" if method == "POST" else None)
    assert answer.status_code == status
    check_public(answer.headers, path)
    if path.startswith("/chat/") or status >= 400:
        assert answer.headers["cache-control"] == "no-store"


def test_conversations_are_kept_by_no_cache(server: Server) -> None:
    client = server.open_session()
    for answer in (client.send("hallo"), client.http.get("/chat/poll"), client.http.delete("/chat/session")):
        check_public(answer.headers, "/chat/")
        assert answer.headers["cache-control"] == "no-store"


def test_only_sites_of_the_settings_may_frame_it(make_server: Any) -> None:
    server = make_server(WEGWIJZER_ALLOWED_ORIGINS="https://www.example.be")
    page, refusal = httpx.get(f"{server.url}/chat"), httpx.get(f"{server.url}/nowhere")
    assert _policy(page.headers["content-security-policy"])["frame-ancestors"] == "'self' https://www.example.be"
    assert "example.be" not in refusal.headers["content-security-policy"]


@pytest.mark.parametrize("request_", [b"nonsense\r\n\r\n", b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", b"GET /chat HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 70000 + b"\r\n\r\n"])  # fmt: skip
def test_what_is_no_http_is_told_nothing(server: Server, request_: bytes) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
        connection.sendall(request_)
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        try:
            while piece := connection.recv(65536):
                answer += piece
        except ConnectionError:  # it would not hear us out
            pass
    assert not answer or answer.startswith(b"HTTP/1.1 4")
    assert b"sanic" not in answer.lower() and b"Traceback" not in answer


def test_every_answer_of_the_console(app: Flask, visit: Any) -> None:
    for visitor in (visit(), visit("admin")):
        for _endpoint, method, path in [
            *addresses(app, 1),
            ("", "GET", "/nergens"),
            ("", "DELETE", "/gesprekken"),
            ("", "POST", "/afmelden"),
        ]:
            answer = visitor.client.open(path, method=method)
            headers = answer.headers
            assert headers["X-Content-Type-Options"] == "nosniff", path
            assert headers["X-Frame-Options"] == "DENY", path
            assert headers["Referrer-Policy"] == "same-origin", path
            assert headers["Cross-Origin-Opener-Policy"] == headers["Cross-Origin-Resource-Policy"] == "same-origin", path
            policy = _policy(headers["Content-Security-Policy"])
            assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == "'none'", path
            assert "unsafe" not in headers["Content-Security-Policy"], path
            if not path.startswith("/static"):
                assert "no-store" in headers["Cache-Control"], path
            assert "Server" not in headers
