"""The people of the demonstration: what they say and tap fits what they began with, and the real bot answers them."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bot.nlu.dataset import SAME_AS_EVALUATION, Example, Near, read_evaluation, read_training
from bot.runtime.settings import load_settings
from bot.transcripts.database import open_database
from bot.transcripts.demo import fill
from bot.transcripts.demo_people import People, Person
from bot.transcripts.repository import Repository
from bot.wegwijzer.render import payload

ROLES = ("victim", "bystander", "bully", "parent", "supervisor", "other")
VICTIM = {"role": "victim", "kind": "bullying", "context": "sport", "forms": ["insult"]}


@pytest.fixture(scope="module")
def people() -> People:
    return People(random.Random(1))


def lines(people: People) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Role, text and conditions of every line."""
    for role in ROLES:
        for group in people.words[role].values():
            for line in group:
                told = {"say": line} if isinstance(line, str) else line
                yield role, told["say"], told


def question(facet: str, *values: str) -> SimpleNamespace:
    options = [{"title": value, "payload": payload("answer", facet=facet, value=value)} for value in values]
    options.append({"title": "Ik weet het niet", "payload": payload("dont_know")})
    return SimpleNamespace(messages=[{"type": "question", "options": options}])


def answers(people: People, facets: dict[str, Any], reply: Any, text: str = "ze lachen mij uit") -> set[str]:
    """All that somebody with such a first message taps, of many times."""
    found = set()
    for _time in range(60):
        person = Person(people, [Example("x", "describe", text, facets)])
        person.begin()
        deed = person.next(reply)
        if deed and deed[0] == "tap":
            found.add(deed[1])
    return found


def said_by(people: People, facets: dict[str, Any], text: str = "ze lachen mij uit") -> set[str]:
    """All that somebody with such a first message types after it, of many times."""
    found = set()
    for _time in range(400):
        person = Person(people, [Example("x", "describe", text, facets)])
        person.begin()
        for _turn in range(9):
            deed = person.next(SimpleNamespace(messages=[]))  # type: ignore[arg-type]
            if deed is None:
                break
            found.add(deed[1])
    return found


def test_a_question_is_answered_with_what_was_told(people: People) -> None:
    assert answers(people, VICTIM, question("context", "school", "sport", "home")) == {payload("answer", facet="context", value="sport")}
    assert answers(people, VICTIM, question("forms", "threat", "insult")) == {payload("answer", facet="forms", value="insult")}
    assert answers(people, VICTIM, question("context", "school", "home")) == set(), "what was told is not offered: they leave"
    grown_up = question("adult_informed", "true", "false")
    assert answers(people, VICTIM, grown_up) == {payload("answer", facet="adult_informed", value="false")}
    assert answers(people, VICTIM, grown_up, "de trainer lacht mee") == {payload("answer", facet="adult_informed", value="true")}


def test_what_is_typed_fits_who_writes_and_what_was_told(people: People) -> None:
    general = {word for name in ("thanks", "refusals", "misread") for word in people.words[name]}
    for role in ROLES:
        facets = {"role": role, "kind": "bullying", "context": "sport", "forms": ["insult"]}
        typed = said_by(people, facets) - general
        own = {say for whose, say, told in lines(people) if whose == role and "sport" in told.get("context", ["sport"])}
        assert typed
        assert typed <= own, typed - own
    assert any("snapchat" in line for line in said_by(people, {**VICTIM, "platform": "snapchat"}))
    assert not any("None" in line or "{" in line for line in said_by(people, VICTIM))
    assert "ik durf er met niemand over praten" in said_by(people, VICTIM)
    assert "ik durf er met niemand over praten" not in said_by(people, VICTIM, "de trainer lacht mee")


def test_a_crisis_is_followed_by_nothing_else(people: People) -> None:
    typed = said_by(people, {"role": "parent", "crisis": "suicide"})
    general = {word for name in ("thanks", "refusals", "misread") for word in people.words[name]}
    assert typed - general <= set(people.words["parent"]["crisis"])
    assert typed - general


def test_everybody_begins_with_a_training_message(people: People) -> None:
    known = {example.text for example in read_training()}
    assert {people.make().begin() for _time in range(500)} <= known


def test_no_line_stands_in_an_evaluation_file(people: People) -> None:
    told = [say for _role, say, _told in lines(people)]
    evaluation = read_evaluation()
    near = Near(SAME_AS_EVALUATION, run=2)
    for text in evaluation:
        near.add(text)
    assert {say: near.like(say) for say in told if near.like(say)} == {}


def test_the_real_bot_answers_them(tmp_path: Path) -> None:
    settings = load_settings(data_dir=tmp_path)
    database = open_database(settings)
    database.migrate()
    said = fill(database, settings, 25)
    assert said.startswith("25 made-up conversations over 60 days")
    repository = Repository(database)
    page = repository.list(size=50)
    assert 20 <= page.total <= 25, "those who refuse are not there"
    for item in page.items:
        first = repository.read(item.id, "test").messages
        assert (first[0].sender, first[0].kind) == ("user", "text")
        assert any(message.sender == "bot" for message in first)
    with pytest.raises(Exception, match="holds conversations already"):
        fill(database, settings, 1)
    database.close()
