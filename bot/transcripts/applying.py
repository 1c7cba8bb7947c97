"""Puts turns into the database, each exactly once however often it comes, and erases what is to be erased.

Independent of how the turns come: the archiver reads them from the outbox, another transport hands them over in the same way.
"""

from __future__ import annotations

import re
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from bot.transcripts import models
from bot.transcripts.batch import Batch, Known
from bot.transcripts.counting import Count, add, forms_of, referrals_of, share_of, subtract
from bot.transcripts.database import Database
from bot.transcripts.models import Conversation
from bot.transcripts.moments import belgian
from bot.transcripts.outbox import Entry
from bot.transcripts.spelled import words_of
from bot.transcripts.turns import FIRST_NUMBER, Turn, crisis_of, failures_of, rating_of, shown_by, tapped_in, without_texts

#: Below this confidence in something that decides the advice a message counts as hardly understood. See ``benchmarks/unsure.py``.
UNSURE_BELOW = 0.35
#: Facets that decide which rules fire and which road is taken. The yes-or-no facets are only told above this confidence anyway.
_DECIDING = ("role", "kind", "context", "forms", "crisis")
#: How many messages of the bot are looked through for the button that was tapped.
_BUTTONS_WITHIN = 40

_PLACEHOLDER = re.compile(r"\[([^\[\]\s-]+)-(\d{6,7})\]")
_TOLD = ("road", "kind", "context", "platform", "age_band")
_SHAPE = {"intent": 40, "ref": 80}
_SEALED = ("text", "facets", "confidences", "question", "options", "rules", "payload")


class Applier:
    """Applies entries in a transaction that the caller opens.

    Args:
        pause: seconds after which somebody who comes back begins another conversation.
    """

    def __init__(self, database: Database, pause: float) -> None:
        self._database = database
        self._keys = database.keys
        self._pause = pause

    def apply(self, entries: Sequence[Entry], session: Session) -> int:
        """Take in entries, in order; returns how many were new.

        Raises:
            StoreError: one cannot be opened with the keys that are set. SQLAlchemyError: the database refuses.
        """
        keys = {entry.key for entry in entries}
        # Two who apply turns of one conversation at once wait for each other; in one order, so that neither waits for ever.
        self._database.lock(session, *sorted(int(key[:15], 16) for key in keys))
        counts: dict[str, Counter[Count]] = defaultdict(Counter)
        known = set(session.execute(select(models.Applied.id).where(models.Applied.id.in_([entry.id for entry in entries]))).scalars())
        batch = Batch(self._database, session, keys)
        fresh: list[dict[str, Any]] = []
        erased = 0
        for entry in entries:
            if entry.what == "erase":
                batch.write()
                erased += self._erase(entry, session, counts)
                batch.forget(entry.key)
            elif entry.sealed is not None and entry.id not in known:
                known.add(entry.id)
                fresh.append({"id": entry.id, "at": time.time()})
                self._take(self._keys.unseal(entry.sealed), session, batch, counts)
        batch.write()
        if fresh:
            session.execute(models.Applied.__table__.insert(), fresh)
        add(session, self._database, counts)
        return len(fresh) + erased

    # --- one turn ---

    def _take(self, turn: Turn, session: Session, batch: Batch, counts: dict[str, Counter[Count]]) -> None:
        barriers = batch.barriers(turn["key"])
        if turn["at"] <= barriers.get("erased", 0.0):
            return
        refused_at = barriers.get("refused")
        refused_before = refused_at is not None and turn["at"] <= refused_at + self._pause
        if turn["refused"] or refused_before:
            batch.write()
            self._take_refused(without_texts(turn), session, counts, refused_before)
            batch.forget(turn["key"])
        else:
            self._take_open(turn, batch, session, counts)

    def _take_refused(self, turn: Turn, session: Session, counts: dict[str, Counter[Count]], again: bool) -> None:
        """Nobody may read it: what there was goes, counts stay."""
        started = belgian(turn["at"])
        counted = counts[started.date().isoformat()]
        if not again:
            self._forget_marks(turn["key"], session)
            self._mark_share(turn, session)
            counted["refused", ""] += 1
            if not self._remove(turn["key"], "refused", session):
                counted.update(Counter({("conversation", ""): 1, ("channel", _channel(turn)): 1, ("hour", str(started.hour)): 1}))
        told = {**turn["told"], "crisis": crisis_of(turn)}
        found: list[Count] = [(figure, told[figure]) for figure in ("road", "context", "platform", "crisis") if told.get(figure)]
        found += [("shown", helpline) for helpline in shown_by(turn)] + [("tapped", helpline) for helpline in tapped_in(turn)]
        found += [("failed", "")] if failures_of(turn) else []
        rating = rating_of(turn)
        found += [("helpful" if rating else "not_helpful", "")] if rating is not None else []
        counted.update(self._not_marked(turn["key"], found, turn["at"], session))
        self._set_barrier(turn["key"], "refused", turn["at"], session)

    # What a conversation that nobody may read has added to the counts is remembered by keyed hashes, so that it is not added twice. They
    # stand among the tombstones, each in a row of its own: nobody without the key can tell which belong together.

    def _not_marked(self, key: str, found: Iterable[Count], at: float, session: Session) -> set[Count]:
        """Those of the counts that the conversation has not added yet; they are marked."""
        marks = {self._mark(key, count): count for count in reversed(list(found))}
        known = select(models.Tombstone.key).where(models.Tombstone.why == "counted", models.Tombstone.key.in_(marks))
        for mark in session.execute(known).scalars().all():
            del marks[mark]
        if marks:
            session.execute(models.Tombstone.__table__.insert(), [{"key": mark, "why": "counted", "at": at} for mark in marks])
        return set(marks.values())

    def _mark(self, key: str, count: Count) -> str:
        # One conversation is helpful or not, whatever is said first.
        return self._keys.placeholder(key, "counted", "\0".join(("rated", "") if count[0] in ("helpful", "not_helpful") else count))

    def _mark_share(self, turn: Turn, session: Session) -> None:
        """The conversation has been open until now: what it has added to the counts is marked."""
        row = self._last(turn["key"], session)
        if row is not None and turn["at"] - row.last_at <= self._pause:
            self._not_marked(turn["key"], share_of(row, forms_of(session, row.id), referrals_of(session, row.id)), turn["at"], session)

    def _forget_marks(self, key: str, session: Session) -> None:
        """Remove the marks of a key: its hashes are made anew from all counts that there are."""
        counts = session.execute(select(models.DailyCount.figure, models.DailyCount.value).distinct()).all()
        marks = {self._mark(key, (figure, value)) for figure, value in counts}
        found = (models.Tombstone.why == "counted", models.Tombstone.key.in_(marks))
        session.execute(delete(models.Tombstone).where(*found).execution_options(synchronize_session=False))

    def _take_open(self, turn: Turn, batch: Batch, session: Session, counts: dict[str, Counter[Count]]) -> None:
        known = self._conversation(turn, batch)
        if known is None:
            return
        row = known.row
        before = share_of(row, known.forms, known.referrals) if row.n_messages else Counter()
        self._add_messages(turn, known, batch, session)
        self._update(turn, row)
        known.forms += [form for form in dict.fromkeys(turn["told"].get("forms") or ()) if form not in known.forms]
        _add_referrals(turn, known)
        counts[row.day].update(share_of(row, known.forms, known.referrals))
        counts[row.day].subtract(before)

    @staticmethod
    def _last(key: str, session: Session) -> Conversation | None:
        query = select(Conversation).where(Conversation.key == key).order_by(Conversation.last_at.desc()).limit(1)
        found: Conversation | None = session.execute(query).scalar_one_or_none()
        return found

    def _conversation(self, turn: Turn, batch: Batch) -> Known | None:
        """The conversation that goes on, or a new one; None for feedback on a conversation that is gone."""
        known = batch.last(turn["key"])
        only_feedback = all(message["kind"] == "feedback" for message in turn["messages"])
        if only_feedback or (known is not None and turn["at"] - known.row.last_at <= self._pause):
            return known
        started = belgian(turn["at"])
        row = Conversation(
            key=turn["key"],
            channel=_channel(turn),
            started_at=turn["at"],
            last_at=turn["at"],
            day=started.date().isoformat(),
            hour=started.hour,
            urgency=models.URGENCY_NONE,
            failures=0,
            n_messages=0,
            n_user_messages=0,
            n_words=0,
            status="new",
        )
        return batch.begin(row)

    @staticmethod
    def _update(turn: Turn, row: Conversation) -> None:
        """What the list shows of a conversation, after another turn."""
        for column in _TOLD:
            if turn["told"].get(column):
                setattr(row, column, turn["told"][column])
        row.model = turn["model"] or row.model
        row.last_at = max(row.last_at, turn["at"])
        row.crisis = row.crisis or crisis_of(turn)
        row.failures += failures_of(turn)
        rating = rating_of(turn)
        row.rating = row.rating if rating is None else rating
        typed = [message for message in turn["messages"] if (message["sender"], message["kind"]) == ("user", "text")]
        sure = [chance for message in typed for chance in confidences_of(message)]
        row.min_confidence = min((*sure, *([row.min_confidence] if row.min_confidence is not None else [])), default=None)
        row.n_messages += len(turn["messages"])
        row.n_user_messages += sum(message["sender"] == "user" for message in turn["messages"])
        row.n_words += sum(len(message["text"].split()) for message in typed)
        row.urgency = urgency(row)
        if typed and row.status in ("seen", "done"):
            # Something was said that nobody has read yet.
            row.status = "new"

    def _add_messages(self, turn: Turn, known: Known, batch: Batch, session: Session) -> None:
        row = known.row
        numbers = _numbers(turn["tokens"], known, batch)
        rows: list[dict[str, Any]] = []
        words: set[int] = set()
        for position, message in enumerate(turn["messages"], start=row.n_messages):
            sealed = {name: message[name] for name in _SEALED if message.get(name)}
            if message["kind"] == "text" and message["sender"] == "user":
                sealed["text"] = message["text"] = _numbered(message["text"], numbers)
                words.update(self._keys.word(word) for word in words_of(message["text"]))
            elif message["kind"] == "tap":
                sealed["text"] = self._label(message["payload"], known, session)
            rows.append(
                {
                    "conversation_id": row.id,
                    "position": position,
                    "at": message["at"],
                    "sender": message["sender"],
                    "kind": message["kind"],
                    "confidence": message.get("confidence"),
                    "model": turn["model"] if message["sender"] == "user" else None,
                    "sealed": self._keys.seal(sealed),
                    **{name: (message.get(name) or "")[:most] or None for name, most in _SHAPE.items()},
                }
            )
            if message["sender"] == "bot":
                known.buttons.append(message.get("options") or [])
        batch.put(models.Message, rows)
        batch.put(models.Word, ({"word": word, "conversation_id": row.id} for word in sorted(words)))

    def _label(self, payload: str, known: Known, session: Session) -> str:
        """What stood on the button that was tapped; empty where it is not found."""
        for options in islice(chain(reversed(known.buttons), self._written_buttons(known, session)), _BUTTONS_WITHIN):
            for title, meant in options:
                if meant == payload:
                    return str(title)
        return ""

    def _written_buttons(self, known: Known, session: Session) -> Iterator[list[tuple[str, str]]]:
        """Buttons of each message of the bot that is in the database, the newest first; nothing is read before the first is wanted."""
        said = (models.Message.conversation_id == known.row.id, models.Message.sender == "bot")
        query = select(models.Message.sealed).where(*said).order_by(models.Message.position.desc()).limit(_BUTTONS_WITHIN)
        for sealed in session.execute(query).scalars():
            yield self._keys.unseal(sealed).get("options") or []

    # --- taking away ---

    def _erase(self, entry: Entry, session: Session, counts: dict[str, Counter[Count]]) -> int:
        # What was counted in this batch has to be in the counts before it can be taken away from them.
        add(session, self._database, counts)
        counts.clear()
        rows = (
            session.execute(select(Conversation).where(Conversation.key == entry.key, Conversation.started_at <= entry.at)).scalars().all()
        )
        subtract(session, self._database, rows)
        removed = self._remove(entry.key, "erased", session, entry.at)
        self._forget_marks(entry.key, session)
        self._set_barrier(entry.key, "erased", entry.at, session)
        return removed

    def _remove(self, key: str, why: str, session: Session, until: float | None = None) -> int:
        """Remove the conversations of a key, with all that hangs on them, and log how many; returns how many."""
        session.flush()
        chosen = [Conversation.key == key, *([Conversation.started_at <= until] if until is not None else [])]
        found = session.execute(select(func.count(), func.sum(Conversation.n_messages)).where(*chosen)).one()
        if not found[0]:
            return 0
        session.execute(delete(Conversation).where(*chosen).execution_options(synchronize_session=False))
        session.expire_all()
        session.add(models.Removal(at=time.time(), why=why, conversations=found[0], messages=int(found[1] or 0)))
        return int(found[0])

    def _set_barrier(self, key: str, why: str, at: float, session: Session) -> None:
        insert = self._database.insert(models.Tombstone).values(key=key, why=why, at=at)
        later = {"at": insert.excluded.at}
        session.execute(
            insert.on_conflict_do_update(index_elements=["key", "why"], set_=later, where=models.Tombstone.at < insert.excluded.at)
        )


def confidences_of(message: Mapping[str, Any]) -> list[float]:
    """How sure the bot was of what it took from a typed message and answered by: what it does, and the facets that it tells."""
    facets, given = message.get("facets") or {}, message.get("confidences") or {}
    found = [message.get("confidence")]
    for facet in _DECIDING:
        value = facets.get(facet)
        if facet == "forms":
            found += [(given.get("forms") or {}).get(form) for form in value or ()]
        elif value not in (None, "none"):
            found.append(given.get(facet))
    return [float(chance) for chance in found if chance is not None]


def urgency(row: Conversation) -> int:
    """Place in the queue: crisis, then bot failed, then hardly understood."""
    if row.crisis:
        return models.URGENCY_CRISIS
    if row.failures:
        return models.URGENCY_FAILED
    if row.min_confidence is not None and row.min_confidence < UNSURE_BELOW:
        return models.URGENCY_UNSURE
    return models.URGENCY_NONE


def _numbers(tokens: Sequence[Sequence[str]], known: Known, batch: Batch) -> list[int]:
    """The numbers that the tokens of a turn have in the conversation; new ones get the next number of their kind."""
    if not tokens:
        return []
    placeholders = batch.placeholders(known)
    for kind, token in tokens:
        if token not in placeholders:
            known.highest[kind] += 1
            placeholders[token] = number = known.highest[kind]
            batch.put(models.Placeholder, [{"conversation_id": known.row.id, "token": token, "kind": kind, "number": number}])
    return [placeholders[token] for _kind, token in tokens]


def _add_referrals(turn: Turn, known: Known) -> None:
    for helpline in shown_by(turn):
        known.referrals.setdefault(helpline[:60], 0)
    # Taps on what was shown; an id of anything else counts for nothing.
    for helpline in tapped_in(turn):
        if helpline in known.referrals:
            known.referrals[helpline] += 1


def _channel(turn: Turn) -> str:
    return str(turn["channel"] or "")[:20]


def _numbered(text_: str, numbers: Sequence[int]) -> str:
    """Provisional numbers of placeholders replaced by those of the conversation."""

    def number(found: re.Match[str]) -> str:
        place = int(found[2]) - FIRST_NUMBER
        return f"[{found[1]}-{numbers[place]}]" if 0 <= place < len(numbers) else found[0]

    return _PLACEHOLDER.sub(number, text_)
