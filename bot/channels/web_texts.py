"""Dutch texts of the widget: ``content/widget.yml``, and what it shares with the bot's own texts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import ConstrainedStr, conlist, constr, validator

from bot.wegwijzer.content import Content, read_file
from bot.wegwijzer.schema import Line, Strict

FILE = "widget.yml"


class Label(ConstrainedStr):
    """Words on a button."""

    min_length = 1
    max_length = 60
    strip_whitespace = True


class Labels(Strict):
    """Words on buttons and short names that a screen reader says."""

    title: Label
    subtitle: Label
    open_chat: Label
    close_chat: Label
    exit: Label
    exit_hint: Label
    who_reads: Label
    erase: Label
    erase_yes: Label
    erase_no: Label
    back: Label
    refuse_review: Label
    keep_on_device: Label
    exit_erases: Label
    input: Label
    placeholder: Label
    send: Label
    log: Label
    you: Label
    bot: Label
    answers: Label
    further: Label
    try_again: Label
    remove: Label
    copy_text: Label
    copied: Label
    tick: Label
    tips: Label
    steps: Label
    more: Label
    for_whom: Label
    new_window: Label
    closed_now: Label
    helpful: Label
    helpful_yes: Label
    helpful_no: Label


class States(Strict):
    """What the widget says about itself; read aloud too."""

    typing: Line
    connecting: Line
    reconnecting: Line
    offline: Line
    online: Line
    other_tab: Line
    sending: Line
    not_sent: Line
    slow_down: Line
    kept_on_device: Line
    keep_hint: Line
    exit_hint: Line
    characters_left: Line
    thanks_yes: Line
    thanks_no: Line


class Errors(Strict):
    """One clear sentence for each way in which the server can refuse; the name is the code that it answers with."""

    no_token: Line
    bad_token: Line
    expired_token: Line
    session_erased: Line
    session_expired: Line
    origin_refused: Line
    not_json: Line
    wrong_fields: Line
    empty: Line
    too_long: Line
    body_too_large: Line
    unknown_button: Line
    bad_event_id: Line
    too_fast: Line
    too_many_sessions: Line
    too_many_streams: Line
    busy: Line
    not_found: Line
    wrong_method: Line
    bad_request: Line
    internal: Line


class DemoPage(Strict):
    """The page at ``/`` that looks like an organisation's site."""

    organisation: Label
    heading: Line
    paragraphs: conlist(Line, min_items=1, max_items=6)  # type: ignore[valid-type]
    note: Line
    full_page: Label
    no_script: Line


class WidgetFile(Strict):
    """``content/widget.yml``."""

    exit_url: constr(regex=r"^https://\S+$")  # type: ignore[valid-type]
    starters: conlist(Label, max_items=6)  # type: ignore[valid-type]
    labels: Labels
    states: States
    errors: Errors
    demo: DemoPage

    @validator("states")
    def _placeholders(cls, states: States) -> States:
        if "{count}" not in states.characters_left:
            raise ValueError("characters_left must contain {count}")
        return states


def load_widget(content: Content) -> WidgetFile:
    """Read the texts of the widget.

    Raises:
        ContentError: a text is missing, unknown or too long; each problem names the entry.
    """
    return read_file(content.folder / FILE, WidgetFile, content.folder)


def widget_texts(widget: WidgetFile, content: Content, max_characters: int, origins: Sequence[str]) -> dict[str, Any]:
    """What the widget is given: its own texts, those that the bot says too (written once), and the sites that may use it."""
    return {
        "origins": list(origins),
        "exitUrl": widget.exit_url,
        "maxCharacters": max_characters,
        "start": ["\n".join(content.text("dialogue", name)) for name in ("greeting", "disclosure")],
        "starters": widget.starters,
        "whoReads": content.text("dialogue", "ask_privacy"),
        "eraseAsk": content.text("dialogue", "delete_confirm")[0],
        "erased": content.text("dialogue", "delete_done")[0],
        "refuseReview": content.text("buttons", "refuse_review")[0],
        "labels": widget.labels.dict(),
        "states": widget.states.dict(),
        "errors": widget.errors.dict(),
    }
