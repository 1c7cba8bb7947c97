"""Clients that play users: each opens conversations, sends messages and waits for the whole answer to each."""

from __future__ import annotations

import asyncio
import json
import uuid
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import aiohttp

_ANSWER_SECONDS = 60


class Conversation(ABC):
    """One user's conversation."""

    @abstractmethod
    async def turn(self, text: str) -> None:
        """Send a message and wait until the bot has said all that it says to it; the example bot sometimes says nothing."""


class Client(ABC):
    """A way to talk to a bot over HTTP."""

    def __init__(self, port: int) -> None:
        self._address = f"http://127.0.0.1:{port}"

    @abstractmethod
    def conversation(self, http: aiohttp.ClientSession) -> AbstractAsyncContextManager[Conversation]:
        """Open a new conversation, and close it at the end."""


class RestClient(Client):
    """Rasa's REST channel: the answer comes as the response to the message."""

    @asynccontextmanager
    async def conversation(self, http: aiohttp.ClientSession) -> AsyncIterator[Conversation]:
        """A new sender."""
        yield _RestConversation(http, f"{self._address}/webhooks/rest/webhook")


class _RestConversation(Conversation):
    def __init__(self, http: aiohttp.ClientSession, url: str) -> None:
        self._http = http
        self._url = url
        self._sender = uuid.uuid4().hex

    async def turn(self, text: str) -> None:
        async with self._http.post(self._url, json={"sender": self._sender, "message": text}) as response:
            response.raise_for_status()
            await response.json()


class WebClient(Client):
    """The web channel as the widget uses it: a session, an event stream that stays open, messages that are posted."""

    @asynccontextmanager
    async def conversation(self, http: aiohttp.ClientSession) -> AsyncIterator[Conversation]:
        """A new session with its event stream."""
        async with http.post(f"{self._address}/chat/session", json={}) as response:
            response.raise_for_status()
            headers = {"Authorization": f"Bearer {(await response.json())['token']}"}
        async with http.get(f"{self._address}/chat/events", headers=headers) as stream:
            stream.raise_for_status()
            yield _WebConversation(http, f"{self._address}/chat/message", headers, stream.content)


class _WebConversation(Conversation):
    def __init__(self, http: aiohttp.ClientSession, url: str, headers: dict[str, str], stream: aiohttp.StreamReader) -> None:
        self._http = http
        self._url = url
        self._headers = headers
        self._stream = stream

    async def turn(self, text: str) -> None:
        body = {"id": uuid.uuid4().hex, "text": text}
        async with self._http.post(self._url, json=body, headers=self._headers) as response:
            response.raise_for_status()
            await response.read()
        await asyncio.wait_for(self._answer(), _ANSWER_SECONDS)

    async def _answer(self) -> None:
        """Read events until the bot has answered and stopped typing."""
        answered = False
        while True:
            kind, data = await self._event()
            answered = answered or kind == "bot"
            if answered and kind == "typing" and not json.loads(data)["on"]:
                return

    async def _event(self) -> tuple[str, str]:
        kind, data = "", ""
        while True:
            line = (await self._stream.readline()).decode("utf-8")
            if not line:
                raise ConnectionError("the event stream ended")
            name, _, value = line.rstrip("\n").partition(": ")
            if name == "event":
                kind = value
            elif name == "data":
                data = value
            elif not name and kind:
                return kind, data
