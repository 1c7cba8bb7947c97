"""What is known of the conversations of some turns, read in a few queries, and what is still to be written, in as few statements.

A turn changes a dozen rows of six tables. To ask and write for each by itself took an archiver more time than the bot took to answer.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.transcripts import models
from bot.transcripts.database import Database
from bot.transcripts.models import Conversation


class Known:
    """One conversation: its row, and what hangs on it; what is new there is written by :meth:`Batch.write`.

    ``referrals``: helplines that were shown, with the number of taps. ``buttons``: options of messages that are not written yet.
    """

    def __init__(self, row: Conversation, forms: Iterable[str] = (), referrals: dict[str, int] | None = None) -> None:
        self.row = row
        self.forms = list(forms)
        self.referrals = dict(referrals or {})
        self.written_forms = frozenset(self.forms)
        self.written_referrals = dict(self.referrals)
        self.buttons: list[list[tuple[str, str]]] = []
        self.placeholders: dict[str, int] | None = None
        self.highest: Counter[str] = Counter()


class Batch:
    """Of the turns of one transaction.

    Args:
        keys: of the conversations of those turns.
    """

    def __init__(self, database: Database, session: Session, keys: Iterable[str]) -> None:
        self._database = database
        self._session = session
        self._barriers: dict[str, dict[str, float]] = {}
        self._known: dict[str, Known | None] = {}
        self._rows: dict[Any, list[dict[str, Any]]] = defaultdict(list)
        self._read(set(keys))

    # --- what is known ---

    def barriers(self, key: str) -> dict[str, float]:
        """Moments up to which turns of a key are to be dropped (``erased``), or leave only counts (``refused``)."""
        self._read_anew(key)
        return self._barriers[key]

    def last(self, key: str) -> Known | None:
        """The newest conversation of a key."""
        self._read_anew(key)
        return self._known[key]

    def begin(self, row: Conversation) -> Known:
        """A new conversation."""
        self._session.add(row)
        self._session.flush()
        self._known[row.key] = known = Known(row)
        return known

    def placeholders(self, known: Known) -> dict[str, int]:
        """Numbers of what was redacted in a conversation, by token."""
        if known.placeholders is None:
            query = select(models.Placeholder).where(models.Placeholder.conversation_id == known.row.id)
            known.placeholders = {}
            for row in self._session.execute(query).scalars():
                known.placeholders[row.token] = row.number
                known.highest[row.kind] = max(known.highest[row.kind], row.number)
        return known.placeholders

    def _read_anew(self, key: str) -> None:
        if key not in self._known:
            self._read({key})

    def _read(self, keys: set[str]) -> None:
        ask = self._session.execute
        tombstones = ask(select(models.Tombstone.key, models.Tombstone.why, models.Tombstone.at).where(models.Tombstone.key.in_(keys)))
        self._barriers.update((key, {}) for key in keys)
        for key, why, at in tombstones:
            self._barriers[key][why] = at
        newest: dict[str, Conversation] = {}
        for row in ask(select(Conversation).where(Conversation.key.in_(keys)).order_by(Conversation.last_at)).scalars():
            newest[row.key] = row
        ids = [row.id for row in newest.values()]
        forms: dict[int, list[str]] = defaultdict(list)
        referrals: dict[int, dict[str, int]] = defaultdict(dict)
        if ids:
            form, referral = models.ConversationForm, models.ConversationReferral
            for id_, name in ask(select(form.conversation_id, form.form).where(form.conversation_id.in_(ids))):
                forms[id_].append(name)
            query = select(referral.conversation_id, referral.helpline, referral.tapped).where(referral.conversation_id.in_(ids))
            for id_, name, tapped in ask(query):
                referrals[id_][name] = tapped
        self._known.update((key, None) for key in keys)
        self._known.update((key, Known(row, forms[row.id], referrals[row.id])) for key, row in newest.items())

    # --- what is to be written ---

    def put(self, table: Any, rows: Iterable[dict[str, Any]]) -> None:
        """Rows that are to be written with the others."""
        self._rows[table].extend(rows)

    def write(self) -> None:
        """Write everything. What others did to a conversation meanwhile, in this transaction, is to be told with :meth:`forget`."""
        taps: list[tuple[int, str, int]] = []
        for known in filter(None, self._known.values()):
            id_ = known.row.id
            self.put(
                models.ConversationForm, ({"conversation_id": id_, "form": form} for form in known.forms if form not in known.written_forms)
            )
            for helpline, tapped in known.referrals.items():
                if helpline not in known.written_referrals:
                    self.put(models.ConversationReferral, [{"conversation_id": id_, "helpline": helpline, "tapped": tapped}])
                elif known.written_referrals[helpline] != tapped:
                    taps.append((id_, helpline, tapped))
            known.written_forms, known.written_referrals, known.buttons = frozenset(known.forms), dict(known.referrals), []
        self._session.flush()
        for table, rows in self._rows.items():
            if rows:
                insert = self._database.insert(table.__table__)
                self._session.execute(insert.on_conflict_do_nothing() if table is models.Word else insert, rows)
        self._rows.clear()
        table = models.ConversationReferral.__table__
        for id_, helpline, tapped in taps:
            self._session.execute(table.update().where(table.c.conversation_id == id_, table.c.helpline == helpline).values(tapped=tapped))

    def forget(self, key: str) -> None:
        """A key was changed past this batch, after :meth:`write`: it is read anew."""
        self._known.pop(key, None)
        self._barriers.pop(key, None)
