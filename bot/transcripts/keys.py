"""Keys of the transcript store, all derived from secrets that never enter the database.

One secret seals (encrypts) and hashes. It may be followed by older ones: what they sealed can still be opened, what is written is sealed
with the first. The hashes (keys of conversations, words of the index) are always made with the last, oldest one: they cannot be
made again without the words.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import os
import struct
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bot.channels.web_tokens import signing_key
from bot.transcripts.errors import StoreError

_NONCE_BYTES = 12
_SECRET_BYTES = 32
_write = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class Keys:
    """What needs a secret.

    Args:
        secrets: newest first, at least one; 32 bytes each.
    """

    def __init__(self, secrets: list[bytes]) -> None:
        self._seals = {_derive(secret, "key id")[:4]: AESGCM(_derive(secret, "sealed")) for secret in secrets}
        self._current = _derive(secrets[0], "key id")[:4]
        self._conversation = _derive(secrets[-1], "conversation")
        self._word = _derive(secrets[-1], "word")
        self._placeholder = _derive(secrets[-1], "placeholder")
        self._audit = _derive(secrets[-1], "audit")

    # --- sealing ---

    def seal(self, data: Any) -> bytes:
        """JSON-ready data, encrypted and signed: key id, nonce, cipher text."""
        nonce = os.urandom(_NONCE_BYTES)
        plain = _write(data).encode()
        return self._current + nonce + self._seals[self._current].encrypt(nonce, plain, None)

    def unseal(self, sealed: bytes) -> Any:
        """What :meth:`seal` was given.

        Raises:
            StoreError: sealed with a key that is not among these, or damaged.
        """
        cipher = self._seals.get(sealed[:4])
        if cipher is None:
            raise StoreError("a text was encrypted with a key that is not set; see WEGWIJZER_TRANSCRIPT_KEY in docs/transcripts.md")
        try:
            return json.loads(cipher.decrypt(sealed[4 : 4 + _NONCE_BYTES], sealed[4 + _NONCE_BYTES :], None))
        except (InvalidTag, ValueError):
            raise StoreError("an encrypted text is damaged") from None

    def is_current(self, sealed: bytes) -> bool:
        """Whether something was sealed with the newest secret."""
        return sealed[:4] == self._current

    # --- names that cannot be traced back ---

    def conversation(self, sender_id: str) -> str:
        """The key under which a sender's conversations are stored."""
        return _hex(self._conversation, sender_id)

    def word(self, word: str) -> int:
        """A word of the index, as a signed number of 64 bits."""
        return int(struct.unpack(">q", hmac.digest(self._word, word.encode(), hashlib.sha256)[:8])[0])

    def placeholder(self, conversation: str, kind: str, key: str) -> str:
        """What was redacted, recognisable within one conversation only."""
        return _hex(self._placeholder, f"{conversation}\0{kind}\0{key}")

    def audit(self, previous: str, entry: str) -> str:
        """What binds an entry of the audit log to the one before it."""
        return hmac.digest(self._audit, f"{previous}\0{entry}".encode(), hashlib.sha256).hex()


def load_keys(setting: str | None, path: Path) -> Keys:
    """The secrets of the setting (base64 of 32 bytes each, newest first, commas between), else that of a file, made when not there.

    Raises:
        UserError: a secret that is none, or a file that cannot be used.
    """
    if not setting:
        return Keys([signing_key(path)])
    return Keys([_decoded(part) for part in setting.split(",")])


def _decoded(text: str) -> bytes:
    try:
        secret = base64.b64decode(text.strip().replace("-", "+").replace("_", "/"), validate=True)
    except (binascii.Error, ValueError):
        secret = b""
    if len(secret) != _SECRET_BYTES:
        raise StoreError("WEGWIJZER_TRANSCRIPT_KEY: each key is 32 bytes in base64; make one with 'openssl rand -base64 32'")
    return secret


def _derive(secret: bytes, purpose: str) -> bytes:
    return hmac.digest(secret, f"wegwijzer transcripts {purpose}".encode(), hashlib.sha256)


def _hex(key: bytes, text: str) -> str:
    return hmac.digest(key, text.encode("utf-8", "surrogatepass"), hashlib.sha256).hex()[:48]
