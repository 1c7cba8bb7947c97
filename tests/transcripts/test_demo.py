"""The people of the demonstration: what they say and tap fits what they began with, and the real bot answers them."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from actions.base import content
from actions.signpost import typed_answer
from bot.nlu.dataset import SAME_AS_EVALUATION, Example, Near, read_evaluation, read_training, wrong_labels
from bot.runtime.settings import load_settings
from bot.transcripts.accounts import Accounts
from bot.transcripts.applying import Applier
from bot.transcripts.database import open_database
from bot.transcripts.demo import fill
from bot.transcripts.demo_moderators import Moderators, reasons, slips
from bot.transcripts.demo_people import People, Person
from bot.transcripts.outbox import Entry
from bot.transcripts.record import Recorder
from bot.transcripts.repository import Repository
from bot.wegwijzer.listening import chosen_option
from bot.wegwijzer.render import payload
from bot.wegwijzer.situation import Situation
from bot.wegwijzer.vocabulary import Context, Crisis, Form

from .conftest import PAUSE, said, user

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


def test_everybody_begins_with_a_training_message_or_once_with_one_of_the_demonstration() -> None:
    people = People(random.Random(3))
    own = {*people.words["jokes"], *(line["say"] for line in people.words["hard"])}
    begun = [people.make().begin() for _time in range(3000)]
    assert set(begun) - own <= {example.text for example in read_training()}
    assert sorted(text for text in begun if text in own) == sorted(own), "each stands once in so many"


def test_what_is_meant_by_hard_messages_is_written_as_in_training(people: People) -> None:
    hard = [
        Example("demo.yml", "describe", line["say"], {label: line[label] for label in line if label != "say"})
        for line in people.words["hard"]
    ]
    assert wrong_labels(hard) == []


def test_who_types_an_answer_says_what_the_button_says(people: People) -> None:
    """Words that the bot takes for that answer, whoever is asked."""
    for facet, by_value in people.words["typed"].items():
        for value, words in by_value.items():
            for word in words:
                turn = SimpleNamespace(text=word)
                options = content().questions.questions[facet].options
                yes = {"ja": "true", "nee": "false"}.get(word.split()[0])
                taken = typed_answer(turn, facet, Situation()) or chosen_option(word, options) or yes  # type: ignore[arg-type]
                assert taken == value, f"{facet}: {word}"


def test_no_line_stands_in_an_evaluation_file(people: People) -> None:
    told = [say for _role, say, _told in lines(people)] + people.words["jokes"] + [line["say"] for line in people.words["hard"]]
    evaluation = read_evaluation()
    near = Near(SAME_AS_EVALUATION, run=2)
    for text in evaluation:
        near.add(text)
    assert {say: near.like(say) for say in told if near.like(say)} == {}


# --- moderators ---


@pytest.mark.parametrize(
    ("read", "meant", "right"),
    [
        ({"role": "victim", "context": "school"}, {"role": "victim", "context": "school"}, {}),
        ({"role": "bystander"}, {"role": "parent"}, {"role": "parent"}),
        # Asked for, and not misread.
        ({}, {"role": "parent"}, {}),
        ({"role": "victim"}, {}, {}),
        ({}, {"context": "sport"}, {"context": "sport"}),
        ({"forms": ["insult"]}, {"forms": ["threat", "insult"]}, {"forms": ["threat", "insult"]}),
        # A careful reader leaves what may be meant.
        ({"forms": ["insult", "threat"]}, {"forms": ["insult"]}, {}),
        ({"crisis": "suicide"}, {}, {}),
        ({"crisis": "none"}, {"crisis": "abuse"}, {"crisis": "abuse"}),
        ({"crisis": "danger"}, {"crisis": "abuse"}, {}),
        ({"crisis": "suicide", "forms": ["threat"]}, {"concern": False}, {"crisis": "none", "concern": False, "forms": []}),
        ({"concern": False, "forms": ["insult"]}, {"concern": False}, {}),
    ],
)
def test_what_a_moderator_corrects(read: dict[str, Any], meant: dict[str, Any], right: dict[str, Any]) -> None:
    assert slips(read, meant) == right


@pytest.mark.parametrize("meant", [{"role": role} for role in ROLES] + [{"context": value.value} for value in Context]
    + [{"crisis": value.value} for value in Crisis if value is not Crisis.NONE] + [{"forms": [value.value]} for value in Form] + [{"concern": False}])  # fmt: skip
def test_whatever_is_corrected_there_are_words_for_it(people: People, meant: dict[str, Any]) -> None:
    other = "bully" if meant.get("role") == "victim" else "victim"
    for crisis in ("none", "suicide"):
        read = {"role": other, "crisis": crisis}
        right = slips(read, meant)
        words = people.words["moderators"]
        for group in ("wrong", "notes"):
            assert not right or any(name in words[group] for name in reasons(read, right)), (group, right)


class Certain(random.Random):
    """Chance of which whatever can happen happens."""

    def random(self) -> float:
        return 0.0


def test_a_joke_that_was_read_as_a_crisis_is_put_right(people: People, tmp_path: Path) -> None:
    database = open_database(load_settings(data_dir=tmp_path))
    database.migrate()
    event = user("ik spring onder een trein pff", crisis="suicide", kind="none")
    made = Recorder(database.keys).turn("s", [event, said("bel 1813")])
    assert made
    with database.writing() as session:
        Applier(database, PAUSE).apply([Entry(made["id"], made["key"], made["at"], "turn", database.keys.seal(made))], session)
    repository = Repository(database)
    account = Accounts(database).create("Demo", None, "moderator", "demo")
    (item,) = repository.list().items
    words = people.words["moderators"]
    moderators = Moderators(repository, Certain(1), words, account, "demo")
    moderators.work_on(item.id, [Example("demo.yml", "describe", "ik spring onder een trein pff", {"concern": False})])
    whole = repository.read(item.id, "demo")
    assert whole.messages[0].corrected_facets == {"kind": "none", "concern": False}
    assert (whole.messages[1].good, whole.messages[1].reason in words["wrong"]["crisis.none"]) == (False, True)
    assert whole.notes[0].text in words["notes"]["crisis.none"]
    assert whole.summary.tags == ("vals alarm",)
    database.close()


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
