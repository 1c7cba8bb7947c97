"""Errors that are a user's or operator's to mend: the command line prints them as one line and exits with 2."""

from __future__ import annotations


class UserError(Exception):
    """Something that whoever runs the command can mend; the message is one line."""
