"""The channel over plain HTTP, against a running server."""

from __future__ import annotations

import json
import stat
import threading
import time
from typing import Any

import httpx
import pytest

from .conftest import Client, Server


def _code(answer: httpx.Response) -> str:
    error = answer.json()["error"]
    assert error["text"].endswith((".", "?"))
    return str(error["code"])


def _texts(events: list[dict[str, Any]], kind: str) -> list[str]:
    return [event["data"]["text"] for event in events if event["kind"] == kind]


class Stream:
    """An event stream, read in a thread."""

    def __init__(self, client: Client, last: str | None = None) -> None:
        self.events: list[tuple[int, str, Any]] = []
        self.done = threading.Event()
        headers = {"Authorization": f"Bearer {client.token}", **({"Last-Event-ID": last} if last is not None else {})}
        self._http = httpx.Client(timeout=60)
        self._context = self._http.stream("GET", f"{client.server.url}/chat/events", headers=headers)
        self.response = self._context.__enter__()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        fields: dict[str, str] = {}
        try:
            for line in self.response.iter_lines():
                if line:
                    name, _, value = line.partition(":")
                    fields[name] = value.strip()
                else:
                    if "event" in fields:
                        self.events.append((int(fields.get("id", 0)), fields["event"], json.loads(fields["data"])))
                    fields = {}
        except httpx.TransportError:
            pass
        self.done.set()

    def wait_for(self, condition: Any) -> None:
        """Wait until the events fulfil a condition; the test's own time limit ends a wait in vain."""
        while not condition(self.events):
            time.sleep(0.01)

    def close(self) -> None:
        self.response.close()
        self._http.close()


# --- sessions --------------------------------------------------------------------------------------------------------


def test_the_server_chooses_who_you_are(server: Server) -> None:
    first, second = (httpx.post(f"{server.url}/chat/session", json={}).json() for _ in range(2))
    assert first["session"] != second["session"]
    refused = httpx.post(f"{server.url}/chat/session", json={"session": first["session"]})
    assert (refused.status_code, _code(refused)) == (422, "wrong_fields")


def test_a_token_is_renewed_for_the_same_conversation(server: Server) -> None:
    client = server.open_session()
    answer = client.http.post("/chat/session", json={})
    assert answer.status_code == 200
    assert answer.json()["session"] == client.token.split(".")[0]


def test_the_key_and_the_conversations_are_for_the_owner_alone(server: Server) -> None:
    for name in ("web.key", "web.db"):
        assert stat.S_IMODE((server.data_dir / name).stat().st_mode) == 0o600


def _tampered(token: str) -> dict[str, str]:
    session, expires, signature = token.split(".")
    other = "A" * len(session)
    return {
        "forged signature": f"{session}.{expires}.{'A' * len(signature)}",
        "another session": f"{other}.{expires}.{signature}",
        "longer life": f"{session}.{int(expires) + 9}.{signature}",
        "no shape": "x",
        "other digits": f"{session}.{''.join(chr(0x660 + int(digit)) for digit in expires)}.{signature}",
    }


def test_a_token_that_is_not_ours_is_refused(server: Server) -> None:
    client = server.open_session()
    for name, token in _tampered(client.token).items():
        for method, path in (("GET", "/chat/events"), ("GET", "/chat/poll"), ("POST", "/chat/message"), ("DELETE", "/chat/session")):
            answer = httpx.request(method, server.url + path, headers={"Authorization": f"Bearer {token}".encode()})
            assert (answer.status_code, _code(answer)) == (401, "bad_token"), (name, path)


@pytest.mark.parametrize("header", [{}, {"Authorization": ""}, {"Authorization": "Basic eDp5"}, {"Authorization": "Bearer"}])
def test_without_a_token_nothing_is_told(server: Server, header: dict[str, str]) -> None:
    answer = httpx.get(f"{server.url}/chat/poll", headers=header)
    assert (answer.status_code, _code(answer)) == (401, "no_token")
    assert answer.headers["www-authenticate"] == "Bearer"


def test_a_token_of_another_server_is_refused(server: Server, make_server: Any) -> None:
    foreign = make_server().open_session()
    answer = httpx.get(f"{server.url}/chat/poll", headers={"Authorization": f"Bearer {foreign.token}"})
    assert (answer.status_code, _code(answer)) == (401, "bad_token")


def test_an_unused_conversation_expires_and_is_removed(make_server: Any) -> None:
    server = make_server(WEGWIJZER_TRACKER_HOURS="0.0006")  # about two seconds
    client = server.open_session()
    client.send("geheimwoordje")
    stream = Stream(client)
    stream.wait_for(lambda events: any(kind == "ended" for _, kind, _ in events))
    assert stream.events[-1][2] == {"why": "expired"}
    answer = client.http.get("/chat/poll")
    assert (answer.status_code, _code(answer)) in {(410, "session_expired"), (401, "expired_token")}
    server.stop()
    for path in server.data_dir.iterdir():
        assert b"geheimwoordje" not in path.read_bytes(), path.name


# --- messages --------------------------------------------------------------------------------------------------------


def test_a_message_gets_its_answer(server: Server) -> None:
    client = server.open_session()
    assert client.send("hallo").status_code == 202
    events = client.settled()
    assert [event["id"] for event in events] == list(range(1, len(events) + 1))
    assert _texts(events, "user") == ["hallo"]
    assert "chatbot" in " ".join(_texts(events, "bot"))


def test_a_message_sent_twice_is_processed_once(server: Server) -> None:
    client = server.open_session()
    answers = [client.send("hallo", "the-same-id").json() for _ in range(3)]
    assert [answer["duplicate"] for answer in answers] == [False, True, True]
    assert _texts(client.settled(), "user") == ["hallo"]


def test_quick_messages_are_answered_in_order(server: Server) -> None:
    client = server.open_session()
    said = [f"dag nummer {number}" for number in range(8)]
    for text in said:
        assert client.send(text).status_code == 202
    events: list[dict[str, Any]] = []
    while len({event["id"] for event in events if event["kind"] == "bot"}) < len(said):
        events = client.settled()
    assert _texts(events, "user") == said
    assert [event["id"] for event in events] == list(range(1, len(events) + 1))


def test_what_begins_with_a_slash_is_text(server: Server) -> None:
    client = server.open_session()
    client.send("/erase_yes")
    assert _texts(client.settled(), "user") == ["/erase_yes"]
    assert client.http.get("/chat/poll").status_code == 200


def test_buttons_carry_ids_and_no_payloads(server: Server) -> None:
    client = server.open_session()
    client.send("ik word elke dag uitgescholden op school")
    events = client.settled()
    options = [option for event in events if event["kind"] == "bot" for option in event["data"]["options"]]
    assert options
    assert all(set(option) == {"id", "title"} for option in options)
    assert "/answer" not in json.dumps(events)
    assert client.tap(options[0]["id"]).status_code == 202
    more = client.settled(events[-1]["id"])
    assert _texts(more, "user") == [options[0]["title"]]
    assert _texts(more, "bot")


def test_a_button_of_another_conversation_is_unknown(server: Server) -> None:
    first, second = server.open_session(), server.open_session()
    first.send("ik word elke dag uitgescholden op school")
    option = next(option for event in first.settled() if event["kind"] == "bot" for option in event["data"]["options"])
    for button in (option["id"], "nonsense", "/erase_yes"):
        answer = second.tap(button)
        assert (answer.status_code, _code(answer)) == (404, "unknown_button")


def test_the_bot_does_not_say_again_what_the_client_has_shown(server: Server) -> None:
    token = httpx.post(f"{server.url}/chat/session", json={"greeted": True}).json()["token"]
    client = Client(server, token)
    client.send("hallo")
    assert "Mensen van ons team" not in " ".join(_texts(client.settled(), "bot"))


_GOOD = {"id": "message-1", "text": "hallo"}


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "not_json"),
        (b"{", 400, "not_json"),
        (b'{"id": NaN}', 400, "not_json"),
        (b'{"id": "message-1", "id": "message-2", "text": "x"}', 400, "not_json"),
        (b"\xff\xfe", 400, "not_json"),
        (b"[" * 30000, 400, "not_json"),
        (b"[]", 422, "wrong_fields"),
        (b'"hallo"', 422, "wrong_fields"),
        (b"null", 422, "wrong_fields"),
        (b"{}", 422, "wrong_fields"),
        (json.dumps({"id": "message-1"}).encode(), 422, "wrong_fields"),
        (json.dumps({**_GOOD, "sender": "me"}).encode(), 422, "wrong_fields"),
        (json.dumps({**_GOOD, "text": 5}).encode(), 422, "wrong_fields"),
        (json.dumps({**_GOOD, "text": None}).encode(), 422, "wrong_fields"),
        (json.dumps({**_GOOD, "id": 5}).encode(), 422, "wrong_fields"),
        (json.dumps({**_GOOD, "id": "short"}).encode(), 422, "wrong_fields"),
        (json.dumps({**_GOOD, "id": "message-1\n"}).encode(), 422, "wrong_fields"),
        (json.dumps({**_GOOD, "button": "x"}).encode(), 422, "wrong_fields"),
        (json.dumps({"id": "message-1", "button": ["x"]}).encode(), 422, "wrong_fields"),
        (b'{"id": "message-1", "text": "\\ud800"}', 422, "wrong_fields"),
        (json.dumps({**_GOOD, "text": "   \n"}).encode(), 422, "empty"),
        (json.dumps({**_GOOD, "text": "a" * 2001}).encode(), 422, "too_long"),
        (json.dumps({**_GOOD, "text": "a" * 70000}).encode(), 413, "body_too_large"),
    ],
)
def test_bad_bodies_are_refused_in_one_sentence(server: Server, body: bytes, status: int, code: str) -> None:
    client = server.open_session()
    answer = client.http.post("/chat/message", content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, _code(answer)) == (status, code)
    assert client.send("hallo").status_code == 202


def test_only_json_is_read(server: Server) -> None:
    client = server.open_session()
    answer = client.http.post("/chat/message", content=json.dumps(_GOOD), headers={"Content-Type": "text/plain"})
    assert (answer.status_code, _code(answer)) == (400, "not_json")


def test_markup_comes_back_as_it_was_written(server: Server) -> None:
    client = server.open_session()
    client.send("<script>alert(1)</script> hallo")
    assert _texts(client.settled(), "user") == ["<script>alert(1)</script> hallo"]


# --- events ----------------------------------------------------------------------------------------------------------


def test_a_stream_brings_events_as_they_happen(server: Server) -> None:
    client = server.open_session()
    stream = Stream(client)
    client.send("ik word gepest op school")
    stream.wait_for(lambda events: ("typing", {"on": False}) in [(kind, data) for _, kind, data in events])
    stream.close()
    kinds = [kind for _, kind, _ in stream.events]
    assert kinds.index("user") < kinds.index("typing") < kinds.index("bot")
    assert stream.response.headers["content-type"].startswith("text/event-stream")


def test_a_lost_connection_misses_nothing_and_repeats_nothing(server: Server) -> None:
    client = server.open_session()
    stream = Stream(client)
    client.send("hallo")
    stream.wait_for(lambda events: any(kind == "bot" for _, kind, _ in events))
    seen = max(number for number, _, _ in stream.events)
    stream.close()
    client.send("ik word gepest op school")
    everything = client.settled(seen)
    again = Stream(client, str(seen))
    again.wait_for(lambda events: len([1 for number, _, _ in events if number]) == len(everything))
    again.close()
    assert [number for number, _, _ in again.events if number] == [event["id"] for event in everything]
    assert min(event["id"] for event in everything) == seen + 1


@pytest.mark.parametrize("last", ["x", "-1", "1.5", "9" * 16, "\u0665"])
def test_a_last_event_id_that_is_no_number_is_refused(server: Server, last: str) -> None:
    client = server.open_session()
    answer = client.http.get("/chat/events", headers={"Last-Event-ID": last.encode()})
    assert (answer.status_code, _code(answer)) == (400, "bad_event_id")


@pytest.mark.parametrize("query", ["after=x", "after=", "after=1&after=2", "typing=yes", "typing=", "after=-1"])
def test_a_poll_that_makes_no_sense_is_refused(server: Server, query: str) -> None:
    answer = server.open_session().http.get(f"/chat/poll?{query}")
    assert (answer.status_code, _code(answer)) in {(400, "bad_event_id"), (422, "wrong_fields")}


def test_a_last_event_id_from_elsewhere_gets_everything(server: Server) -> None:
    client = server.open_session()
    client.send("hallo")
    events = client.settled()
    stream = Stream(client, "4711")
    stream.wait_for(lambda seen: len([1 for number, _, _ in seen if number]) == len(events))
    stream.close()
    assert stream.events[0][1] == "reset"
    assert client.poll(4711)["reset"] is True


def test_long_polling_waits_for_news(server: Server) -> None:
    client = server.open_session()
    got: list[dict[str, Any]] = []
    waiting = threading.Thread(target=lambda: got.append(Client(server, client.token).poll(0)))
    waiting.start()
    client.send("hallo")
    waiting.join()
    assert got[0]["events"] or got[0]["typing"]


def test_too_many_tabs_close_the_oldest(server: Server) -> None:
    client = server.open_session()
    streams = [Stream(client) for _ in range(7)]
    streams[0].wait_for(lambda events: any(kind == "closed" for _, kind, _ in events))
    assert streams[0].events[-1][1:] == ("closed", {"why": "replaced"})
    client.send("hallo")
    streams[6].wait_for(lambda events: any(kind == "bot" for _, kind, _ in events))
    for stream in streams:
        stream.close()


# --- erasing ---------------------------------------------------------------------------------------------------------


def test_erasing_removes_the_conversation_everywhere(make_server: Any) -> None:
    server = make_server()
    client = server.open_session()
    client.send("mijn geheimwoordje is citroenboom en ik word gepest")
    client.settled()
    stream = Stream(client)
    answer = client.http.delete("/chat/session")
    assert (answer.status_code, answer.json()) == (200, {"erased": True})
    stream.done.wait()
    assert stream.events[-1][1:] == ("ended", {"why": "erased"})
    gone = client.http.get("/chat/poll")
    assert (gone.status_code, _code(gone)) == (410, "session_erased")
    assert client.http.delete("/chat/session").status_code == 200
    assert client.send("hallo").status_code == 410
    for path in server.data_dir.iterdir():
        assert b"citroenboom" not in path.read_bytes(), path.name
    assert b"citroenboom" not in server.log.read_bytes()


def test_erasing_while_the_bot_works_leaves_nothing(server: Server) -> None:
    for _ in range(5):
        client = server.open_session()
        client.send("ik ben sterappel en word gepest op school")
        client.send("nog iets over sterappel")
        assert client.http.delete("/chat/session").status_code == 200
    other = server.open_session()
    other.send("hallo")
    other.settled()
    for path in server.data_dir.iterdir():
        assert b"sterappel" not in path.read_bytes(), path.name


def test_asking_the_bot_to_erase_ends_the_session(server: Server) -> None:
    client = server.open_session()
    client.send("wis dit gesprek")
    option = client.settled()[-1]["data"]["options"][0]
    client.tap(option["id"])
    while (answer := client.http.get("/chat/poll", params={"after": 99999})).status_code == 200:
        time.sleep(0.02)
    assert (answer.status_code, _code(answer)) == (410, "session_erased")


# --- a server that stops ---------------------------------------------------------------------------------------------


def test_a_killed_server_loses_nothing(make_server: Any) -> None:
    server = make_server()
    client = server.open_session()
    client.send("hallo")
    before = client.settled()
    accepted = [client.send(text).status_code for text in ("ik word gepest op school", "elke dag", "door mijn klas")]
    server.stop(9)
    server.start()
    events = client.settled(before[-1]["id"])
    while len([1 for event in events if event["kind"] == "user"]) < 3 or events[-1]["kind"] != "bot":
        events = client.settled(before[-1]["id"])
    assert accepted == [202] * 3
    assert _texts(events, "user") == ["ik word gepest op school", "elke dag", "door mijn klas"]
    assert client.poll(0)["events"][: len(before)] == before


def test_a_server_that_is_told_to_stop_closes_streams_and_ends_well(make_server: Any) -> None:
    server = make_server()
    stream = Stream(server.open_session())
    assert server.stop() == 0
    stream.done.wait()
    assert stream.events[-1][1:] == ("closed", {"why": "stopping"})


# --- other sites, limits ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:1", "file://"])
def test_another_site_is_refused(server: Server, origin: str) -> None:
    client = server.open_session()
    for method, path in (("POST", "/chat/session"), ("GET", "/chat/poll"), ("POST", "/chat/message"), ("OPTIONS", "/chat/message")):
        answer = client.http.request(method, path, headers={"Origin": origin})
        assert (answer.status_code, _code(answer)) == (403, "origin_refused")
        assert "access-control-allow-origin" not in answer.headers


def test_a_site_of_the_settings_is_welcome(make_server: Any) -> None:
    server = make_server(WEGWIJZER_ALLOWED_ORIGINS="https://help.example, http://other.example:8080")
    for origin in ("https://help.example", "http://other.example:8080", server.url):
        preflight = httpx.options(f"{server.url}/chat/message", headers={"Origin": origin, "Access-Control-Request-Method": "POST"})
        assert preflight.status_code == 204
        assert preflight.headers["access-control-allow-origin"] == origin
        assert "authorization" in preflight.headers["access-control-allow-headers"].lower()
        assert httpx.post(f"{server.url}/chat/session", json={}, headers={"Origin": origin}).status_code == 201
    assert httpx.post(f"{server.url}/chat/session", json={}, headers={"Origin": "https://help.example.evil"}).status_code == 403


def test_too_fast_is_told_with_the_time_to_wait(make_server: Any) -> None:
    server = make_server(WEGWIJZER_MESSAGES_PER_MINUTE="60", WEGWIJZER_ADDRESS_MESSAGES_PER_MINUTE="15")
    client = server.open_session()
    statuses = [client.send("hallo").status_code for _ in range(12)]
    assert statuses[:10] == [202] * 10
    answer = client.send("hallo")
    assert (answer.status_code, _code(answer)) == (429, "too_fast")
    assert int(answer.headers["retry-after"]) >= 1
    other = server.open_session()
    assert 429 in [other.send("hallo").status_code for _ in range(8)]


def test_too_many_sessions_from_one_address(make_server: Any) -> None:
    server = make_server(WEGWIJZER_SESSIONS_PER_HOUR="3", WEGWIJZER_PROXIES="1")
    statuses = [httpx.post(f"{server.url}/chat/session", json={}, headers={"X-Forwarded-For": "192.0.2.1"}).status_code for _ in range(4)]
    assert statuses == [201, 201, 201, 429]
    assert httpx.post(f"{server.url}/chat/session", json={}, headers={"X-Forwarded-For": "192.0.2.2"}).status_code == 201
    # What a client writes itself stands before what the proxy adds.
    lied = httpx.post(f"{server.url}/chat/session", json={}, headers={"X-Forwarded-For": "192.0.2.9, 192.0.2.1"})
    assert (lied.status_code, _code(lied)) == (429, "too_many_sessions")


def test_too_many_streams_from_one_address(make_server: Any) -> None:
    server = make_server(WEGWIJZER_STREAMS_PER_ADDRESS="5")
    streams = [Stream(server.open_session()) for _ in range(5)]
    client = server.open_session()
    answer = client.http.get("/chat/events")
    assert (answer.status_code, _code(answer)) == (429, "too_many_streams")
    assert client.send("hallo").status_code == 202
    streams[0].close()
    while client.http.get("/chat/poll").status_code != 200:
        time.sleep(0.05)
    for stream in streams[1:]:
        stream.close()


def test_a_forwarded_address_is_not_believed_without_a_proxy(make_server: Any) -> None:
    server = make_server(WEGWIJZER_SESSIONS_PER_HOUR="2")
    statuses = [
        httpx.post(f"{server.url}/chat/session", json={}, headers={"X-Forwarded-For": f"192.0.2.{number}"}).status_code
        for number in range(3)
    ]
    assert statuses == [201, 201, 429]


# --- headers, pages, log ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/", "/chat", "/widget.js", "/demo.css", "/openapi.json", "/health", "/nowhere", "/chat/poll"])
def test_every_answer_has_security_headers_and_no_cookie(server: Server, path: str) -> None:
    answer = httpx.get(server.url + path)
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "set-cookie" not in answer.headers
    assert "server" not in answer.headers


def test_files_are_compressed_and_known_again(server: Server) -> None:
    answer = httpx.get(f"{server.url}/widget.js")
    assert answer.headers["content-encoding"] == "gzip"
    again = httpx.get(f"{server.url}/widget.js", headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    page = httpx.get(f"{server.url}/chat")
    again = httpx.get(f"{server.url}/chat", headers={"If-None-Match": page.headers["etag"]})
    assert again.headers["content-security-policy"] == page.headers["content-security-policy"]
    assert httpx.head(f"{server.url}/widget.js").status_code == 200


def test_the_widget_is_small(server: Server) -> None:
    with httpx.stream("GET", f"{server.url}/widget.js", headers={"Accept-Encoding": "gzip"}) as answer:
        size = sum(len(part) for part in answer.iter_raw())
    assert size <= 20 * 1024


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nowhere", 404, "not_found"),
        ("PUT", "/chat/message", 405, "wrong_method"),
        ("GET", "/chat/../etc/passwd", 404, "not_found"),
    ],
)
def test_what_is_not_there(server: Server, method: str, path: str, status: int, code: str) -> None:
    answer = httpx.request(method, server.url + path)
    assert (answer.status_code, _code(answer)) == (status, code)


def test_version_and_health(server: Server) -> None:
    assert httpx.get(f"{server.url}/health").json()["status"] == "ready"
    assert httpx.get(f"{server.url}/version").json()["rasa"].startswith("3.6.")


def test_rasas_own_api_is_not_there(server: Server) -> None:
    for path in ("/webhooks/rest/webhook", "/model/parse", "/conversations/x/tracker", "/domain", "/status"):
        assert httpx.post(server.url + path, json={}).status_code == 404


def test_nothing_of_a_visitor_stands_in_the_log(make_server: Any) -> None:
    server = make_server()
    client = server.open_session()
    client.send("kwetsbaarwoord ik wil dood")
    client.settled()
    client.http.post("/chat/message", content=b"kwetsbaarwoord", headers={"Content-Type": "application/json"})
    Stream(client).close()
    server.stop()
    log = server.log.read_text()
    for secret in ("kwetsbaarwoord", client.token, client.token.split(".")[0], "/chat/message", "127.0.0.1 "):
        assert secret not in log
    assert "Traceback" not in log
