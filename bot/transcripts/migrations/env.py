"""Runs migrations on the connection that :meth:`bot.transcripts.database.Database.migrate` hands over."""

from __future__ import annotations

from alembic import context

import bot.console.models  # noqa: F401 (its tables are in the same database)
from bot.transcripts.models import Base

context.configure(connection=context.config.attributes["connection"], target_metadata=Base.metadata, compare_type=True)
context.run_migrations()
