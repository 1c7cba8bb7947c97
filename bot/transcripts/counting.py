"""Daily counts: what the figures are made of. They hold no conversation, so they stay when conversations go.

What a conversation adds to them follows from its row (:func:`share_of`): when the row changes, the difference is added, and when somebody
erases the conversation, its share is taken away again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from bot.transcripts.database import Database
from bot.transcripts.models import Conversation, ConversationForm, ConversationReferral, DailyCount

#: A figure and the value that it counts; values are empty for figures that are one number.
Count = tuple[str, str]


def share_of(row: Conversation, forms: Iterable[str], referrals: Mapping[str, int]) -> Counter[Count]:
    """What one conversation adds to the counts of the day on which it began.

    Args:
        referrals: helplines that were shown, with the number of taps.
    """
    share: Counter[Count] = Counter({("conversation", ""): 1, ("channel", row.channel): 1, ("hour", str(row.hour)): 1})
    for figure, value in (("road", row.road), ("context", row.context), ("platform", row.platform), ("crisis", row.crisis)):
        if value:
            share[figure, value] = 1
    share.update(Counter({("form", form): 1 for form in forms}))
    share.update(Counter({("shown", helpline): 1 for helpline in referrals}))
    share.update(Counter({("tapped", helpline): 1 for helpline, taps in referrals.items() if taps}))
    if row.failures:
        share["failed", ""] = 1
    if row.rating is not None:
        share["helpful" if row.rating else "not_helpful", ""] = 1
    return share


def add(session: Session, database: Database, by_day: Mapping[str, Mapping[Count, int]]) -> None:
    """Add to the counts of days; what comes to nothing is removed."""
    # In one order everywhere, so that two who add at once wait for each other instead of both waiting.
    rows = sorted((day, figure, value, n) for day, counts in by_day.items() for (figure, value), n in counts.items() if n)
    if rows:
        insert = database.insert(DailyCount.__table__)
        more = insert.on_conflict_do_update(index_elements=["day", "figure", "value"], set_={"n": DailyCount.n + insert.excluded.n})
        session.execute(more, [{"day": day, "figure": figure, "value": value[:60], "n": n} for day, figure, value, n in rows])
    if any(n < 0 for *_name, n in rows):
        session.execute(delete(DailyCount).where(DailyCount.day.in_({day for day, *_rest in rows}), DailyCount.n <= 0))


def subtract(session: Session, database: Database, conversations: Iterable[Conversation]) -> None:
    """Take away what conversations added: for those that are erased."""
    by_day: dict[str, Counter[Count]] = {}
    for row in conversations:
        share = share_of(row, forms_of(session, row.id), referrals_of(session, row.id))
        by_day.setdefault(row.day, Counter()).subtract(share)
    add(session, database, by_day)


def forms_of(session: Session, conversation_id: int) -> list[str]:
    """Forms of a conversation."""
    query = select(ConversationForm.form).where(ConversationForm.conversation_id == conversation_id)
    return list(session.execute(query).scalars())


def referrals_of(session: Session, conversation_id: int) -> dict[str, int]:
    """Helplines that were shown in a conversation, with the number of taps."""
    query = select(ConversationReferral.helpline, ConversationReferral.tapped)
    rows = session.execute(query.where(ConversationReferral.conversation_id == conversation_id)).all()
    return {str(helpline): int(tapped) for helpline, tapped in rows}
