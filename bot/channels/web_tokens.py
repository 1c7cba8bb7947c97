"""Identity on the web: issued and signed by the server, so that nobody can choose whose conversation to read."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import re
import secrets
from dataclasses import dataclass
from pathlib import Path

from bot.runtime.errors import UserError
from bot.runtime.settings import Settings

_KEY_BYTES = 32
_TOKEN = re.compile(r"^([A-Za-z0-9_-]{32})\.([0-9]{1,12})\.([A-Za-z0-9_-]{43})$", re.A)


class TokenError(Exception):
    """A token that is not one of ours, or no longer valid. ``expired`` tells which."""

    def __init__(self, expired: bool = False) -> None:
        self.expired = expired
        super().__init__("expired" if expired else "forged")


@dataclass(frozen=True)
class Token:
    """A signed token and the moment (seconds since 1970) at which it stops working."""

    text: str
    expires: int


def new_session_id() -> str:
    """A random id of 192 bits."""
    return secrets.token_urlsafe(24)


def signing_key(path: Path) -> bytes:
    """The key in a file that only the owner can read; made when it is not there.

    Raises:
        UserError: the file cannot be read or written, or holds no key.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            path.chmod(0o600)
            key = path.read_bytes()
        else:
            key = secrets.token_bytes(_KEY_BYTES)
            with os.fdopen(descriptor, "wb") as file:
                file.write(key)
    except OSError as error:
        raise UserError(f"the signing key {path} cannot be used: {error.strerror}") from None
    if len(key) != _KEY_BYTES:
        raise UserError(f"{path} holds no signing key of {_KEY_BYTES} bytes; remove it and a new one is made (open conversations end)")
    return key


def web_key(settings: Settings) -> bytes:
    """The key of the web channel: of the settings, else of the data folder.

    Raises:
        UserError: several bots share a Redis and no key, or the file cannot be used.
    """
    if settings.web_secret:
        return hashlib.sha256(b"wegwijzer web " + settings.web_secret.get_secret_value().encode()).digest()
    if settings.redis_url:
        raise UserError("REDIS_URL needs WEGWIJZER_WEB_SECRET, the same for all bots; make one with 'openssl rand -hex 32'")
    return signing_key(settings.data_dir / "web.key")


class Tokens:
    """Issues and reads tokens: session id, moment of expiry, HMAC-SHA256 of both."""

    def __init__(self, key: bytes, lifetime: float) -> None:
        self._key = key
        self._lifetime = lifetime

    def issue(self, session: str, now: float) -> Token:
        """A token for a session."""
        expires = int(now + self._lifetime) + 1
        return Token(f"{session}.{expires}.{self._sign(session, expires)}", expires)

    def read(self, text: str, now: float) -> str:
        """The session of a token.

        Raises:
            TokenError: forged, damaged or expired.
        """
        match = _TOKEN.match(text)
        if not match:
            raise TokenError
        session, expires = match[1], int(match[2])
        if not hmac.compare_digest(self._sign(session, expires), match[3]):
            raise TokenError
        if expires <= now:
            raise TokenError(expired=True)
        return session

    def _sign(self, session: str, expires: int) -> str:
        digest = hmac.new(self._key, f"{session}.{expires}".encode(), hashlib.sha256).digest()
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
