"""From rows to what people read: conversations and their messages, unsealed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from sqlalchemy import case, select
from sqlalchemy.orm import Session

from bot.transcripts import models
from bot.transcripts.counting import referrals_of
from bot.transcripts.errors import StoreError
from bot.transcripts.keys import Keys
from bot.transcripts.moments import moment
from bot.transcripts.views import MessageView, Note, Summary, Transcript

_OPENING_CHARACTERS = 160


def summaries(session: Session, keys: Keys, ids: Sequence[int]) -> tuple[Summary, ...]:
    """Lines of a list, in the order of the ids. One that is gone by now is left out."""
    if not ids:
        return ()
    rows = {row.id: row for row in session.execute(select(models.Conversation).where(models.Conversation.id.in_(ids))).scalars()}
    forms = _grouped(session, models.ConversationForm.conversation_id, models.ConversationForm.form, ids)
    tags = _grouped(session, models.Tag.conversation_id, models.Tag.tag, ids)
    openings = _openings(session, keys, ids)
    return tuple(_summary(rows[id_], forms[id_], tags[id_], openings.get(id_, "")) for id_ in ids if id_ in rows)


def _grouped(session: Session, conversation: Any, value: Any, ids: Sequence[int]) -> dict[int, list[str]]:
    found: dict[int, list[str]] = defaultdict(list)
    for conversation_id, item in session.execute(select(conversation, value).where(conversation.in_(ids)).order_by(value)):
        found[conversation_id].append(item)
    return found


def _openings(session: Session, keys: Keys, ids: Sequence[int]) -> dict[int, str]:
    """The beginning of the first text of the user that tells something; of the first one where none does ("hallo")."""
    typed = (models.Message.sender == "user", models.Message.kind == "text", models.Message.conversation_id.in_(ids))
    telling: Any = case((models.Message.intent == "describe", 0), else_=1)
    rows = select(models.Message.conversation_id, models.Message.sealed).where(*typed)
    rows = rows.order_by(telling.desc(), models.Message.position.desc())
    # The last one of each wins: the order is turned round for that.
    found: Any = session.execute(rows).all()
    last: dict[int, bytes] = dict(found)
    return {id_: _opened(keys, sealed) for id_, sealed in last.items()}


def _opened(keys: Keys, sealed: bytes) -> str:
    try:
        return _shortened(keys.unseal(sealed).get("text", ""))
    except StoreError:
        # One conversation under a lost key does not take the list away; who opens it is told.
        return ""


def _shortened(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _OPENING_CHARACTERS else text[:_OPENING_CHARACTERS].rsplit(" ", 1)[0] + " ..."


def _summary(row: models.Conversation, forms: Sequence[str], tags: Sequence[str], opening: str) -> Summary:
    return Summary(
        id=row.id,
        channel=row.channel,
        started_at=moment(row.started_at),
        last_at=moment(row.last_at),
        urgency=row.urgency,
        crisis=row.crisis,
        failures=row.failures,
        min_confidence=row.min_confidence,
        road=row.road,
        kind=row.kind,
        context=row.context,
        platform=row.platform,
        age_band=row.age_band,
        forms=tuple(forms),
        rating=row.rating,
        n_messages=row.n_messages,
        n_words=row.n_words,
        status=row.status,
        assigned_to=row.assigned_to,
        version=row.version,
        tags=tuple(tags),
        opening=opening,
    )


def transcript(session: Session, keys: Keys, row: models.Conversation) -> Transcript:
    """A whole conversation."""
    (summary,) = summaries(session, keys, [row.id])
    accounts: Any = session.execute(select(models.Account.id, models.Account.name)).all()
    names: dict[int | None, str] = dict(accounts)
    corrections = {item.message_id: item for item in _of(session, models.Correction, row.id)}
    verdicts = {item.message_id: item for item in _of(session, models.Verdict, row.id)}
    messages = session.execute(
        select(models.Message).where(models.Message.conversation_id == row.id).order_by(models.Message.position)
    ).scalars()
    return Transcript(
        summary=summary,
        model=row.model,
        messages=tuple(_message(keys, item, corrections.get(item.id), verdicts.get(item.id), names) for item in messages),
        notes=tuple(
            Note(note.id, moment(note.at), names.get(note.account_id), keys.unseal(note.sealed))
            for note in _of(session, models.Note, row.id)
        ),
        referrals=referrals_of(session, row.id),
    )


def _of(session: Session, table: Any, conversation_id: int) -> Sequence[Any]:
    return session.execute(select(table).where(table.conversation_id == conversation_id).order_by(table.id)).scalars().all()


def _message(
    keys: Keys, row: models.Message, correction: models.Correction | None, verdict: models.Verdict | None, names: dict[int | None, str]
) -> MessageView:
    said = keys.unseal(row.sealed)
    return MessageView(
        id=row.id,
        position=row.position,
        at=moment(row.at),
        sender=row.sender,
        kind=row.kind,
        ref=row.ref,
        text=said.get("text", ""),
        intent=row.intent,
        confidence=row.confidence,
        model=row.model,
        facets=said.get("facets") or {},
        confidences=said.get("confidences") or {},
        question=said.get("question"),
        options=tuple((title, payload) for title, payload in said.get("options") or ()),
        rules=tuple((rule, source) for rule, source in said.get("rules") or ()),
        corrected_intent=correction.intent if correction else None,
        corrected_facets=keys.unseal(correction.sealed) if correction and correction.sealed else None,
        corrected_by=names.get(correction.account_id) if correction else None,
        good=verdict.good if verdict else None,
        reason=keys.unseal(verdict.sealed) if verdict and verdict.sealed else "",
        judged_by=names.get(verdict.account_id) if verdict else None,
    )
