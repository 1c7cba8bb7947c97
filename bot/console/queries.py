"""What the console asks of the store beyond the repository."""

from __future__ import annotations

from bot.transcripts import models
from bot.transcripts.database import Database
from bot.transcripts.errors import NotFound
from bot.transcripts.opening import transcript
from bot.transcripts.repository import Transcript


def look_again(database: Database, conversation_id: int) -> Transcript:
    """A conversation that is open before the one who asks: the repository logged when it was opened, this is no second look."""
    with database.reading() as session:
        row = session.get(models.Conversation, conversation_id)
        if row is None:
            raise NotFound("there is no such conversation")
        return transcript(session, database.keys, row)
