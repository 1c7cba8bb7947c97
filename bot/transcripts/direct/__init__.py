"""Direct identifiers: what names a person by its form alone (numbers, addresses, accounts), found by patterns and check digits.

Every finder reads a :class:`PlainText` and yields spans of that plain text. Numbers are read generously: eight digits that begin like
a telephone number are one, in whatever layout, and nine digits in a row are personal whatever they are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from bot.transcripts.direct.accounts import accounts
from bot.transcripts.direct.addresses import street_addresses
from bot.transcripts.direct.birth_dates import birth_dates, harmless_dates
from bot.transcripts.direct.handles import handles
from bot.transcripts.direct.identity import identity_numbers, named_numbers
from bot.transcripts.direct.mails import mails
from bot.transcripts.direct.phones import phones
from bot.transcripts.direct.plates import plates
from bot.transcripts.direct.web import web_addresses
from bot.transcripts.kinds import Found, Kind
from bot.transcripts.plain_text import PlainText

Finder = Callable[[PlainText], Iterator[Found]]

#: In the order of their authority: a span that an earlier one takes is not looked at by a later one.
FINDERS: tuple[tuple[Kind, Finder], ...] = (
    ("MAIL", mails),
    ("WEB", web_addresses),
    ("REKENING", accounts),
    ("GEBOORTEDATUM", birth_dates),
    ("NUMMER", identity_numbers),
    ("TELEFOON", phones),
    ("NUMMER", named_numbers),
    ("NUMMERPLAAT", plates),
    ("ADRES", street_addresses),
    ("GEBRUIKER", handles),
)

__all__ = ["FINDERS", "harmless_dates"]
