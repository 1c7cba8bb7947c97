"""Migrations of the tables, run by :meth:`bot.transcripts.database.Database.migrate`."""
