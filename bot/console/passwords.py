"""Passwords and one-time codes: what is asked of them, hashing, checking. No database."""

from __future__ import annotations

import hashlib
import hmac
import io
import secrets
from functools import lru_cache

import pyotp
import segno
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

MIN_PASSWORD = 12
MAX_PASSWORD = 200
ISSUER = "Wegwijzer"

_STEP_SECONDS = 30
#: Steps before and after this one that still count: clocks of phones are not exact.
_DRIFT = 1

_hasher = PasswordHasher()


def password_problem(password: str, name: str) -> str | None:
    """Why a password is refused: ``too_short``, ``too_long`` or ``too_easy``; None when it is accepted."""
    if len(password) < MIN_PASSWORD:
        return "too_short"
    if len(password) > MAX_PASSWORD:
        return "too_long"
    if len(set(password.lower())) < 5 or name.lower() in password.lower() or "wachtwoord" in password.lower():
        return "too_easy"
    return None


def hash_password(password: str) -> str:
    """An argon2id hash."""
    return str(_hasher.hash(password))


def password_fits(password_hash: str | None, password: str) -> bool:
    """Whether a password fits. Takes as long where there is none (``None``: no such name, or no password yet) as where there is one."""
    try:
        return bool(_hasher.verify(password_hash or _nobody(), password)) and password_hash is not None
    except (VerificationError, InvalidHashError):
        return False


@lru_cache(maxsize=1)
def _nobody() -> str:
    return hash_password(secrets.token_urlsafe(16))


def new_token() -> str:
    """A token for a cookie or a link, with 256 bits of chance."""
    return secrets.token_urlsafe(32)


def token_hash(token: str) -> str:
    """What is kept of a token."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def new_secret() -> str:
    """A TOTP secret, base32."""
    return str(pyotp.random_base32())


def step_of_code(secret: str, code: str, now: float, last_step: int) -> int | None:
    """The time step of a code, or None when it does not fit or its step was used already."""
    digits = "".join(code.split())
    totp = pyotp.TOTP(secret)
    here = int(now) // _STEP_SECONDS
    for step in range(here - _DRIFT, here + _DRIFT + 1):
        if step > last_step and hmac.compare_digest(totp.generate_otp(step).encode(), digits.encode("utf-8", "surrogatepass")):
            return step
    return None


def qr_svg(secret: str, name: str) -> str:
    """The secret as a QR code: an SVG without styles of its own."""
    address = pyotp.TOTP(secret).provisioning_uri(name=name, issuer_name=ISSUER)
    buffer = io.BytesIO()
    segno.make(address, error="m").save(
        buffer, kind="svg", scale=5, border=2, xmldecl=False, svgns=True, svgclass="qr", lineclass="qr-dark", omitsize=True
    )
    return buffer.getvalue().decode("utf-8")
