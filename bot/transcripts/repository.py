"""What the console does with conversations: list, read, correct, note, assign, count.

Every change names its actor and is written to the audit log in the same transaction. Nothing here returns a text that was not redacted.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from bot.transcripts import audit, models, opening
from bot.transcripts.counting import subtract
from bot.transcripts.database import Database
from bot.transcripts.errors import Conflict, NotFound, StoreError, WrongValue
from bot.transcripts.figures import read_figures
from bot.transcripts.filters import ORDERS, Filters, Wanted, beyond, count_up_to, order_by, wanted_by
from bot.transcripts.held import among, first_among
from bot.transcripts.redaction import redact
from bot.transcripts.views import Figures, MessageView, Note, Page, SavedView, Summary, Transcript
from bot.wegwijzer.situation import SituationError, parse_situation
from bot.wegwijzer.vocabulary import CONCERN, FACETS, LABELS

__all__ = [
    "ORDERS",
    "Conflict",
    "Figures",
    "Filters",
    "MessageView",
    "NotFound",
    "Note",
    "Page",
    "Repository",
    "SavedView",
    "Summary",
    "Transcript",
    "WrongValue",
]  # fmt: skip

MAX_PAGE_SIZE = 200
_LONGEST_NOTE = 4000
_LONGEST_REASON = 1000
_LONGEST_TAG = 40
_LONGEST_NAME = 80

_NOTHING = Filters()


class Repository:
    """The store as the console uses it. Methods may be called from any thread; each is one transaction.

    Raises (all methods that take an id): NotFound. All methods that take a value: WrongValue, with one line. All that take a ``version``:
    Conflict when the conversation is another version by now; None does not ask. They return the new version.
    """

    #: Totals are counted up to here.
    COUNTED = 10_000

    def __init__(self, database: Database) -> None:
        self._database = database
        self._keys = database.keys

    # --- reading ---

    def list(self, filters: Filters = _NOTHING, order: str = "urgency", page: int = 1, size: int = 50) -> Page:
        """A page of the conversations that fit; pages count from 1. ``more``: there are more than ``COUNTED``."""
        with self._database.reading() as session:
            return self._page(session, wanted_by(filters, session, self._keys), order, page, size)

    def list_around(
        self, conversation_id: int, filters: Filters = _NOTHING, order: str = "urgency", page: int = 1, size: int = 50
    ) -> tuple[Page, int | None, int | None]:
        """A page of a list, and the neighbours in that list of a conversation that may stand on another page of it, or no longer in it."""
        with self._database.reading() as session:
            wanted = wanted_by(filters, session, self._keys)
            return self._page(session, wanted, order, page, size), *self._neighbours(session, wanted, order, conversation_id)

    def _page(self, session: Session, wanted: Wanted, order: str, page: int, size: int) -> Page:
        page, size = max(1, page), min(max(1, size), MAX_PAGE_SIZE)
        held = wanted.to_compare
        # Only what lies in the index is walked over; the rows are fetched for the page alone.
        ids, first = wanted.query().order_by(*order_by(order)), (page - 1) * size
        if held is None:
            found = list(session.execute(ids.limit(size).offset(first)).scalars())
            total = count_up_to(session, wanted, self.COUNTED)
        elif wanted.conditions:
            fit = among(session, ids, held)
            found, total = fit[first : first + size].tolist(), len(fit)
        else:
            found, total = first_among(session, ids, held, first + size)[first:], int(np.unique(held).size)
        items = opening.summaries(session, self._keys, found)
        return Page(items, min(total, self.COUNTED), total > self.COUNTED, page, size)

    def status_counts(self) -> dict[str, int]:
        """Number of conversations by status."""
        return self._counts_by(models.Conversation.status, models.STATUSES)

    def urgency_counts(self, status: str = "new") -> dict[int, int]:
        """Number of conversations of a status, by urgency."""
        urgencies = (models.URGENCY_CRISIS, models.URGENCY_FAILED, models.URGENCY_UNSURE, models.URGENCY_NONE)
        return self._counts_by(models.Conversation.urgency, urgencies, models.Conversation.status == status)

    def _counts_by(self, column: Any, values: Sequence[Any], *wanted: Any) -> dict[Any, int]:
        with self._database.reading() as session:
            rows: Any = session.execute(select(column, func.count()).where(*wanted).group_by(column)).all()
        return {**dict.fromkeys(values, 0), **dict(rows)}

    def values(self, column: str) -> Sequence[str]:
        """Values that occur of ``channel``, ``platform`` or ``tag``, for the choices of a filter."""
        columns = {"channel": models.Conversation.channel, "platform": models.Conversation.platform, "tag": models.Tag.tag}
        if column not in columns:
            raise WrongValue(f"there is no list of values of {column!r}")
        chosen = columns[column]
        with self._database.reading() as session:
            return [str(value) for value in session.execute(select(chosen).distinct().order_by(chosen)).scalars() if value is not None]

    def read(self, conversation_id: int, actor: str) -> Transcript:
        """A whole conversation. That it was read is logged (see :func:`audit.append_look`); a ``new`` one becomes ``seen``."""
        with self._database.writing() as session:
            row = self._conversation(session, conversation_id)
            if row.status == "new":
                row.status = "seen"
            subject = f"conversation {conversation_id}"
            audit.append_look(session, self._database, actor, "read", subject=subject, since=row.last_at)
            session.flush()
            return opening.transcript(session, self._keys, row)

    def neighbours(self, conversation_id: int, filters: Filters = _NOTHING, order: str = "urgency") -> tuple[int | None, int | None]:
        """Ids of the conversations before and after this one in a list; None at its ends."""
        with self._database.reading() as session:
            return self._neighbours(session, wanted_by(filters, session, self._keys), order, conversation_id)

    def _neighbours(self, session: Session, wanted: Wanted, order: str, conversation_id: int) -> tuple[int | None, int | None]:
        order_by(order)
        row = session.get(models.Conversation, conversation_id)
        if row is None:
            raise NotFound("there is no such conversation")
        held = wanted.to_compare
        found = []
        for after in (False, True):
            further, nearest = beyond(order, row, after)
            query = wanted.query(further=[further]).order_by(*nearest)
            near = session.execute(query.limit(1)).scalars() if held is None else first_among(session, query, held, 1)
            found.append(next(iter(near), None))
        return found[0], found[1]

    def figures(self, since: dt.date, until: dt.date) -> Figures:
        """Counts over days, both included."""
        if until < since:
            raise WrongValue("the last day comes before the first")
        with self._database.reading() as session:
            return read_figures(session, since, until)

    # --- moderating ---

    def set_status(self, conversation_id: int, status: str, actor: str, version: int | None = None) -> int:
        """One of ``models.STATUSES``."""
        if status not in models.STATUSES:
            raise WrongValue(f"a status is one of {', '.join(models.STATUSES)}")

        def change(_session: Session, row: models.Conversation) -> str:
            before, row.status = row.status, status
            return f"{before} to {status}"

        return self._change(conversation_id, version, actor, "status changed", change)

    def assign(self, conversation_id: int, account_id: int | None, actor: str, version: int | None = None) -> int:
        """Give it to somebody, or to nobody."""

        def change(session: Session, row: models.Conversation) -> str:
            if account_id is not None and session.get(models.Account, account_id) is None:
                raise NotFound("there is no such account")
            row.assigned_to = account_id
            return f"to account {account_id}" if account_id is not None else "to nobody"

        return self._change(conversation_id, version, actor, "assigned", change)

    def add_tag(self, conversation_id: int, tag: str, actor: str, version: int | None = None) -> int:
        """A tag is 1 to 40 characters; lower case, spaces around it go. One that is there stays."""
        tag = _cleaned_tag(tag)

        def change(session: Session, row: models.Conversation) -> str:
            session.execute(self._database.insert(models.Tag).values(conversation_id=row.id, tag=tag).on_conflict_do_nothing())
            return tag

        return self._change(conversation_id, version, actor, "tag added", change)

    def remove_tag(self, conversation_id: int, tag: str, actor: str, version: int | None = None) -> int:
        """One that is not there is no error."""
        tag = _cleaned_tag(tag)

        def change(session: Session, row: models.Conversation) -> str:
            session.execute(delete(models.Tag).where(models.Tag.conversation_id == row.id, models.Tag.tag == tag))
            return tag

        return self._change(conversation_id, version, actor, "tag removed", change)

    def add_note(self, conversation_id: int, text: str, account_id: int, actor: str) -> int:
        """A private note, 1 to 4,000 characters, redacted like a message; returns its id."""
        text = text.strip()
        if not 1 <= len(text) <= _LONGEST_NOTE:
            raise WrongValue(f"a note has 1 to {_LONGEST_NOTE} characters")
        note = models.Note(account_id=account_id, at=time.time(), sealed=self._keys.seal(_redacted(text)))

        def change(session: Session, row: models.Conversation) -> str:
            note.conversation_id = row.id
            session.add(note)
            session.flush()
            return f"note {note.id}"

        self._change(conversation_id, None, actor, "note added", change)
        return int(note.id)

    def remove_note(self, note_id: int, actor: str) -> None:
        """Remove a note."""
        with self._database.writing() as session:
            note = session.get(models.Note, note_id)
            if note is None:
                raise NotFound("there is no such note")
            audit.append(
                session, self._database, actor, "note removed", subject=f"conversation {note.conversation_id}", detail=f"note {note_id}"
            )
            session.delete(note)

    def correct(
        self,
        message_id: int,
        intent: str | None,
        facets: Mapping[str, Any] | None,
        *,
        account_id: int,
        actor: str,
        version: int | None = None,
    ) -> int:
        """What a user's text means. ``None`` leaves what the bot read; both None takes the correction back.

        ``facets`` are all that the message tells (what is not in it, is not told); values of ``bot.wegwijzer.vocabulary``.
        """
        told = None if facets is None else checked_facets(facets)
        if intent is not None and not (intent.replace("_", "").isalnum() and intent.islower() and len(intent) <= 40):
            raise WrongValue("that is not the name of an intent")

        def change(session: Session, row: models.Conversation) -> str:
            message = session.get(models.Message, message_id)
            if message is None or (message.sender, message.kind) != ("user", "text"):
                raise WrongValue("only a text of the user can be corrected")
            session.execute(delete(models.Correction).where(models.Correction.message_id == message_id))
            if intent is None and told is None:
                return f"message {message_id}: taken back"
            sealed = None if told is None else self._keys.seal(told)
            given = {"message_id": message_id, "conversation_id": row.id, "account_id": account_id}
            session.add(models.Correction(intent=intent, sealed=sealed, at=time.time(), **given))
            return f"message {message_id}"

        return self._change(self._conversation_of(message_id), version, actor, "corrected", change)

    def judge(self, message_id: int, good: bool | None, reason: str, *, account_id: int, actor: str, version: int | None = None) -> int:
        """ "This was a good answer", or wrong because; ``None`` takes it back. Reason up to 1,000 characters."""
        reason = reason.strip()
        if len(reason) > _LONGEST_REASON:
            raise WrongValue(f"a reason has at most {_LONGEST_REASON} characters")

        def change(session: Session, row: models.Conversation) -> str:
            session.execute(delete(models.Verdict).where(models.Verdict.message_id == message_id))
            if good is None:
                return f"message {message_id}: taken back"
            sealed = self._keys.seal(_redacted(reason)) if reason else None
            given = {"message_id": message_id, "conversation_id": row.id, "account_id": account_id}
            session.add(models.Verdict(good=good, sealed=sealed, at=time.time(), **given))
            return f"message {message_id}: {'good' if good else 'wrong'}"

        return self._change(self._conversation_of(message_id), version, actor, "judged", change)

    def erase(self, conversation_id: int, actor: str) -> None:
        """Remove one conversation with all that hangs on it, for somebody who asks for that in another way than in the chat."""
        with self._database.writing() as session:
            row = self._conversation(session, conversation_id)
            subtract(session, self._database, [row])
            messages, id_ = int(row.n_messages), int(row.id)
            session.add(models.Removal(at=time.time(), why="console", conversations=1, messages=messages))
            session.execute(delete(models.Conversation).where(models.Conversation.id == id_))
            audit.append(session, self._database, actor, "erased", subject=f"conversation {id_}")

    # --- saved views ---

    def views(self, account_id: int) -> Sequence[SavedView]:
        """One's own and shared ones, by name. One whose filters are of an older kind is left out."""
        query = select(models.SavedView).where((models.SavedView.account_id == account_id) | models.SavedView.shared)
        found = []
        with self._database.reading() as session:
            for row in session.execute(query.order_by(models.SavedView.name)).scalars():
                try:
                    told = dict(self._keys.unseal(row.sealed))
                    order = told.pop("order", ORDERS[0])
                    order_by(order)
                    filters = Filters.from_dict(told)
                except (WrongValue, StoreError):
                    continue
                found.append(SavedView(row.id, row.account_id, row.name, filters, order, row.shared))
        return found

    def save_view(self, account_id: int, name: str, filters: Filters, order: str, *, shared: bool, actor: str) -> int:
        """Keep filters and an order under a name of 1 to 80 characters; one's own of the same name is replaced."""
        order_by(order)
        name = " ".join(name.split())
        if not 1 <= len(name) <= _LONGEST_NAME:
            raise WrongValue(f"a name has 1 to {_LONGEST_NAME} characters")
        with self._database.writing() as session:
            if session.get(models.Account, account_id, with_for_update=True) is None:
                raise NotFound("there is no such account")
            own = models.SavedView.account_id == account_id
            row = session.execute(select(models.SavedView).where(own, models.SavedView.name == name)).scalar_one_or_none()
            row = row or models.SavedView(account_id=account_id, name=name)
            row.sealed, row.shared = self._keys.seal({**filters.to_dict(), "order": order}), shared
            session.add(row)
            session.flush()
            audit.append(session, self._database, actor, "view saved", subject=f"view {row.id}", detail="shared" if shared else "")
            return int(row.id)

    def remove_view(self, view_id: int, account_id: int, actor: str) -> None:
        """Remove one's own view."""
        with self._database.writing() as session:
            row = session.get(models.SavedView, view_id)
            if row is None or row.account_id != account_id:
                raise NotFound("there is no such view")
            session.delete(row)
            audit.append(session, self._database, actor, "view removed", subject=f"view {view_id}")

    # --- inside ---

    def _conversation(self, session: Session, conversation_id: int) -> models.Conversation:
        row = session.get(models.Conversation, conversation_id, with_for_update=True)
        if row is None:
            raise NotFound("there is no such conversation (any more)")
        return row

    def _conversation_of(self, message_id: int) -> int:
        with self._database.reading() as session:
            found = session.execute(select(models.Message.conversation_id).where(models.Message.id == message_id)).scalar()
        if found is None:
            raise NotFound("there is no such message (any more)")
        return int(found)

    def _change(
        self,
        conversation_id: int,
        version: int | None,
        actor: str,
        action: str,
        change: Callable[[Session, models.Conversation], str],
    ) -> int:
        """One change of one conversation: its version is asked for and counted up, and it is audited."""
        with self._database.writing() as session:
            row = self._conversation(session, conversation_id)
            if version is not None and row.version != version:
                raise Conflict("somebody else changed this conversation in the meantime")
            detail = change(session, row)
            row.version += 1
            audit.append(session, self._database, actor, action, subject=f"conversation {conversation_id}", detail=detail)
            return int(row.version)


def checked_facets(facets: Mapping[str, Any]) -> dict[str, Any]:
    """Facets of a message, as training data has them: only what is told.

    Raises:
        WrongValue: a facet or value that does not exist.
    """
    unknown = set(facets) - set(LABELS)
    if unknown:
        raise WrongValue(f"{sorted(unknown)[0]!r} is no facet")
    concern = facets.get(CONCERN)
    if concern is not None and not isinstance(concern, bool):
        raise WrongValue(f"{CONCERN} is true or false")
    try:
        situation = parse_situation({name: value for name, value in facets.items() if name != CONCERN and value not in (None, [], ())})
    except SituationError as error:
        raise WrongValue(str(error)) from None
    told = {name: value for name, value in situation.to_dict().items() if name in FACETS and value not in (None, [])}
    told |= {CONCERN: False} if concern is False else {}
    return {name: value for name, value in told.items() if (name, value) != ("crisis", "none")}


def _cleaned_tag(tag: str) -> str:
    tag = " ".join(tag.lower().split())
    if not 1 <= len(tag) <= _LONGEST_TAG:
        raise WrongValue(f"a tag has 1 to {_LONGEST_TAG} characters")
    return tag


def _redacted(text: str) -> str:
    """A moderator's text without names and numbers; each is numbered within this text only."""
    numbers: dict[tuple[str, str], int] = {}
    return redact(text, lambda kind, key: numbers.setdefault((kind, key), 1 + sum(known == kind for known, _key in numbers)))
