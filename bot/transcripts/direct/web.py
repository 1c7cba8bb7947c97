"""Web addresses."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bot.transcripts.direct.common import SURE_TLDS
from bot.transcripts.kinds import Found
from bot.transcripts.plain_text import PlainText
from bot.transcripts.wordlists import Public, public

_URL = re.compile(
    r"(?:https?|hxxps?|ftp)\s?:\s?/\s?/\s?[^\s<>\"']+"
    r"|\bwww\d?(?:\s?\.\s?|\s+punt\s+|\s+dot\s+)[^\s<>\"']+(?:(?:\s+(?:punt|dot)\s+|\s\.\s)[a-z0-9-]+)*"
)
_HOST = re.compile(r"(?<![\w@.-])((?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+([a-z]{2,12}))(?::\d{2,5})?(?![\w@-])(/[^\s<>\"']*)?")
_SPOKEN_HOST = re.compile(
    r"(?<![\w@.-])[a-z0-9][a-z0-9-]{1,62}(?:\s+(?:punt|dot)\s+[a-z0-9-]+)*\s+(?:punt|dot)\s+(be|com|nl|net|org|eu|gg|io)\b(?:/\S*)?"
)
_CLOSING = ".,;:!?)]}'\""


def web_addresses(text: PlainText) -> Iterator[Found]:
    """Web addresses, except those of help services and the bare names of well-known sites."""
    known = public()
    for match in _URL.finditer(text.lower):
        found = _web(match.start(), match.group().rstrip(_CLOSING), known)
        if found:
            yield found
    for match in _HOST.finditer(text.lower):
        if match.group(2) in SURE_TLDS or match.group(3):
            found = _web(match.start(), match.group().rstrip(_CLOSING), known)
            if found:
                yield found
    for match in _SPOKEN_HOST.finditer(text.lower):
        found = _web(match.start(), match.group(), known)
        if found:
            yield found


def _web(start: int, written: str, known: Public) -> Found | None:
    spoken = re.sub(r"\s+(?:punt|dot)\s+", ".", written)
    address = re.sub(r"^(?:\w+:/+)?(?:www\d?\.)?", "", re.sub(r"\s", "", spoken)).rstrip("/")
    host, _, path = address.partition("/")
    if host in known.help_hosts or (host in known.hosts and not path) or any(address == _bare(url) for url in known.addresses if path):
        return None
    return Found(start, start + len(written), "WEB", address)


def _bare(url: str) -> str:
    return re.sub(r"^(?:\w+:/+)?(?:www\d?\.)?", "", url).rstrip("/")
