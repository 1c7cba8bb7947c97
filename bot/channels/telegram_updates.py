"""What Telegram sends, brought down to what the bot needs.

Names, usernames, files, numbers and places never leave this module: an :class:`Incoming` has no field for them.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

from telegram import Chat, ChatMember, ChatMemberUpdated, MaybeInaccessibleMessage, Message, Update

#: The kinds of update that are asked for.
ALLOWED_UPDATES = ["message", "edited_message", "callback_query", "my_chat_member"]

#: Fields of a message that hold something else than text, and how content/telegram.yml calls it.
_MEDIA = {
    "photo": "image",
    "video": "image",
    "video_note": "image",
    "animation": "image",
    "document": "image",
    "paid_media": "image",
    "story": "image",
    "voice": "voice",
    "audio": "voice",
    "sticker": "sticker",
    "dice": "sticker",
    "contact": "contact",
    "location": "location",
    "venue": "location",
    "poll": "other",
    "checklist": "other",
    "game": "other",
    "invoice": "other",
}
_GROUPS = (Chat.GROUP, Chat.SUPERGROUP, Chat.CHANNEL)
_HERE = (ChatMember.MEMBER, ChatMember.ADMINISTRATOR, ChatMember.RESTRICTED)


@dataclass(frozen=True)
class Incoming:
    """One thing that happened in one chat.

    ``what`` is ``text`` ``edit`` ``media`` ``tap`` or ``group``. ``media``: a name of content/telegram.yml, its caption in ``text``;
    ``album``: id shared by photos that were sent together. For a tap: ``data`` of the button, the ``query`` to answer, ``message_id`` and
    ``shown`` (HTML) of the message under which the button stood.
    """

    update_id: int
    chat_id: int
    what: str
    text: str = ""
    message_id: int = 0
    media: str = ""
    album: str = ""
    data: str = ""
    query: str = ""
    shown: str = ""

    def to_json(self) -> bytes:
        """Written so that :meth:`from_json` reads it."""
        return json.dumps(asdict(self)).encode()

    @classmethod
    def from_json(cls, data: bytes) -> Incoming:
        """What :meth:`to_json` wrote."""
        return cls(**json.loads(data))


def reduce_update(update: Update) -> Incoming | None:
    """What happened, or None where there is nothing to answer (service messages, live locations that move, a bot that was removed)."""
    if update.callback_query:
        query = update.callback_query
        return _tap(update.update_id, query.id, query.data or "", query.message) if query.message else None
    if update.my_chat_member:
        return _membership(update.update_id, update.my_chat_member)
    message = update.message or update.edited_message
    if message is None:
        return None
    if message.chat.type in _GROUPS:
        # A message that says that somebody left may tell that it was this bot.
        return None if message.left_chat_member else Incoming(update.update_id, message.chat.id, "group")
    if update.edited_message:
        text = message.text or message.caption
        return (
            Incoming(update.update_id, message.chat.id, "edit", text, message.message_id) if text and not message.forward_origin else None
        )
    return _message(update.update_id, message)


def salvage(update: dict[str, Any]) -> Incoming | None:
    """What somebody said in a message that cannot be read whole: a part that is of another shape than expected takes no words along.

    None where it is no message of a private chat. What has no words is something that is no text.
    """
    message = update.get("message")
    chat = message.get("chat") if isinstance(message, dict) else None
    if not isinstance(message, dict) or not isinstance(chat, dict) or chat.get("type") != Chat.PRIVATE:
        return None
    number, at, text = chat.get("id"), message.get("message_id"), message.get("text") or message.get("caption") or ""
    if not isinstance(number, int) or not isinstance(at, int) or not isinstance(text, str) or max(abs(number), abs(at)) >= 2**63:
        return None
    if "forward_origin" in message:
        return Incoming(update["update_id"], number, "media", text, at, media="forward")
    if message.get("text"):
        return Incoming(update["update_id"], number, "text", text, at)
    return Incoming(update["update_id"], number, "media", text, at, media="other")


def _tap(update_id: int, query_id: str, data: str, message: MaybeInaccessibleMessage) -> Incoming | None:
    if message.chat.type != Chat.PRIVATE:
        return None
    shown = message.text_html if isinstance(message, Message) and message.text else ""
    return Incoming(update_id, message.chat.id, "tap", message_id=message.message_id, data=data, query=query_id, shown=shown)


def _membership(update_id: int, change: ChatMemberUpdated) -> Incoming | None:
    added = change.chat.type in _GROUPS and change.new_chat_member.status in _HERE
    return Incoming(update_id, change.chat.id, "group") if added else None


def _message(update_id: int, message: Message) -> Incoming | None:
    chat, number, text = message.chat.id, message.message_id, message.text or message.caption or ""
    if message.forward_origin:
        return Incoming(update_id, chat, "media", text, number, media="forward", album=message.media_group_id or "")
    if message.text:
        return Incoming(update_id, chat, "text", text, number)
    media = next((name for field, name in _MEDIA.items() if getattr(message, field, None)), None)
    return Incoming(update_id, chat, "media", text, number, media=media, album=message.media_group_id or "") if media else None
