"""What the store can refuse."""

from __future__ import annotations

from bot.runtime.errors import UserError


class NotFound(UserError):
    """There is no such conversation, message, note, view or account (any more)."""


class WrongValue(UserError):
    """A value that the store does not take; one line that says why."""


class Conflict(UserError):
    """Somebody else changed the conversation in the meantime; nothing was done."""


class StoreError(UserError):
    """The database or a key cannot be used; one line."""
