"""Messages of the bot as Telegram shows them: a few bubbles of Telegram HTML with buttons, each within Telegram's limits."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from bot.wegwijzer.render import Message, Option

#: Longest text of one message, counted after its HTML was read, in UTF-16 code units as Telegram counts.
LIMIT = 4096

_CARDS = ("tip", "step", "helpline")
_SENTENCE = re.compile(r"(?<=[.!?…])\s+|\n+")
_TAG = re.compile(r"</?(?:b|i|a)(?: [^<>]*)?>")
_LINK = re.compile(r'<a href="([^"]*)">(.*?)</a>', re.S)
_SHORT_TITLE = 16


@dataclass
class Bubble:
    """One message: Telegram HTML and the buttons under it."""

    html: str
    options: list[Option] = field(default_factory=list)


def units(text: str) -> int:
    """Length as Telegram counts it: a character outside the Basic Multilingual Plane, such as most emoji, counts twice."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def visible(markup: str) -> str:
    """The text that is seen of Telegram HTML."""
    return html.unescape(_TAG.sub("", markup))


def plain(markup: str) -> str:
    """The same without HTML, with addresses written out."""
    return visible(_LINK.sub(lambda link: f"{link[2]} ({link[1]})", markup))


def split_text(text: str, limit: int = LIMIT) -> list[str]:
    """A text in pieces of at most ``limit`` units, cut at ends of sentences; within a sentence at spaces; within a word only if it must."""
    pieces: list[str] = []
    for part in _parts(text, limit):
        if pieces and units(pieces[-1]) + units(part) <= limit:
            pieces[-1] += part
        else:
            pieces.append(part)
    return [piece.strip() for piece in pieces if piece.strip()]


def _parts(text: str, limit: int) -> Iterator[str]:
    """Sentences with the white space after them; longer ones in words; longer words in halves."""
    for sentence in _cut(text, _SENTENCE):
        if units(sentence) <= limit:
            yield sentence
            continue
        for word in _cut(sentence, re.compile(r"\s+")):
            while units(word) > limit:
                # Half as many characters as units always fit.
                yield word[: limit // 2]
                word = word[limit // 2 :]
            yield word


def _cut(text: str, ends: re.Pattern[str]) -> Iterator[str]:
    start = 0
    for match in ends.finditer(text):
        yield text[start : match.end()]
        start = match.end()
    if start < len(text):
        yield text[start:]


class Formatter:
    """Bubbles for the messages of one turn.

    Args:
        marks: signs before a line, by name (content/telegram.yml).
    """

    def __init__(self, marks: Mapping[str, str]) -> None:
        self._marks = marks

    def bubbles(self, messages: Sequence[Message]) -> list[Bubble]:
        """As few bubbles as read well.

        A text joins what follows it, so that in a crisis the help cards stand in the very first message. A new bubble begins where a text
        follows cards, where the cards are of another sort, after buttons, and at Telegram's limit.
        """
        bubbles: list[Bubble] = []
        previous: str | None = None
        for message in messages:
            kind = message["type"] if message["type"] in _CARDS else "text"
            fresh = not bubbles or bool(bubbles[-1].options) or (previous in _CARDS and kind != previous)
            for block in self._blocks(message):
                gap = "\n" if kind == previous == "step" else "\n\n"
                if not fresh and units(visible(bubbles[-1].html + gap + block)) <= LIMIT:
                    bubbles[-1].html += gap + block
                else:
                    bubbles.append(Bubble(block))
                fresh, previous = False, kind
            if bubbles:
                bubbles[-1].options = list(message.get("options") or [])
        return bubbles

    def _blocks(self, message: Message) -> list[str]:
        """A message as HTML; in several pieces where it is longer than Telegram allows."""
        block = {"tip": self._tip, "step": self._step, "helpline": self._helpline}.get(message["type"], self._text)(message)
        return [block] if units(visible(block)) <= LIMIT else [html.escape(piece, quote=False) for piece in split_text(message["text"])]

    @staticmethod
    def _text(message: Message) -> str:
        return html.escape(message["text"], quote=False)

    @staticmethod
    def _tip(message: Message) -> str:
        lines = [f"<b>{html.escape(message['title'], quote=False)}</b>", html.escape(message["body"], quote=False)]
        if message["avoid"]:
            lines.append(f"<i>{html.escape(message['avoid'], quote=False)}</i>")
        return "\n".join(lines)

    def _step(self, message: Message) -> str:
        return f"{self._marks['step']} {html.escape(message['text'], quote=False)}"

    def _helpline(self, message: Message) -> str:
        """Who, why, how to reach it, open or not. Telegram has no buttons for phone numbers: they stand in the text, where a tap dials."""
        lines = [f"<b>{html.escape(message['name'], quote=False)}</b>", html.escape(message["why"], quote=False)]
        lines += [f"{self._marks[channel['kind']]} {_reach(channel)}" for channel in message["channels"][:3]]
        if message["opening"]:
            lines.append(f"<i>{html.escape(message['opening'], quote=False)}</i>")
        return "\n".join(lines)


def _reach(channel: Mapping[str, str]) -> str:
    label, value = html.escape(channel["label"], quote=False), html.escape(channel["value"], quote=True)
    if channel["kind"] in ("chat", "web"):
        return f'<a href="{value}">{label}</a>'
    if channel["kind"] == "walk_in":
        return html.escape(channel["value"], quote=False)
    return label if channel["value"] in channel["label"] else f"{label}: {value}"


def rows(options: Iterable[Option]) -> list[list[Option]]:
    """Buttons in rows: two short ones side by side, a longer one alone, so that no label is cut on a phone."""
    placed: list[list[Option]] = []
    for option in options:
        short = len(option["title"]) <= _SHORT_TITLE
        if short and placed and len(placed[-1]) == 1 and len(placed[-1][0]["title"]) <= _SHORT_TITLE:
            placed[-1].append(option)
        else:
            placed.append([option])
    return placed
