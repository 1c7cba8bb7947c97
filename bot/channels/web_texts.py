"""Dutch texts of the widget: ``content/widget.yml``, and what it shares with the bot's own texts."""

from __future__ import annotations

from typing import Any

from pydantic import conlist, constr, validator

from bot.wegwijzer.content import Content, read_file
from bot.wegwijzer.schema import Line, Strict

FILE = "widget.yml"

Label = constr(min_length=1, max_length=60, strip_whitespace=True)


class Labels(Strict):
    """Words on buttons and short names that a screen reader says."""

    title: Label  # type: ignore[valid-type]
    subtitle: Label  # type: ignore[valid-type]
    open_chat: Label  # type: ignore[valid-type]
    close_chat: Label  # type: ignore[valid-type]
    exit: Label  # type: ignore[valid-type]
    exit_hint: Label  # type: ignore[valid-type]
    who_reads: Label  # type: ignore[valid-type]
    erase: Label  # type: ignore[valid-type]
    erase_yes: Label  # type: ignore[valid-type]
    erase_no: Label  # type: ignore[valid-type]
    back: Label  # type: ignore[valid-type]
    refuse_review: Label  # type: ignore[valid-type]
    keep_on_device: Label  # type: ignore[valid-type]
    exit_erases: Label  # type: ignore[valid-type]
    input: Label  # type: ignore[valid-type]
    placeholder: Label  # type: ignore[valid-type]
    send: Label  # type: ignore[valid-type]
    log: Label  # type: ignore[valid-type]
    you: Label  # type: ignore[valid-type]
    bot: Label  # type: ignore[valid-type]
    answers: Label  # type: ignore[valid-type]
    further: Label  # type: ignore[valid-type]
    try_again: Label  # type: ignore[valid-type]
    remove: Label  # type: ignore[valid-type]
    copy_text: Label  # type: ignore[valid-type]
    copied: Label  # type: ignore[valid-type]
    tick: Label  # type: ignore[valid-type]
    tips: Label  # type: ignore[valid-type]
    steps: Label  # type: ignore[valid-type]
    more: Label  # type: ignore[valid-type]
    for_whom: Label  # type: ignore[valid-type]
    new_window: Label  # type: ignore[valid-type]
    closed_now: Label  # type: ignore[valid-type]


class States(Strict):
    """What the widget says about itself; read aloud too."""

    typing: Line  # type: ignore[valid-type]
    connecting: Line  # type: ignore[valid-type]
    reconnecting: Line  # type: ignore[valid-type]
    offline: Line  # type: ignore[valid-type]
    online: Line  # type: ignore[valid-type]
    other_tab: Line  # type: ignore[valid-type]
    sending: Line  # type: ignore[valid-type]
    not_sent: Line  # type: ignore[valid-type]
    slow_down: Line  # type: ignore[valid-type]
    kept_on_device: Line  # type: ignore[valid-type]
    keep_hint: Line  # type: ignore[valid-type]
    exit_hint: Line  # type: ignore[valid-type]
    characters_left: Line  # type: ignore[valid-type]


class Errors(Strict):
    """One clear sentence for each way in which the server can refuse; the name is the code that it answers with."""

    no_token: Line  # type: ignore[valid-type]
    bad_token: Line  # type: ignore[valid-type]
    expired_token: Line  # type: ignore[valid-type]
    session_erased: Line  # type: ignore[valid-type]
    session_expired: Line  # type: ignore[valid-type]
    origin_refused: Line  # type: ignore[valid-type]
    not_json: Line  # type: ignore[valid-type]
    wrong_fields: Line  # type: ignore[valid-type]
    empty: Line  # type: ignore[valid-type]
    too_long: Line  # type: ignore[valid-type]
    body_too_large: Line  # type: ignore[valid-type]
    unknown_button: Line  # type: ignore[valid-type]
    bad_event_id: Line  # type: ignore[valid-type]
    too_fast: Line  # type: ignore[valid-type]
    too_many_sessions: Line  # type: ignore[valid-type]
    too_many_streams: Line  # type: ignore[valid-type]
    busy: Line  # type: ignore[valid-type]
    not_found: Line  # type: ignore[valid-type]
    wrong_method: Line  # type: ignore[valid-type]
    bad_request: Line  # type: ignore[valid-type]
    internal: Line  # type: ignore[valid-type]


class DemoPage(Strict):
    """The page at ``/`` that looks like an organisation's site."""

    organisation: Label  # type: ignore[valid-type]
    heading: Line  # type: ignore[valid-type]
    paragraphs: conlist(Line, min_items=1, max_items=6)  # type: ignore[valid-type]
    note: Line  # type: ignore[valid-type]
    full_page: Label  # type: ignore[valid-type]
    no_script: Line  # type: ignore[valid-type]


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


def widget_texts(widget: WidgetFile, content: Content, max_characters: int) -> dict[str, Any]:
    """What the widget is given: its own texts, and those that the bot says too, so that they are written once."""
    return {
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
