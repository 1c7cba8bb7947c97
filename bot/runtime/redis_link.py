"""The way to Redis, for bots that share their conversations; tried out before anything depends on it."""

from __future__ import annotations

import asyncio
from typing import Any

import redis
from pydantic import SecretStr
from redis.asyncio import Redis
from redis.exceptions import AuthenticationError, RedisError, ResponseError
from redis.exceptions import ConnectionError as NoConnection
from redis.exceptions import TimeoutError as TooLate

from bot.runtime.errors import UserError

#: Begins the name of every key, so that others may use the same Redis.
PREFIX = "wegwijzer:"
_SCHEMES = ("redis://", "rediss://", "unix://")
_CONNECT_SECONDS = 2.0
#: Longest wait for an answer; longer than any command of ours blocks.
ANSWER_SECONDS = 5.0
_OPTIONS: Any = {
    "socket_connect_timeout": _CONNECT_SECONDS,
    "socket_timeout": ANSWER_SECONDS,
    # Once more after a connection that has gone, for instance because Redis was started again. Every command of ours may come twice.
    "retry_on_error": [NoConnection, TooLate],
}


class RedisUrlError(UserError):
    """A Redis that cannot be used; one line, in which no part of the address stands: it may hold a password."""


def connect(url: SecretStr) -> Redis[str]:
    """A client for the event loop, made after Redis has answered.

    Raises:
        RedisUrlError: the address is none, nothing answers there, or what answers cannot be used.
    """
    return Redis.from_url(_tried(url), decode_responses=True, **_OPTIONS)


def connect_blocking(url: SecretStr) -> redis.Redis[bytes]:
    """A client for threads, made after Redis has answered; it gives bytes.

    Raises:
        RedisUrlError: as :func:`connect`.
    """
    return redis.Redis.from_url(_tried(url), **_OPTIONS)


def _tried(url: SecretStr) -> str:
    """The address, once Redis has answered there."""
    address = url.get_secret_value()
    if not address.startswith(_SCHEMES):
        raise RedisUrlError("REDIS_URL: write redis://:password@host:6379/0 (rediss:// with TLS, unix:///path for a socket)")
    try:
        _try_out(address)
    except (ValueError, TypeError):
        raise RedisUrlError("REDIS_URL: this is no address of a Redis; write redis://:password@host:6379/0") from None
    except AuthenticationError:
        raise RedisUrlError("REDIS_URL: Redis answers, but wants another user or password") from None
    except ResponseError as error:
        # What Redis refuses is said in its first word (NOPERM, READONLY, OOM); the rest may repeat what it was given.
        raise RedisUrlError(f"REDIS_URL: Redis answers, but refuses what the bot needs ({str(error).split(' ')[0]})") from None
    except (RedisError, OSError) as error:
        reason = getattr(error.__context__, "strerror", None) or type(error).__name__
        raise RedisUrlError(f"REDIS_URL: no Redis answers at this address ({reason})") from None
    return address


async def reaches(client: Redis[str]) -> bool:
    """Whether Redis answers now."""
    try:
        await asyncio.wait_for(client.ping(), _CONNECT_SECONDS)
    except (RedisError, OSError, asyncio.TimeoutError):
        return False
    return True


def _try_out(address: str) -> None:
    """Write, and use the newest of the commands that the bot needs (Redis 6.2)."""
    client = redis.Redis.from_url(address, socket_connect_timeout=_CONNECT_SECONDS, socket_timeout=ANSWER_SECONDS)
    try:
        client.set(f"{PREFIX}tried", 1, px=1000)
        client.execute_command("GETDEL", f"{PREFIX}nothing")
    finally:
        client.close()
