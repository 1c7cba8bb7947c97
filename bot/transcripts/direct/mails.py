"""E-mail addresses."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bot.transcripts.direct.common import HAND, SURE_TLDS
from bot.transcripts.kinds import Found
from bot.transcripts.plain_text import PlainText
from bot.transcripts.wordlists import public

_S, _SS = r"\s{0,9}", r"\s{1,9}"
_AT = rf"(?:{_S}@{_S}|{_S}[\[({{<]{_S}(?:@|at|apenstaart(?:je)?){_S}[\])}}>]{_S}|{_SS}(?:at|apenstaart(?:je|ke)?){_SS}|[-_]at[-_])"
_DOT = rf"(?:{_S}\.{_S}|{_S}[\[({{<]{_S}(?:\.|punt|dot|point){_S}[\])}}>]{_S}|{_SS}(?:punt|dot|point){_SS}|[-_](?:punt|dot)[-_])"
_JOIN = rf"(?:{_DOT}|\s+(?:underscore|liggend streepje|laag streepje|koppelteken|streepje|min|plus)\s+)"
_ATOM = r"[^\s@\[\](){}<>\"',;:!?.]+"
_LOCAL_END = re.compile(rf"{_ATOM}(?:{_JOIN}{_ATOM})*\.?$")
_DOMAIN = re.compile(rf"[^\W_][\w-]*(?:{_DOT}[^\W_][\w-]*)*")
_AT_SIGN = re.compile(_AT)
_PROVIDERS = HAND["mail_providers"]
#: The longest local part that mail allows, with room for dots in words.
_LOCAL_REACH = 160


def mails(text: PlainText) -> Iterator[Found]:
    """E-mail addresses, with a sign or with words ("lena punt p at gmail punt com")."""
    floor = 0
    for sign in _AT_SIGN.finditer(text.lower):
        # A "@" after a slash stands in the address of a page ("tiktok.com/@somebody"), which is found as such.
        if sign.start() < floor or text.lower[: sign.start()].endswith("/"):
            continue
        before = _LOCAL_END.search(text.lower, max(floor, sign.start() - _LOCAL_REACH), sign.start())
        domain = _DOMAIN.match(text.lower, sign.end())
        if not domain:
            continue
        labels = re.split(_DOT, domain.group())
        end = domain.end()
        while len(labels) > 1 and not _is_tld(labels[-1]):
            end = _last_dot(domain.group(), domain.start(), end)
            labels.pop()
        tight = sign.group() == "@"
        if len(labels) < 2 and labels[0] not in _PROVIDERS and not (tight and before and before.end() == sign.start()):
            continue
        word_only = sign.group().strip() in ("at", "-at-", "_at_") and labels[0] not in _PROVIDERS
        if word_only and (labels[-1] not in SURE_TLDS or re.search(r"\S\.\s", domain.group())):
            continue
        if (not before or re.fullmatch(r"\s+@", sign.group())) and labels[0] not in _PROVIDERS and labels[-1] not in SURE_TLDS:
            continue
        start = before.start() if before else sign.start()
        local = re.sub(_DOT, ".", before.group()) if before else ""
        key = f"{local}@{'.'.join(labels)}"
        floor = end
        if key not in public().mails:
            yield Found(start, end, "MAIL", key)


def _is_tld(label: str) -> bool:
    return 2 <= len(label) <= 24 and (label.isalpha() or label.startswith("xn--"))


def _last_dot(domain: str, offset: int, end: int) -> int:
    *_, last = re.finditer(_DOT, domain[: end - offset])
    return offset + last.start()
