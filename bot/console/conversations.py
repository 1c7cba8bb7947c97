"""The three panes: filters, list, conversation; and everything that a moderator does with a conversation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.exceptions import Forbidden, UnprocessableEntity
from werkzeug.wrappers import Response as AnyResponse

from bot.console.app import console, needs, visitor
from bot.console.filters import Query, address_args, read_query
from bot.console.logins import ADMIN, MODERATOR, READER
from bot.console.queries import look_again
from bot.console.turns import turns, urgent_at, with_choice
from bot.transcripts.errors import Conflict, NotFound, WrongValue
from bot.transcripts.models import STATUSES
from bot.transcripts.repository import MessageView, SavedView, Transcript
from bot.transcripts.repository import Page as ListPage
from bot.transcripts.spelled import words_of
from bot.wegwijzer.vocabulary import BOOLEAN_FACETS, CONCERN, FACETS, LABELS

pages = Blueprint("conversations", __name__)

Page = str | tuple[str, int] | AnyResponse

OPEN = ("new", "seen", "discuss")
_LONGEST_SEARCH = 200
_MOST_WORDS = 12
_YES_OR_NO = (*BOOLEAN_FACETS, CONCERN)


@dataclass(frozen=True)
class Shelf:
    """A view that is always there. ``count``: the number beside it, None where it would say nothing."""

    name: str
    label: str
    args: dict[str, Any]
    count: int | None
    current: bool


def query() -> Query:
    """The filters of this request."""
    words = console().logins.search(visitor(), request.args.get("z", "")[:40]) if request.args.get("z") else ""
    return read_query(request.args, words, visitor().account.id)


def _to_list(args: dict[str, Any] | None = None) -> AnyResponse:
    return redirect(url_for("conversations.index", **(query().args if args is None else args)), HTTPStatus.SEE_OTHER)


def _to_conversation(conversation_id: int, anchor: str | None = None) -> AnyResponse:
    return redirect(url_for("conversations.show", conversation_id=conversation_id, _anchor=anchor, **query().args), HTTPStatus.SEE_OTHER)


# --- the list --------------------------------------------------------------------------------------------------------


@pages.get("/")
@needs(READER)
def home() -> Page:
    """The queue."""
    return redirect(url_for("conversations.index", status=OPEN))


@pages.get("/gesprekken")
@needs(READER)
def index() -> Page:
    """The list, with no conversation open."""
    wanted = query()
    page = console().repository.list(wanted.filters, order=wanted.order, page=wanted.page, size=wanted.size)
    shown = render_template("conversations.html", **_panes(wanted, page), open=None)
    searched = "searched" if wanted.filters.text else "looked at the list"
    texts = console().texts
    names = ", ".join(sorted({texts.name("filter", name).lower() for name, _value in wanted.active}))
    detail = texts.say("look_detail", page=wanted.page, filters=names or texts.say("nothing"))
    console().logins.audit.add_look(visitor().name, searched, detail=detail)
    return shown


def _panes(wanted: Query, page: ListPage) -> dict[str, Any]:
    """What the first two panes need."""
    repository, remembered = console().repository, console().remembered
    views = repository.views(visitor().account.id)
    return {
        "query": wanted,
        "page": page,
        "shelves": _shelves(wanted),
        "views": views,
        "current_view": next((view.id for view in views if _is_shown(view, wanted)), None),
        "choices": {name: remembered.get(name, partial(repository.values, name)) for name in ("channel", "platform", "tag")},
        "people": {account.id: account for account in console().logins.accounts.all()},
    }


def _is_shown(view: SavedView, wanted: Query) -> bool:
    asked, kept = address_args(wanted.filters, wanted.order), address_args(view.filters, view.order)
    return asked == kept and wanted.filters.text == view.filters.text


def _shelves(wanted: Query) -> list[Shelf]:
    repository, remembered = console().repository, console().remembered
    by_status = remembered.get("status", repository.status_counts)
    still_open = sum(by_status.get(status, 0) for status in OPEN)
    urgent = remembered.get("urgency", lambda: [repository.urgency_counts(status) for status in OPEN])
    crises, failures, unsure = (sum(counts.get(urgency, 0) for counts in urgent) for urgency in (3, 2, 1))
    texts = console().texts
    plain = {name: value for name, value in wanted.args.items() if name not in ("p", "z", "volgorde", "aantal")}

    def shelf(name: str, count: int | None, **args: Any) -> Shelf:
        return Shelf(name, texts.name("shelf", name), args, count, args == plain and not wanted.filters.text)

    return [
        shelf("queue", still_open, status=list(OPEN)),
        shelf("crisis", crises, status=list(OPEN), urgentie=["3"]),
        shelf("failed", failures, status=list(OPEN), urgentie=["2"]),
        shelf("unsure", unsure, status=list(OPEN), urgentie=["1"]),
        shelf("discuss", by_status.get("discuss", 0), status=["discuss"]),
        shelf("mine", None, status=list(OPEN), aan="mij"),
        shelf("done", None, status=["done"]),
        shelf("all", None),
    ]


@pages.post("/zoeken")
@needs(READER)
def search() -> Page:
    """Look for words. They go by POST and stay on the server: the address holds a key in their place."""
    words = " ".join(request.form.get("woorden", "").split())
    if words and not (len(words) <= _LONGEST_SEARCH and 0 < len(words_of(words)) <= _MOST_WORDS):
        flash(console().texts.say("search_wrong"), "error")
        return _to_list()
    args = query().with_args(p=None, z=console().logins.keep_search(visitor(), words) if words else None)
    return _to_list(args)


# --- saved views -----------------------------------------------------------------------------------------------------


@pages.get("/weergaven/<int:view_id>")
@needs(READER)
def open_view(view_id: int) -> Page:
    """The list with the filters and the order of a saved view."""
    view = next((view for view in console().repository.views(visitor().account.id) if view.id == view_id), None)
    if view is None:
        raise NotFound("there is no such view")
    args = address_args(view.filters, view.order)
    if view.filters.text:
        args["z"] = console().logins.keep_search(visitor(), view.filters.text)
    return _to_list(args)


@pages.post("/weergaven")
@needs(READER)
def save_view() -> Page:
    """Keep the filters and the order of this list under a name; only a moderator shares them."""
    wanted = query()
    name = " ".join(request.form.get("naam", "").split())
    shared = "gedeeld" in request.form and visitor().may(MODERATOR)
    try:
        console().repository.save_view(visitor().account.id, name, wanted.filters, wanted.order, shared=shared, actor=visitor().name)
    except WrongValue:
        flash(console().texts.say("view_wrong"), "error")
    else:
        flash(console().texts.say("view_saved", name=name), "done")
    return _to_list()


@pages.post("/weergaven/<int:view_id>/weg")
@needs(READER)
def remove_view(view_id: int) -> Page:
    """Take away one's own view."""
    console().repository.remove_view(view_id, visitor().account.id, actor=visitor().name)
    flash(console().texts.say("view_removed"), "done")
    return _to_list()


# --- one conversation ------------------------------------------------------------------------------------------------


@pages.get("/gesprekken/<int:conversation_id>")
@needs(READER)
def show(conversation_id: int) -> Page:
    """A conversation beside the list. That it was read is logged by the repository."""
    return _conversation_page(conversation_id)


def _conversation_page(conversation_id: int, **more: Any) -> str:
    wanted = query()
    repository = console().repository
    transcript = repository.read(conversation_id, actor=visitor().name)
    page, before, after = repository.list_around(conversation_id, wanted.filters, order=wanted.order, page=wanted.page, size=wanted.size)
    panes = _panes(wanted, page)
    shown = turns(transcript.messages)
    return render_template(
        "conversations.html",
        **panes,
        open=transcript,
        turns=shown,
        urgent_at=urgent_at(shown, transcript.summary.urgency),
        before=_neighbour(panes["page"], wanted, before, -1),
        after=_neighbour(panes["page"], wanted, after, 1),
        menus=_menus(),
        **more,
    )


def _neighbour(page: Any, wanted: Query, neighbour: int | None, direction: int) -> str | None:
    """The address of a neighbour; the list turns its page along when the neighbour stands on another one."""
    if neighbour is None:
        return None
    number = wanted.page if neighbour in {item.id for item in page.items} else max(1, wanted.page + direction)
    return url_for("conversations.show", conversation_id=neighbour, **wanted.with_args(p=number if number > 1 else None))


def _menus() -> dict[str, list[tuple[str, str]]]:
    """What can be chosen: by facet and for the intent, pairs of value and name."""
    texts = console().texts
    return {
        "intent": sorted(texts.file.intents.items(), key=lambda pair: pair[1].lower()),
        # What matters first, and needs the fewest lines.
        **{facet: texts.choices(facet) for facet in (CONCERN, *FACETS)},
    }


def _change(conversation_id: int, what: str, change: Callable[[int], Any], anchor: str | None = None) -> Page:
    """Do a change on the version that the page showed; when it is another one by now, show what is new and ask again.

    Args:
        what: the change in words, shown when it was not made.
        change: does it, given the version.
    """
    try:
        change(_version())
    except Conflict:
        changes = console().logins.audit.entries(size=20, subject=f"conversation {conversation_id}")
        other = next((entry for entry in changes if entry.action != "read" and entry.actor != visitor().name), None)
        kept = [(name, value) for name, value in request.form.items(multi=True) if name not in ("version", "csrf_token")]
        page = _conversation_page(conversation_id, conflict={"what": what, "other": other, "kept": kept, "action": request.full_path})
        return page, int(HTTPStatus.CONFLICT)
    return _to_conversation(conversation_id, anchor)


def _version() -> int:
    version = request.form.get("version", "")
    if not version.isdecimal() or len(version) > 9:
        raise UnprocessableEntity
    return int(version)


@pages.post("/gesprekken/<int:conversation_id>/status")
@needs(MODERATOR)
def set_status(conversation_id: int) -> Page:
    """Change the status; with ``daarna`` go on to the next one in the list."""
    status = request.form.get("status", "")
    if status not in STATUSES:
        raise UnprocessableEntity
    texts, wanted = console().texts, query()
    label = texts.say("status_saved", status=texts.name("status", status))
    _before, after = console().repository.neighbours(conversation_id, wanted.filters, order=wanted.order)
    done = _change(
        conversation_id, label, lambda version: console().repository.set_status(conversation_id, status, visitor().name, version)
    )
    if isinstance(done, tuple):
        return done
    flash(label, "done")
    if "daarna" not in request.form:
        return done
    return _to_conversation(after) if after is not None else _to_list()


@pages.post("/gesprekken/<int:conversation_id>/toewijzen")
@needs(MODERATOR)
def assign(conversation_id: int) -> Page:
    """Give it to somebody who may work on it, or to nobody."""
    given = request.form.get("aan", "")
    people = {str(account.id): account for account in console().logins.accounts.all() if account.active}
    if given and given not in people:
        raise UnprocessableEntity
    texts = console().texts
    label = texts.say("assigned_saved", name=people[given].name) if given else texts.say("assigned_nobody")
    account_id = people[given].id if given else None
    done = _change(
        conversation_id, label, lambda version: console().repository.assign(conversation_id, account_id, visitor().name, version)
    )
    if not isinstance(done, tuple):
        flash(label, "done")
    return done


@pages.post("/gesprekken/<int:conversation_id>/labels")
@needs(MODERATOR)
def add_tag(conversation_id: int) -> Page:
    """Put on a tag. Two moderators may do so at once: nothing is overwritten."""
    try:
        console().repository.add_tag(conversation_id, request.form.get("label", ""), visitor().name)
    except WrongValue:
        flash(console().texts.say("tag_wrong"), "error")
    return _to_conversation(conversation_id, "afwerken")


@pages.post("/gesprekken/<int:conversation_id>/labels/weg")
@needs(MODERATOR)
def remove_tag(conversation_id: int) -> Page:
    """Take off a tag."""
    console().repository.remove_tag(conversation_id, request.form.get("label", ""), visitor().name)
    return _to_conversation(conversation_id, "afwerken")


@pages.post("/gesprekken/<int:conversation_id>/notities")
@needs(MODERATOR)
def add_note(conversation_id: int) -> Page:
    """Add a private note; one that is refused stays in its box."""
    text = request.form.get("notitie", "").replace("\r\n", "\n").strip()
    try:
        console().repository.add_note(conversation_id, text, visitor().account.id, visitor().name)
    except WrongValue:
        page = _conversation_page(conversation_id, note=text, note_error=console().texts.say("note_wrong"))
        return page, int(HTTPStatus.UNPROCESSABLE_ENTITY)
    flash(console().texts.say("note_saved"), "done")
    return _to_conversation(conversation_id, "notities")


@pages.post("/gesprekken/<int:conversation_id>/notities/<int:note_id>/weg")
@needs(MODERATOR)
def remove_note(conversation_id: int, note_id: int) -> Page:
    """Take away one's own note; an administrator any."""
    transcript = look_again(console().database, conversation_id)
    note = next((note for note in transcript.notes if note.id == note_id), None)
    if note is None:
        raise NotFound("there is no such note")
    if note.author != visitor().name and not visitor().may(ADMIN):
        raise Forbidden
    console().repository.remove_note(note_id, visitor().name)
    flash(console().texts.say("note_removed"), "done")
    return _to_conversation(conversation_id, "notities")


@pages.post("/gesprekken/<int:conversation_id>/berichten/<int:message_id>/verbeteren")
@needs(MODERATOR)
def correct(conversation_id: int, message_id: int) -> Page:
    """Choose another intent, or another value of one facet. The button that was pressed holds both: ``facet=value``."""
    facet, _, value = request.form.get("keuze", "").partition("=")
    if facet not in ("intent", "undo", *LABELS) or (value and value not in dict(_menus().get(facet, []))):
        raise UnprocessableEntity
    texts, repository = console().texts, console().repository
    message = _message(look_again(console().database, conversation_id), message_id)
    intent, facets = message.corrected_intent, message.corrected_facets
    if facet == "undo":
        intent = facets = None
        what = texts.say("undo")
    elif facet == "intent":
        intent = value if value and value != message.intent else None
        what = texts.intent(value)
    else:
        facets = with_choice(message, facet, value == "true" if facet in _YES_OR_NO and value else value or None)
        what = f"{texts.facet(facet)}: {texts.value(facet, value) if value else texts.say('nothing')}"

    def change(version: int) -> Any:
        return repository.correct(message_id, intent, facets, account_id=visitor().account.id, actor=visitor().name, version=version)

    return _change(conversation_id, what, change, f"b{message_id}")


@pages.post("/gesprekken/<int:conversation_id>/berichten/<int:message_id>/oordeel")
@needs(MODERATOR)
def judge(conversation_id: int, message_id: int) -> Page:
    """A good answer, or wrong because; or neither."""
    good = {"goed": True, "fout": False, "geen": None}.get(request.form.get("oordeel", ""), ...)
    if good is ...:
        raise UnprocessableEntity
    reason = " ".join(request.form.get("reden", "").split())[:1000] if good is False else ""
    texts, repository = console().texts, console().repository
    message = _message(look_again(console().database, conversation_id), message_id)
    what = texts.say({True: "judge_good", False: "judge_wrong", None: "judge_none"}[good], reason=reason)

    def change(version: int) -> Any:
        return repository.judge(message.id, good, reason, account_id=visitor().account.id, actor=visitor().name, version=version)

    return _change(conversation_id, what, change, f"b{message_id}")


@pages.post("/gesprekken/<int:conversation_id>/wissen")
@needs(ADMIN)
def erase(conversation_id: int) -> Page:
    """Remove a conversation for good, for somebody who asks for that in another way than in the chat."""
    console().repository.erase(conversation_id, visitor().name)
    flash(console().texts.say("erased"), "done")
    return _to_list()


def _message(transcript: Transcript, message_id: int) -> MessageView:
    message = next((message for message in transcript.messages if message.id == message_id), None)
    if message is None:
        raise NotFound("there is no such message")
    return message
