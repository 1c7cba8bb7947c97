"""Files that a browser gets: the widget with its texts, the demo page and the full-page chat."""

from __future__ import annotations

import base64
import gzip
import hashlib
import html
import json
import string
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bot.channels.web_texts import WidgetFile, widget_texts
from bot.wegwijzer.content import Content

STATIC = Path(__file__).with_name("static")

#: Stands in widget.js where the texts come.
_TEXTS_HERE = 'JSON.parse("{}")'


@dataclass(frozen=True)
class Asset:
    """A file as it is sent. ``inline`` tells what a page holds itself: the directives of a content security policy that allow just that."""

    body: bytes
    zipped: bytes
    content_type: str
    etag: str
    inline: str = ""


def _asset(text: str, content_type: str, inline: str = "script-src 'self'; style-src 'self'") -> Asset:
    body = text.encode("utf-8")
    # A fixed time in the gzip header, so that the same file has the same bytes after every start.
    return Asset(body, gzip.compress(body, 9, mtime=0), content_type, f'"{hashlib.sha256(body).hexdigest()[:20]}"', inline)


def widget_script(widget: WidgetFile, content: Content, max_characters: int, origins: Sequence[str]) -> str:
    """``widget.js`` with the Dutch texts in it, so that a site needs one file."""
    source = (STATIC / "widget.js").read_text(encoding="utf-8")
    if source.count(_TEXTS_HERE) != 1:
        raise ValueError(f"widget.js must contain {_TEXTS_HERE} once")
    texts = json.dumps(widget_texts(widget, content, max_characters, origins), ensure_ascii=False, separators=(",", ":"))
    # Written like this, no text can end the script element of a page that holds it.
    return source.replace(_TEXTS_HERE, texts.replace("<", "\\u003c"))


def _page(name: str, paragraphs: list[str], **values: str) -> Asset:
    """A page with texts filled in; everything is escaped here."""
    template = string.Template((STATIC / name).read_text(encoding="utf-8"))
    filled = {key: html.escape(value) for key, value in values.items()}
    return _asset(
        template.substitute(filled, paragraphs="\n".join(f"<p>{html.escape(text)}</p>" for text in paragraphs)), "text/html; charset=utf-8"
    )


def _chat_page(script: str, **values: str) -> Asset:
    """The chat alone, all in one file: on a slow network each further request would cost half a second."""
    style = (STATIC / "chat.css").read_text(encoding="utf-8")
    if "</script" in script or "<!--" in script:
        raise ValueError("widget.js cannot stand in a page: it holds what ends a script there")
    page = string.Template((STATIC / "chat.html").read_text(encoding="utf-8"))
    text = page.substitute({key: html.escape(value) for key, value in values.items()}, script=script, style=style)
    return _asset(text, "text/html; charset=utf-8", f"script-src {_source(script)}; style-src {_source(style)}")


def _source(text: str) -> str:
    """A script or style as a content security policy names it."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def load_assets(widget: WidgetFile, content: Content, max_characters: int, origins: Sequence[str]) -> dict[str, Asset]:
    """Every file by its path; made once, at start."""
    demo = widget.demo.dict()
    script = widget_script(widget, content, max_characters, origins)
    return {
        "/": _page("demo.html", **demo),
        "/chat": _chat_page(script, title=widget.labels.title, no_script=widget.demo.no_script),
        "/demo.css": _asset((STATIC / "demo.css").read_text(encoding="utf-8"), "text/css; charset=utf-8"),
        "/widget.js": _asset(script, "text/javascript; charset=utf-8"),
    }
