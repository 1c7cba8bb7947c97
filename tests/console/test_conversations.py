"""The list, a conversation, and what moderators do with it: over HTTP, without a browser."""

from __future__ import annotations

import csv
import io
import re
import time
from typing import Any

import pytest
from flask import Flask

from bot.console.exports import safe_cell
from bot.console.turns import chips, told, with_choice
from bot.transcripts import models
from bot.transcripts.database import Database
from bot.transcripts.repository import Repository

from . import store
from .conftest import Team
from .conftest import both_kinds as kind  # noqa: F401 (a fixture)

HTML = "<script>alert(1)</script><img src=x onerror=alert(2)> {{ 7*7 }} &amp; \"'>"
ACTOR = "moderator"


@pytest.fixture
def repository(app: Flask) -> Repository:
    return app.extensions["console"].repository


def order(text: str) -> list[int]:
    return [int(number) for number in re.findall(r'href="/gesprekken/(\d+)[^"]*" class="item', text)]


def test_the_queue_is_sorted_by_urgency_then_newest(team: Team, visit: Any, database: Database) -> None:
    now = store.conversation()["at"]
    wanted = [(3, -9), (3, -50), (2, -1), (1, -2), (0, 0), (0, -3)]
    ids = store.add(
        database,
        [
            store.conversation(urgency=urgency, crisis="danger" if urgency == 3 else None, at=now + hours * 3600)
            for urgency, hours in wanted
        ],
    )
    reader = visit("reader")
    reader.get("/gesprekken")
    assert order(reader.text) == ids
    reader.get("/gesprekken?volgorde=oldest")
    assert order(reader.text) == [ids[place] for place in (1, 0, 5, 3, 2, 4)]


@pytest.mark.parametrize(
    ("args", "found"),
    [
        ("kanaal=telegram", [1]), ("wie=parent", [2]), ("vorm=gossip", [3]), ("waar=sport", [2]), ("platform=snapchat", [1]), ("crisis=any", [4]), ("crisis=abuse", []),
        ("status=done", [3]), ("oordeel=yes", [5]), ("oordeel=no", [0]), ("min_berichten=9", [5]), ("max_woorden=3", [0]), ("wie=parent&wie=bystander", [2, 3]),
        ("van=2020-01-01&tot=2020-12-31", [6]), ("waar=sport&wie=bystander", []), ("urgentie=3", [4]),
    ],
)  # fmt: skip
def test_each_filter(team: Team, visit: Any, database: Database, args: str, found: list[int]) -> None:
    ids = store.add(
        database,
        [
            store.conversation("drie korte woorden", rating=False),
            store.conversation(channel="telegram", platform="snapchat"),
            store.conversation(road="parent", context="sport"),
            store.conversation(forms=["gossip"], status="done", road="bystander"),
            store.conversation(crisis="danger", urgency=3),
            store.conversation(turns=3, rating=True),
            store.conversation(at=1_590_000_000.0),
        ],
    )
    reader = visit("reader")
    reader.get(f"/gesprekken?{args}")
    assert sorted(order(reader.text)) == [ids[place] for place in found]


def test_words_are_found_and_never_stand_in_an_address(team: Team, visit: Any, database: Database, app: Flask) -> None:
    (_other, wanted) = store.add(database, [store.conversation(), store.conversation("ze noemen mij uilskuiken op de speelplaats")])
    reader = visit("reader")
    answer = reader.post("/zoeken?wie=victim", woorden="uilskuiken  speelplaats")
    assert answer.status_code == 303 and "uilskuiken" not in answer.location and "wie=victim" in answer.location
    reader.get(answer.location)
    assert order(reader.text) == [wanted]
    links = re.findall(r'(?:href|action)="([^"]+)"', reader.text)
    assert not any("uilskuiken" in link for link in links)
    assert all("z=" in link for link in links if re.fullmatch(r"/gesprekken/\d+\?.*", link)), "the words go along to the conversation"
    assert "uilskuiken" not in str(app.extensions["console"].logins.audit.entries())
    reader.post(f"/zoeken?{answer.location.partition('?')[2]}", woorden="")
    assert reader.get("/gesprekken?wie=victim").status_code == 200


@pytest.mark.parametrize("words", ["!!!", " ".join("abcdefghijklm"), "x" * 201])
def test_words_that_cannot_be_looked_for_are_told(team: Team, visit: Any, words: str) -> None:
    reader = visit("reader")
    reader.get(reader.post("/zoeken", woorden=words).location)
    assert "Zoek op 1 tot 12 woorden" in reader.text


def test_a_key_of_another_session_finds_nothing(team: Team, visit: Any, database: Database) -> None:
    store.add(database, [store.conversation("uilskuiken"), store.conversation()])
    location = visit("reader").post("/zoeken", woorden="uilskuiken").location
    other = visit("moderator")
    other.get(location)
    assert len(order(other.text)) == 2
    assert "uilskuiken" not in other.text.split('class="search"')[1].split("</form>")[0]


def test_a_saved_view_brings_filters_and_words_back(team: Team, visit: Any, database: Database) -> None:
    _other, wanted = store.add(database, [store.conversation(), store.conversation("uilskuiken", road="parent")])
    moderator = visit("moderator")
    location = moderator.post("/zoeken?wie=parent", woorden="uilskuiken").location
    moderator.post(f"/weergaven?{location.partition('?')[2]}", naam="Ouders <b>", gedeeld="1")
    moderator.get("/gesprekken")
    assert "Ouders &lt;b&gt;" in moderator.text and "uilskuiken" not in moderator.text.split('class="items"')[0]
    (view,) = re.findall(r'href="(/weergaven/\d+)"', moderator.text)
    reader = visit("reader")
    reader.get(reader.get(view).location)
    assert order(reader.text) == [wanted], "it is shared"
    assert reader.post(f"{view}/weg").status_code == 404, "and not the reader's to take away"
    assert moderator.post(f"{view}/weg").status_code == 303


def test_a_saved_view_keeps_the_order_and_means_who_opens_it(team: Team, visit: Any, database: Database, repository: Repository) -> None:
    old, new, nobodys = store.add(database, [store.conversation(at=time.time() - age * store.DAY) for age in (9, 1, 2)])
    moderator, admin = (team.logins.accounts.find(name) for name in ("moderator", "admin"))
    assert moderator and admin
    for id_ in (old, new):
        repository.assign(id_, moderator.id, "test")
    repository.assign(nobodys, admin.id, "test")
    visitor = visit("moderator")
    visitor.post("/weergaven?aan=mij&volgorde=oldest", naam="Van mij, oudste eerst", gedeeld="1")
    visitor.get("/gesprekken")
    (view,) = re.findall(r'href="(/weergaven/\d+)"', visitor.text)
    visitor.get(visitor.get(view).location)
    assert order(visitor.text) == [old, new]
    assert f'href="{view}" aria-current="page"' in visitor.text
    visitor.get("/gesprekken?aan=mij")
    assert f'href="{view}" aria-current="page"' not in visitor.text, "another order is another view"
    other = visit("admin")
    other.get(other.get(view).location)
    assert order(other.text) == [nobodys]


def test_a_view_of_before_the_order_was_kept_opens_by_urgency(team: Team, visit: Any, database: Database) -> None:
    later, urgent = store.add(database, [store.conversation(), store.conversation(urgency=3, crisis="danger", at=time.time() - store.DAY)])
    moderator = team.logins.accounts.find("moderator")
    assert moderator
    sealed = database.keys.seal({"channel": ["web"]})
    with database.writing() as session:
        session.add(models.SavedView(account_id=moderator.id, name="Website", sealed=sealed, shared=False))
    visitor = visit("moderator")
    (view,) = re.findall(r'href="(/weergaven/\d+)"', visitor.text)
    visitor.get(visitor.get(view).location)
    assert order(visitor.text) == [urgent, later]


@pytest.mark.parametrize(
    ("ref", "label", "words"),
    [("yes", "Oordeel", "Hielp"), ("no", "Oordeel", "Hielp niet"), ("tapped.awel", "Knop", "Tikte op: Awel"),
     ("tapped.unheard_of", "Knop", "Tikte op: unheard_of")],
)  # fmt: skip
def test_what_was_done_beside_the_messages_is_said_in_words(
    team: Team, visit: Any, database: Database, ref: str, label: str, words: str
) -> None:
    (id_,) = store.add(database, [store.conversation()])
    with database.writing() as session:
        sealed = database.keys.seal({})
        session.add(models.Message(conversation_id=id_, position=9, at=time.time(), sender="user", kind="feedback", ref=ref, sealed=sealed))
    visitor = visit("moderator")
    visitor.get(f"/gesprekken/{id_}")
    bubble = visitor.text.partition('class="bubble user feedback"')[2].partition("</div></div>")[0]
    assert f"<span>{label}</span>" in bubble
    assert bubble.endswith(words)


def test_reading_is_logged_and_makes_it_seen(team: Team, visit: Any, database: Database, repository: Repository, app: Flask) -> None:
    (id_,) = store.add(database, [store.conversation()])
    visit("reader").get(f"/gesprekken/{id_}")
    entries = app.extensions["console"].logins.audit.entries(subject=f"conversation {id_}")
    assert ("reader", "read") in {(entry.actor, entry.action) for entry in entries}
    assert repository.list().items[0].status == "seen"


def test_the_mark_of_a_conversation_leads_to_its_message(team: Team, visit: Any, database: Database) -> None:
    """The stored conversations are unsure of the context (0.24): in the first message."""
    ids = store.add(
        database, [store.conversation(urgency=1, turns=2), store.conversation(urgency=3, crisis="danger"), store.conversation()]
    )
    reader = visit("reader")
    for id_, mark in zip(ids, ("Bot was onzeker", "Gevaar", None), strict=True):
        reader.get(f"/gesprekken/{id_}")
        found = re.search(r'<a class="mark u\d" href="#(b\d+)"', reader.text)
        assert bool(found) == bool(mark)
        if found and mark:
            first = re.search(r'<li class="turn" id="(b\d+)"', reader.text)
            assert first and found.group(1) == first.group(1) and mark in reader.text


def test_a_conversation_shows_what_was_understood_and_why(team: Team, visit: Any, database: Database) -> None:
    (id_,) = store.add(database, [store.conversation()])
    reader = visit("reader")
    reader.get(f"/gesprekken/{id_}")
    for shown in (
        store.STORIES[0],
        "Vertelt wat er gebeurt",
        "83%",
        "Wordt gepest",
        "24%",
        "child.school",
        "S5 (002): zorgleerkracht",
        "Awel: zij luisteren.",
        "1 keer aangetikt",
    ):
        assert shown in reader.text


def test_transcript_text_is_text(team: Team, visit: Any, database: Database) -> None:
    (id_,) = store.add(database, [store.conversation(HTML, answer=HTML)])
    moderator = visit("moderator")
    moderator.get(f"/gesprekken/{id_}")
    moderator.post(f"/gesprekken/{id_}/labels", label="<i>label</i>")
    moderator.post(f"/gesprekken/{id_}/notities", notitie=HTML)
    moderator.get(f"/gesprekken/{id_}")
    assert "<script>alert" not in moderator.text and "<img src=x" not in moderator.text and "<i>label" not in moderator.text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in moderator.text
    assert "{{ 7*7 }}" in moderator.text, "nothing of it was run on the server"


# --- changes ---


def test_status_assignment_tags_notes(team: Team, visit: Any, database: Database, repository: Repository) -> None:
    (id_,) = store.add(database, [store.conversation()])
    moderator = visit("moderator")
    moderator.get(f"/gesprekken/{id_}")
    moderator.post(f"/gesprekken/{id_}/status", status="discuss", version=moderator.version())
    moderator.get(f"/gesprekken/{id_}")
    account = team.logins.accounts.find("reader")
    moderator.post(f"/gesprekken/{id_}/toewijzen", aan=str(account.id), version=moderator.version())
    moderator.post(f"/gesprekken/{id_}/labels", label=" School X ")
    moderator.post(f"/gesprekken/{id_}/notities", notitie="Bel de school.\r\nMorgen.")
    transcript = repository.read(id_, ACTOR)
    assert (transcript.summary.status, transcript.summary.assigned_to, transcript.summary.tags) == ("discuss", account.id, ("school x",))
    assert (transcript.notes[0].author, transcript.notes[0].text) == ("moderator", "Bel de school.\nMorgen.")
    moderator.post(f"/gesprekken/{id_}/labels/weg", label="school x")
    assert repository.read(id_, ACTOR).summary.tags == ()


def test_done_goes_on_to_the_next_one(team: Team, visit: Any, database: Database) -> None:
    ids = store.add(database, [store.conversation(urgency=urgency) for urgency in (2, 1, 0)])
    moderator = visit("moderator")
    moderator.get(f"/gesprekken/{ids[0]}?status=new&status=seen")
    answer = moderator.post(
        f"/gesprekken/{ids[0]}/status?status=new&status=seen", status="done", daarna="volgende", version=moderator.version()
    )
    assert answer.location.startswith(f"/gesprekken/{ids[1]}?")
    moderator.get(answer.location)
    assert order(moderator.text) == ids[1:]


def test_only_the_author_takes_a_note_away(team: Team, visit: Any, database: Database, repository: Repository) -> None:
    (id_,) = store.add(database, [store.conversation()])
    team.add("tweede", "moderator")
    first, second, admin = visit("moderator"), visit("tweede"), visit("admin")
    first.post(f"/gesprekken/{id_}/notities", notitie="een")
    note = repository.read(id_, ACTOR).notes[0].id
    assert second.post(f"/gesprekken/{id_}/notities/{note}/weg").status_code == 403
    assert admin.post(f"/gesprekken/{id_}/notities/{note}/weg").status_code == 303
    assert repository.read(id_, ACTOR).notes == ()


def test_a_note_that_is_too_long_stays_in_its_box(team: Team, visit: Any, database: Database) -> None:
    (id_,) = store.add(database, [store.conversation()])
    moderator = visit("moderator")
    assert moderator.post(f"/gesprekken/{id_}/notities", notitie="woord " * 700).status_code == 422
    assert "woord woord" in moderator.text and "1 tot 4000 tekens" in moderator.text


def message_of(repository: Repository, id_: int, sender: str) -> Any:
    return next(message for message in repository.read(id_, ACTOR).messages if message.sender == sender)


def test_correcting_and_taking_it_back(team: Team, visit: Any, database: Database, repository: Repository) -> None:
    (id_,) = store.add(database, [store.conversation()])
    moderator = visit("moderator")
    message = message_of(repository, id_, "user").id

    def choose(choice: str) -> Any:
        moderator.get(f"/gesprekken/{id_}")
        assert (
            moderator.post(f"/gesprekken/{id_}/berichten/{message}/verbeteren", keuze=choice, version=moderator.version()).status_code
            == 303
        )
        return message_of(repository, id_, "user")

    assert choose("intent=ask_tips").corrected_intent == "ask_tips"
    assert choose("role=bystander").corrected_facets["role"] == "bystander"
    assert choose("forms=gossip").corrected_facets["forms"] == ["insult", "gossip"]
    assert choose("forms=insult").corrected_facets["forms"] == ["gossip"]
    assert choose("repeated=true").corrected_facets["repeated"] is True
    assert "context" not in choose("context=").corrected_facets
    now = message_of(repository, id_, "user")
    assert {(chip.facet, chip.value): chip.state for chip in chips(now)} == {
        ("role", "victim"): "removed", ("role", "bystander"): "added", ("kind", "bullying"): "read", ("context", "school"): "removed",
        ("forms", "insult"): "removed", ("forms", "gossip"): "added", ("repeated", True): "added",
    }  # fmt: skip
    undone = choose("undo=")
    assert undone.corrected_intent is None and undone.corrected_facets is None


def test_choosing_what_the_bot_read_is_no_correction(team: Team, database: Database, repository: Repository) -> None:
    (id_,) = store.add(database, [store.conversation()])
    message = message_of(repository, id_, "user")
    assert with_choice(message, "role", "victim") is None
    assert told(message.facets) == {"role": "victim", "kind": "bullying", "context": "school", "forms": ["insult"]}


@pytest.mark.parametrize("choice", ["role=king", "intent=nothing", "concern=maybe", "colour=red", "", "crisis=<b>", "forms=insult,gossip"])
def test_a_choice_that_is_none_changes_nothing(team: Team, visit: Any, database: Database, repository: Repository, choice: str) -> None:
    (id_,) = store.add(database, [store.conversation()])
    moderator = visit("moderator")
    message = message_of(repository, id_, "user").id
    assert moderator.post(f"/gesprekken/{id_}/berichten/{message}/verbeteren", keuze=choice, version="0").status_code == 422
    assert message_of(repository, id_, "user").corrected_facets is None


def test_a_message_of_another_conversation_cannot_be_reached(team: Team, visit: Any, database: Database, repository: Repository) -> None:
    first, second = store.add(database, [store.conversation(), store.conversation()])
    message = message_of(repository, second, "user").id
    assert (
        visit("moderator").post(f"/gesprekken/{first}/berichten/{message}/verbeteren", keuze="role=parent", version="0").status_code == 404
    )


def test_a_verdict_with_its_reason(team: Team, visit: Any, database: Database, repository: Repository) -> None:
    (id_,) = store.add(database, [store.conversation()])
    moderator = visit("moderator")
    message = message_of(repository, id_, "bot").id
    moderator.get(f"/gesprekken/{id_}")
    moderator.post(f"/gesprekken/{id_}/berichten/{message}/oordeel", oordeel="fout", reden="Te lang", version=moderator.version())
    moderator.get(f"/gesprekken/{id_}")
    assert "Fout: Te lang" in re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", moderator.text))
    moderator.post(f"/gesprekken/{id_}/berichten/{message}/oordeel", oordeel="goed", version=moderator.version())
    assert (message_of(repository, id_, "bot").good, message_of(repository, id_, "bot").reason) == (True, "")
    moderator.get(f"/gesprekken/{id_}")
    moderator.post(f"/gesprekken/{id_}/berichten/{message}/oordeel", oordeel="geen", version=moderator.version())
    assert message_of(repository, id_, "bot").good is None
    assert moderator.post(f"/gesprekken/{id_}/berichten/{message}/oordeel", oordeel="x", version="0").status_code == 422


def test_the_second_of_two_moderators_is_told_and_loses_nothing(team: Team, visit: Any, database: Database, repository: Repository) -> None:
    (id_,) = store.add(database, [store.conversation()])
    team.add("tweede", "moderator")
    first, second = visit("moderator"), visit("tweede")
    first.get(f"/gesprekken/{id_}")
    second.get(f"/gesprekken/{id_}")
    stale = second.version()
    message = message_of(repository, id_, "bot").id
    assert first.post(f"/gesprekken/{id_}/status", status="done", version=first.version()).status_code == 303
    answer = second.post(f"/gesprekken/{id_}/berichten/{message}/oordeel", oordeel="fout", reden="Noemt de school niet", version=stale)
    assert answer.status_code == 409
    assert "paste dit gesprek aan terwijl jij las" in second.text and "Noemt de school niet" in second.text and "moderator, " in second.text
    assert message_of(repository, id_, "bot").good is None, "nothing was overwritten"
    conflict = second.text.split('class="conflict"')[1].split("</form>")[0]
    kept = dict(re.findall(r'name="(\w+)" value="([^"]*)"', conflict))
    assert (
        second.post(
            f"/gesprekken/{id_}/berichten/{message}/oordeel", oordeel=kept["oordeel"], reden=kept["reden"], version=kept["version"]
        ).status_code
        == 303
    )
    assert message_of(repository, id_, "bot").reason == "Noemt de school niet"
    assert repository.read(id_, ACTOR).summary.status == "done", "what the first did stays"


def test_two_notes_and_two_tags_at_once_are_both_kept(team: Team, visit: Any, database: Database, repository: Repository) -> None:
    (id_,) = store.add(database, [store.conversation()])
    team.add("tweede", "moderator")
    for who in (visit("moderator"), visit("tweede")):
        who.post(f"/gesprekken/{id_}/notities", notitie="van iemand", version="0")
        who.post(f"/gesprekken/{id_}/labels", label=f"label {who.client}"[:20], version="0")
    assert len(repository.read(id_, ACTOR).notes) == 2


def test_erasing_is_for_administrators_and_leaves_nothing(team: Team, visit: Any, database: Database) -> None:
    (id_,) = store.add(database, [store.conversation()])
    assert visit("moderator").post(f"/gesprekken/{id_}/wissen").status_code == 403
    assert visit("admin").post(f"/gesprekken/{id_}/wissen").status_code == 303
    assert visit("reader").get(f"/gesprekken/{id_}").status_code == 404


# --- answers to questions, and whether anybody needs help ---


def add_message(database: Database, id_: int, position: int, intent: str, what: str = "text", **sealed: Any) -> int:
    """One more message of the user in a conversation; its id."""
    with database.writing() as session:
        row = models.Message(
            conversation_id=id_,
            position=position,
            at=time.time(),
            sender="user",
            kind=what,
            intent=intent,
            sealed=database.keys.seal(sealed),
        )
        session.add(row)
        session.flush()
        return int(row.id)


def read_of(text: str, message: int) -> str:
    """What the console says that the bot understood of a message, in words."""
    turn = text.partition(f'id="b{message}"')[2].partition('class="turn"')[0]
    return " ".join(re.sub(r"<[^>]+>", " ", turn.partition('class="read"')[2].partition(">")[2].partition("</div>")[0]).split())


def test_an_answer_says_which_question_it_answered(team: Team, visit: Any, database: Database) -> None:
    (id_,) = store.add(database, [store.conversation()])
    typed = add_message(database, id_, 7, "answer", text="13", question="age_band", facets={"age_band": "12_17"})
    helped = add_message(database, id_, 8, "answer", text="de juf", question="tried", facets={"tried": "internal"})
    tapped = add_message(database, id_, 9, "answer", "tap", text="Op school", question="context")
    before = add_message(database, id_, 10, "nlu_fallback", text="14", facets={"kind": "none"})
    reader = visit("reader")
    reader.get(f"/gesprekken/{id_}")
    assert read_of(reader.text, typed) == "Begrepen Antwoordt op de vraag Vraag: Leeftijd Leeftijd 12 tot 17"
    assert read_of(reader.text, helped).endswith("Vraag: Al geprobeerd Al geprobeerd Bij leerkracht, trainer of leiding")
    assert read_of(reader.text, tapped) == "Knop Antwoordt op de vraag Vraag: Waar"
    assert read_of(reader.text, before) == "Begrepen Niet begrepen", "kept before answers were"


def test_an_answer_can_be_corrected(team: Team, visit: Any, database: Database, repository: Repository) -> None:
    (id_,) = store.add(database, [store.conversation()])
    message = add_message(database, id_, 7, "answer", text="de juf slaat mij", question="tried", facets={"tried": "internal"})
    moderator = visit("moderator")
    moderator.get(f"/gesprekken/{id_}")
    assert f'data-correct="tried" data-message="{message}"' not in moderator.text, "how far help was sought is no label"
    moderator.post(f"/gesprekken/{id_}/berichten/{message}/verbeteren", keuze="forms=physical", version=moderator.version())
    found = next(item for item in repository.read(id_, ACTOR).messages if item.id == message)
    assert found.corrected_facets == {"forms": ["physical"]}
    assert [(chip.facet, chip.state) for chip in chips(found)] == [("tried", "read"), ("forms", "added")]


def test_whether_anybody_needs_help_is_shown_and_corrected(team: Team, visit: Any, database: Database, repository: Repository) -> None:
    (id_,) = store.add(database, [store.conversation()])
    calm = add_message(database, id_, 7, "describe", text="gewonnen!", facets={"concern": False}, confidences={"concern": 0.81})
    moderator = visit("moderator")
    worried = message_of(repository, id_, "user").id

    def choose(message: int, choice: str) -> Any:
        moderator.get(f"/gesprekken/{id_}")
        answer = moderator.post(f"/gesprekken/{id_}/berichten/{message}/verbeteren", keuze=choice, version=moderator.version())
        assert answer.status_code == 303
        return next(item for item in repository.read(id_, ACTOR).messages if item.id == message)

    moderator.get(f"/gesprekken/{id_}")
    assert read_of(moderator.text, calm).startswith("Begrepen Vertelt wat er gebeurt Hulp nodig Nee 81%")
    assert "Hulp nodig" not in read_of(moderator.text, worried)
    assert choose(worried, "concern=false").corrected_facets["concern"] is False
    assert choose(worried, "concern=true").corrected_facets is None, "as the bot read it"
    assert [(chip.facet, chip.value, chip.state) for chip in chips(choose(calm, "concern=true"))] == [("concern", False, "removed")]
    assert choose(calm, "concern=false").corrected_facets is None


# --- files ---


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "  =HYPERLINK(1)", "\u00a0=1", "\u200b=1", "＝1"])
def test_no_cell_is_a_formula(cell: str) -> None:
    assert safe_cell(cell).startswith("'")


@pytest.mark.parametrize("cell", ["gewoon", "a=b", "", 5, "'t is goed"])
def test_an_ordinary_cell_stays_as_it_is(cell: Any) -> None:
    assert safe_cell(cell) == cell


def test_the_list_as_a_file(team: Team, visit: Any, database: Database, app: Flask) -> None:
    store.add(
        database,
        [
            store.conversation('=HYPERLINK("http://x";"klik")'),
            store.conversation('zin; met "tekens"\nen een nieuwe regel'),
            store.conversation(road="parent"),
        ],
    )
    admin = visit("admin")
    answer = admin.post("/gesprekken.csv?wie=victim")
    assert answer.mimetype == "text/csv" and "attachment" in answer.headers["Content-Disposition"]
    rows = list(csv.DictReader(io.StringIO(answer.get_data(as_text=True).removeprefix("\ufeff")), delimiter=";"))
    assert {row["Eerste woorden"] for row in rows} == {'\'=HYPERLINK("http://x";"klik")', 'zin; met "tekens" en een nieuwe regel'}
    assert {row["Wie schrijft"] for row in rows} == {"Wordt gepest"}
    assert "conversations exported" in {entry.action for entry in app.extensions["console"].logins.audit.entries()}
