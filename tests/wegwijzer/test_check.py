"""``content check``: each kind of mistake is found in content that is otherwise sound, and the real content has none."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from bot.wegwijzer.check import FRESH_DAYS, REQUIRED_ROWS, check_content, rows_named, situations_for, witness
from bot.wegwijzer.content import DEFAULT_FOLDER, Content, load_content
from bot.wegwijzer.schema import Condition
from bot.wegwijzer.situation import Situation

TODAY = dt.date(2026, 11, 20)

Change = Callable[[str, str, str], tuple[list[str], list[str]]]


@pytest.fixture
def after(tmp_path: Path) -> Change:
    """Changes one place in a copy of the content and checks it."""
    folder = Path(shutil.copytree(DEFAULT_FOLDER, tmp_path / "content"))

    def change(name: str, old: str, new: str) -> tuple[list[str], list[str]]:
        text = (folder / name).read_text(encoding="utf-8")
        assert old in text, f"{name} no longer has {old!r}"
        (folder / name).write_text(text.replace(old, new, 1), encoding="utf-8")
        return check_content(load_content(folder), TODAY)

    return change


def test_the_real_content_is_sound(content: Content) -> None:
    problems, _remarks = check_content(content, TODAY)
    assert problems == []


@pytest.mark.parametrize(
    ("name", "old", "new", "said"),
    [
        (
            "tips.yml",
            'title: "Bewaar het bewijs"',
            'title: "Desgevallend bewijsmateriaal systematisch en chronologisch archiveren alsook documenteren"',
            "tips.yml: save_evidence > title: moeilijk te lezen, leesgemak",
        ),
        (
            "tips.yml",
            "Laat de ander nu niet alleen.",
            "Laat de ander nu zeker niet alleen, ook niet als die zegt dat het al wel weer gaat.",
            "tips.yml: crisis_stay_with > do: moeilijk te lezen, een zin van 18 woorden (hoogstens 12 voor A2)",
        ),
        (
            "texts.yml",
            'more_tips: "Meer tips"',
            'more_tips: "Bel 0477 12 34 56"',
            "texts.yml: buttons > more_tips: het nummer 0477 12 34 56 staat niet in",
        ),
        ("texts.yml", "Is er gevaar? Bel 112.", "Is er gevaar? Bel 110.", "het nummer 110 mag niet meer gebruikt worden"),
        ("helplines.yml", 'value: "102"', 'value: "103"', "helplines.yml: awel: het nummer 103 mag niet meer gebruikt worden"),
        ("helplines.yml", 'aliases: ["102",', 'aliases: ["107",', "helplines.yml: awel: het nummer 107 mag niet meer gebruikt worden"),
        (
            "tips.yml",
            "Chat of bel met Awel.",
            "Bel met Awel van 16 tot 22 uur.",
            "tips.yml: worry_talk > do: een openingsuur hoort in helplines.yml",
        ),
        ("platforms.yml", "kind: O", "kind: W", "platforms.yml: general > steps > evidence: de bron is zwak (W)"),
        (
            "platforms.yml",
            "Je kan meteen ook nieuwe accounts van die persoon blokkeren.",
            "De ander krijgt geen melding.",
            "platforms.yml: instagram > steps > block > text: de melding aan de ander staat al in 'notifies'",
        ),
        ("tips.yml", "    captures_image: true\n", "", "tips.yml: save_evidence > captures_image: de tip vraagt een screenshot"),
        (
            "rules/parent.yml",
            "when: {role: parent, kind: conflict,",
            "when: {role: parent, not: {role: known}, kind: conflict,",
            "rules/parent.yml: parent.conflict > when: deze voorwaarde kan nooit kloppen",
        ),
        (
            "rules/parent.yml",
            "- {id: watwat, weight: 20,",
            "- {id: nom, weight: 20,",
            "rules/parent.yml: parent.conflict > referrals > nom: deze dienst is volgens 'audience' in helplines.yml nooit",
        ),
        (
            "questions.yml",
            'label: "Alleen online", likely: 14, only_if: {not: {role: supervisor}}',
            'label: "Alleen online", likely: 14, only_if: {role: parent, not: {role: parent}}',
            "questions.yml: context > options > Alleen online > only_if: deze voorwaarde kan nooit kloppen",
        ),
        (
            "answers.yml",
            "      - when: {role: supervisor}\n",
            "      - when: {}\n",
            "answers.yml: is_it_bullying > variants > nummer 2: komt nooit aan de beurt",
        ),
        ("rules/supervisor.yml", "rows: [P10]", "rows: [B1]", ""),
        ("examples.yml", "  S11: {what:", "  S99: {what:", "examples.yml: er is geen voorbeeld voor S11"),
        ("rules/young_person.yml", "rows: [P10]", "rows: [R7]", "young.other_form_young > rows: R7 is geen rij van de vereisten"),
    ],
)
def test_a_problem_is_found(name: str, old: str, new: str, said: str, after: Change) -> None:
    problems, _remarks = after(name, old, new)
    assert any(said in line for line in problems) or (not said and not problems), problems


def test_the_last_variant_must_be_for_everybody(after: Change) -> None:
    problems, _remarks = after(
        "answers.yml",
        '      - text:\n          - "Pesten herken je',
        '      - when: {role: victim}\n        text:\n          - "Pesten herken je',
    )
    assert "answers.yml: is_it_bullying > variants: de laatste mag geen 'when' hebben, want iedereen moet een antwoord krijgen" in problems


def test_a_row_that_nothing_names_is_a_problem(content: Content) -> None:
    without = {road: file for road, file in content.roads.items() if road != "adult_at_work"}
    answers = {name: answer.copy(update={"rows": [row for row in answer.rows if row != "P6"]}) for name, answer in content.answers.items()}
    roads = {
        road: file.copy(update={"rules": [rule for rule in file.rules if "P6" not in rule.source.rows]}) for road, file in without.items()
    }
    changed = Content(**{**content.__dict__, "roads": roads, "answers": answers})
    assert any("noemt P6" in line for line in check_content(changed, TODAY)[0])
    assert "P6" not in rows_named(changed)


def test_every_row_is_named(content: Content) -> None:
    assert set(REQUIRED_ROWS) <= set(rows_named(content))
    assert set(REQUIRED_ROWS) == set(content.examples)


def test_facts_grow_old(content: Content) -> None:
    verified = content.helplines["awel"].verified_on
    on_time = check_content(content, verified + dt.timedelta(days=FRESH_DAYS))
    too_late = check_content(content, verified + dt.timedelta(days=FRESH_DAYS + 1))
    assert not [line for line in on_time[1] if "verified_on" in line]
    assert "helplines.yml: awel > verified_on: 181 dagen geleden nagekeken; kijk het na en pas de datum aan" in too_late[1]
    assert any(line.startswith("platforms.yml: instagram > steps > block > verified_on") for line in too_late[1])
    assert too_late[0] == [], "an old fact is a remark, it does not stop the bot"


@pytest.mark.parametrize(
    ("name", "old", "new", "said"),
    [
        (
            "tips.yml",
            "tips:\n",
            'tips:\n  spare:\n    title: "Iets"\n    do: "Doe iets."\n    source: [{seed: "002"}]\n',
            "tips.yml: spare: geen regel geeft deze tip",
        ),
        (
            "texts.yml",
            "  dialogue:\n    level: B1\n    texts:\n",
            '  dialogue:\n    level: B1\n    texts:\n      spare_text: "Dag."\n',
            "texts.yml: dialogue > spare_text: wordt nergens",
        ),
        (
            "rules/young_person.yml",
            "- {id: noknok, weight: 34",
            "- {id: watwat, weight: 34",
            "helplines.yml: noknok: geen regel of antwoord noemt deze dienst",
        ),
        (
            "rules/supervisor.yml",
            "      follow_up: [sectors_rapid_response]\n",
            "",
            "answers.yml: sectors_rapid_response: niemand kan dit openen",
        ),
    ],
)
def test_what_nobody_can_reach_is_remarked_upon(name: str, old: str, new: str, said: str, after: Change) -> None:
    problems, remarks = after(name, old, new)
    assert any(said in line for line in remarks), remarks
    assert problems == []


def test_a_witness_is_a_situation_in_which_the_condition_holds() -> None:
    assert witness(Condition(**{"role": "victim", "not": {"age_band": "known"}})) == Situation(role="victim")
    assert witness(Condition(**{"role": "victim", "not": [{"role": ["victim", "bully"]}]})) is None
    assert witness(Condition(forms=["threat"], any=[{"platform": "known"}])) is not None


def test_situations_tell_conditions_apart() -> None:
    roles = {situation.role for situation in situations_for(Condition(role=["victim", "unknown"]))}
    assert {None, "victim"} < roles
    assert len(roles) == 3, "unknown, the value named, and one other"
