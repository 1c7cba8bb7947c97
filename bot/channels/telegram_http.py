"""The way out to the Bot API: python-telegram-bot over aiohttp, which Rasa brings along.

The library's own client (httpx) takes most of the time of an answer, and more of it for each connection that is open.
"""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
from telegram.error import TelegramError, TimedOut
from telegram.request import BaseRequest, RequestData

_KEPT_OPEN_SECONDS = 60.0
_HEADERS = {"User-Agent": BaseRequest.USER_AGENT, "Content-Type": "application/x-www-form-urlencoded"}


class AiohttpRequest(BaseRequest):
    """One pool of connections for all calls. Sends no files: the bot has none to send.

    Args:
        connections: how many are open at most; what comes above waits for one, however long.
        connect: seconds for a connection, unless a call says otherwise.
        answer: seconds for an answer, unless a call says otherwise.
    """

    def __init__(self, connections: int, connect: float, answer: float) -> None:
        self._connections, self._connect, self._answer = connections, connect, answer
        self._session: aiohttp.ClientSession | None = None

    @property
    def read_timeout(self) -> float:
        return self._answer

    async def initialize(self) -> None:
        """Nothing: the first call opens the pool."""

    async def shutdown(self) -> None:
        if self._session:
            session, self._session = self._session, None
            await session.close()

    @staticmethod
    def parse_json_payload(payload: bytes) -> dict[str, Any]:
        """The answer; a success without a result is none.

        Raises:
            TelegramError: not what the Bot API answers.
        """
        answer = BaseRequest.parse_json_payload(payload)
        if not isinstance(answer, dict) or (answer.get("ok") is not False and "result" not in answer):
            raise TelegramError("Invalid server response")
        return answer

    async def do_request(  # noqa: PLR0917 (the library's arguments)
        self,
        url: str,
        method: str,
        request_data: RequestData | None = None,
        read_timeout: Any = BaseRequest.DEFAULT_NONE,
        write_timeout: Any = BaseRequest.DEFAULT_NONE,
        connect_timeout: Any = BaseRequest.DEFAULT_NONE,
        pool_timeout: Any = BaseRequest.DEFAULT_NONE,
    ) -> tuple[int, bytes]:
        """Status and body. Errors of aiohttp become the ``__cause__`` of the library's own (see :func:`may_have_arrived`)."""
        timeout = aiohttp.ClientTimeout(
            total=None,
            sock_connect=self._connect if connect_timeout is BaseRequest.DEFAULT_NONE else connect_timeout,
            sock_read=self._answer if read_timeout is BaseRequest.DEFAULT_NONE else read_timeout,
        )
        data = request_data.url_encoded_parameters().encode() if request_data else None
        try:
            async with self._pool().request(method, url, data=data, headers=_HEADERS, timeout=timeout) as response:
                return response.status, await response.read()
        except asyncio.TimeoutError as error:
            raise TimedOut from error

    def _pool(self) -> aiohttp.ClientSession:
        if self._session is None:
            connector = aiohttp.TCPConnector(limit=self._connections, keepalive_timeout=_KEPT_OPEN_SECONDS)
            # A proxy that the environment names is used.
            self._session = aiohttp.ClientSession(connector=connector, trust_env=True, cookie_jar=aiohttp.DummyCookieJar())
        return self._session


def may_have_arrived(error: TelegramError) -> bool:
    """Whether Telegram may have carried out a request that ended in this error: no answer came, or one that cannot be read."""
    if isinstance(error.__cause__, (aiohttp.ClientError, asyncio.TimeoutError)):
        return not isinstance(error.__cause__, aiohttp.ClientConnectorError)
    return type(error) is TelegramError
