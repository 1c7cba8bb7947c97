"""Transcripts: what was said, redacted and sealed, for the moderators; and what becomes of it."""
