"""The signpost: a situation in, one question or one advice out.

Rules in ``content/rules/`` add and forbid; this module only weighs them. What it adds of its own are the limits of the
design: at most three tips and three referrals, services that fit, one of them reachable now, and questions only where the
answer would change the advice.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from bot.wegwijzer import schema
from bot.wegwijzer.content import Content
from bot.wegwijzer.hours import State, service_opening
from bot.wegwijzer.situation import CONDITION_FACETS, Situation
from bot.wegwijzer.vocabulary import Urgency

MAX_TIPS = 3
MAX_STEPS = 3
MAX_REFERRALS = 3

#: A referral at or above this weight is never displaced to make room for one that must be named or that is open now.
FIRM_WEIGHT = 90

# How much a difference in the advice counts when it is decided whether a question is worth asking.
_URGENCY_CHANGED = 4.0
_FIRST_REFERRAL_CHANGED = 2.0
_REFERRAL_CHANGED = 0.5
_TIP_CHANGED = 0.34
_STEP_CHANGED = 0.34

Tokens = dict[str, frozenset[str]]


@dataclass(frozen=True)
class Referral:
    """A service that is named, and why."""

    id: str
    why: str


@dataclass(frozen=True)
class RuleUse:
    """A rule that fired, with its source in one line."""

    id: str
    source: str


@dataclass(frozen=True)
class Advice:
    """What the bot says. ``steps`` are platform step ids (``instagram.block``); ``reachable`` is a named service that is known
    to be open at this moment, or None when no hours are known well enough to say so."""

    urgency: str
    referrals: tuple[Referral, ...]
    tips: tuple[str, ...]
    steps: tuple[str, ...]
    follow_up: tuple[str, ...]
    acknowledgement: str | None
    reachable: str | None
    rules: tuple[RuleUse, ...]

    @property
    def ids(self) -> tuple[str, ...]:
        """Everything that is shown: tips, steps and referrals."""
        return (*self.tips, *self.steps, *(referral.id for referral in self.referrals))

    def without(self, shown: Collection[str]) -> Advice:
        """What is new to somebody to whom these tips, steps and referrals were shown already."""
        return replace(
            self,
            tips=tuple(tip for tip in self.tips if tip not in shown),
            steps=tuple(step for step in self.steps if step not in shown),
            referrals=tuple(referral for referral in self.referrals if referral.id not in shown),
        )

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready, as ``wegwijzer advise`` prints it."""
        return {
            "urgency": self.urgency,
            "ask": None,
            "referrals": [{"id": item.id, "why": item.why} for item in self.referrals],
            "tips": list(self.tips),
            "steps": list(self.steps),
            "follow_up": list(self.follow_up),
            "acknowledgement": self.acknowledgement,
            "reachable": self.reachable,
            "rules": [{"id": rule.id, "source": rule.source} for rule in self.rules],
        }


@dataclass(frozen=True)
class Ask:
    """One question whose answer would change the advice. ``options`` are pairs of value and label."""

    facet: str
    text: str
    options: tuple[tuple[str, str], ...]
    gain: float


@dataclass(frozen=True)
class _CompiledRule:
    rule: schema.Rule
    holds: Callable[[Tokens], bool]
    use: RuleUse


@dataclass(frozen=True)
class _CompiledQuestion:
    question: schema.Question
    wanted: Callable[[Tokens], bool]
    options: tuple[tuple[schema.Option, Callable[[Tokens], bool]], ...]


def compile_condition(condition: schema.Condition) -> Callable[[Tokens], bool]:
    """A condition as a function of a situation's tokens (see :meth:`Situation.tokens`)."""
    wanted = tuple((facet, frozenset(getattr(condition, facet))) for facet in CONDITION_FACETS if getattr(condition, facet))
    refused = tuple(compile_condition(inner) for inner in condition.not_)
    either = tuple(compile_condition(inner) for inner in condition.any)

    def holds(tokens: Tokens) -> bool:
        for facet, values in wanted:
            if tokens[facet].isdisjoint(values):
                return False
        for inner in refused:
            if inner(tokens):
                return False
        return not either or any(inner(tokens) for inner in either)

    return holds


def fits(helpline: schema.Helpline, situation: Situation) -> bool:
    """Whether a service is meant for somebody in this situation. What is unknown excludes nothing."""
    audience = helpline.audience
    for known, allowed in (
        (situation.role, audience.roles),
        (situation.age_band, audience.ages),
        (situation.context, audience.contexts),
    ):
        if known is not None and allowed and known not in {value.value for value in allowed}:
            return False
    return True


class Signpost:
    """The decision logic over one reading of ``content/``. Deterministic; the clock is an argument."""

    def __init__(self, content: Content) -> None:
        self.content = content
        self._rules = [
            _CompiledRule(
                rule=rule,
                holds=compile_condition(rule.when),
                use=RuleUse(rule.id, f"{', '.join(rule.source.rows)} ({rule.source.file}): {rule.source.passage}"),
            )
            for rule in content.rules
        ]
        self._questions = {
            facet: _CompiledQuestion(
                question=question,
                wanted=compile_condition(question.only_if) if question.only_if else _always,
                options=tuple((option, compile_condition(option.only_if) if option.only_if else _always) for option in question.options),
            )
            for facet, question in content.questions.questions.items()
        }
        self._place = {name: place for place, name in enumerate(content.helplines)}
        self._cached_advice = lru_cache(maxsize=8192)(self._advise)
        self._open_in_minute = lru_cache(maxsize=8)(self._find_open)

    # --- advice ------------------------------------------------------------------------------------------------------

    def advise(self, situation: Situation, now: dt.datetime) -> Advice:
        """What to say if it has to be said now."""
        return self._cached_advice(_without_asked(situation), self._open_now(now))

    def _open_now(self, now: dt.datetime) -> frozenset[str]:
        # Services open and close on whole minutes, so that what is open need not be worked out again within one.
        return self._open_in_minute(now.replace(second=0, microsecond=0))

    def _find_open(self, now: dt.datetime) -> frozenset[str]:
        return frozenset(name for name, helpline in self.content.helplines.items() if service_opening(helpline, now).state is State.OPEN)

    def _advise(self, situation: Situation, open_now: frozenset[str]) -> Advice:
        tokens = situation.tokens()
        fired = [compiled for compiled in self._rules if compiled.holds(tokens)]
        rules = [compiled.rule for compiled in fired]
        referrals, reachable = self._referrals(rules, situation, open_now)
        acknowledgements = [rule.add.acknowledgement for rule in rules if rule.add.acknowledgement]
        best = max(acknowledgements, key=lambda add: add.weight, default=None)
        return Advice(
            urgency=_most_urgent(rules),
            referrals=referrals,
            tips=self._ranked_tips(rules)[:MAX_TIPS],
            steps=self._steps(rules, situation),
            follow_up=tuple(dict.fromkeys(page for rule in rules for page in rule.add.follow_up)),
            acknowledgement=best.id if best else None,
            reachable=reachable,
            rules=tuple(compiled.use for compiled in fired),
        )

    def _referrals(
        self, rules: list[schema.Rule], situation: Situation, open_now: frozenset[str]
    ) -> tuple[tuple[Referral, ...], str | None]:
        forbidden = {name for rule in rules for name in rule.forbid.referrals}
        best: dict[str, schema.AddReferral] = {}
        kept: set[str] = set()
        for rule in rules:
            for add in rule.add.referrals:
                if add.id in forbidden or "all" in forbidden or not fits(self.content.helplines[add.id], situation):
                    continue
                if add.keep:
                    kept.add(add.id)
                if add.id not in best or add.weight > best[add.id].weight:
                    best[add.id] = add
        ranked = sorted(best.values(), key=lambda add: (-add.weight, self._place[add.id]))
        chosen = _shown(ranked, kept)
        if not any(add.id in open_now for add in chosen):
            # Make room for a service that answers now: it takes the place of the lowest that need not stay.
            other = next((add.id for add in ranked if add.id in open_now), None)
            if other is not None:
                chosen = _shown(ranked, {*kept, other})
        reachable = next((add.id for add in chosen if add.id in open_now), None)
        return tuple(Referral(add.id, add.why) for add in chosen), reachable

    def _fired(self, situation: Situation) -> list[schema.Rule]:
        tokens = situation.tokens()
        return [compiled.rule for compiled in self._rules if compiled.holds(tokens)]

    def _ranked_tips(self, rules: list[schema.Rule]) -> tuple[str, ...]:
        forbidden = {name for rule in rules for name in rule.forbid.tips}
        lowest = max((rule.forbid.tips_below for rule in rules), default=0)
        no_capture = any(rule.forbid.captures_image for rule in rules)
        no_parents = any(rule.forbid.involves_parents for rule in rules)
        weights: dict[str, int] = {}
        for rule in rules:
            for add in rule.add.tips:
                tip = self.content.tips[add.id]
                refused = (no_capture and tip.captures_image) or (no_parents and tip.involves_parents)
                if add.id in forbidden or "all" in forbidden or refused or add.weight < lowest:
                    continue
                weights[add.id] = max(add.weight, weights.get(add.id, 0))
        ranked = sorted(weights, key=lambda name: (-weights[name], name))
        return tuple(ranked)

    def all_tips(self, situation: Situation) -> tuple[str, ...]:
        """Every tip that fits a situation, best first."""
        return self._ranked_tips(self._fired(situation))

    def _steps(self, rules: list[schema.Rule], situation: Situation) -> tuple[str, ...]:
        forbidden = {name for rule in rules for name in rule.forbid.steps}
        if any(rule.forbid.captures_image for rule in rules):
            forbidden.add("evidence")
        wanted = dict.fromkeys(step for rule in rules for step in rule.add.steps)
        if "all" in forbidden:
            return ()
        ordered = sorted((step for step in wanted if step not in forbidden), key=schema.STEP_KINDS.index)
        return tuple(self.step_id(situation.platform, step) for step in ordered[:MAX_STEPS])

    def step_id(self, platform: str | None, step: str) -> str:
        """``platform.step`` where that step is sourced for the platform, else ``general.step``."""
        known = self.content.platforms.get(platform) if platform else None
        return f"{platform}.{step}" if known and step in known.steps else f"general.{step}"

    # --- questions ---------------------------------------------------------------------------------------------------

    def next_step(self, situation: Situation, now: dt.datetime) -> Ask | Advice:
        """The one question whose answer is expected to change the advice most, or else the advice.

        Urgent situations are never asked anything first (safety rule 1). ``situation.asked`` counts against the maximum.
        """
        advice = self.advise(situation, now)
        if advice.urgency != Urgency.NORMAL.value or len(situation.asked) >= self.content.questions.max_questions:
            return advice
        return self.best_question(situation, now) or advice

    def best_question(self, situation: Situation, now: dt.datetime) -> Ask | None:
        """The question with the highest gain, if it reaches ``min_gain``; ties go to the first in questions.yml."""
        best: Ask | None = None
        for ask in self._questions_worth(situation, self._open_now(now)):
            if best is None or ask.gain > best.gain:
                best = ask
        return best if best and best.gain >= self.content.questions.min_gain else None

    def _questions_worth(self, situation: Situation, open_now: frozenset[str]) -> Iterator[Ask]:
        tokens = situation.tokens()
        plain = _without_asked(situation)
        before = self._cached_advice(plain, open_now)
        for facet, compiled in self._questions.items():
            if facet in situation.asked or tokens[facet] != _UNKNOWN_ONLY or not compiled.wanted(tokens):
                continue
            offered = [option for option, wanted in compiled.options if wanted(tokens)]
            total = sum(option.likely for option in offered)
            gain = sum(
                option.likely
                / total
                * _difference(before, self._cached_advice(plain.with_facet(facet, facet_value(facet, option.value)), open_now))
                for option in offered
            )
            if gain > 0:
                yield self._ask(facet, situation, offered, gain)

    def question_for(self, facet: str, situation: Situation) -> Ask:
        """A question that was chosen before, put again."""
        return self._ask(facet, situation, self.options_for(facet, situation), 0.0)

    def options_for(self, facet: str, situation: Situation) -> list[schema.Option]:
        """The options of a question that are offered in a situation."""
        tokens = situation.tokens()
        return [option for option, wanted in self._questions[facet].options if wanted(tokens)]

    def _ask(self, facet: str, situation: Situation, offered: list[schema.Option], gain: float) -> Ask:
        texts = self.content.questions.questions[facet].text
        text = texts.get(situation.role or "default", texts["default"])
        return Ask(facet, text, tuple((option.value, option.label) for option in offered), round(gain, 4))


_UNKNOWN_ONLY = frozenset({"unknown"})


def _shown(ranked: list[schema.AddReferral], kept: set[str]) -> list[schema.AddReferral]:
    """The referrals that are shown, best first: those of firm weight, then those that must be named, then the others by weight."""
    order = sorted(ranked, key=lambda add: 0 if add.weight >= FIRM_WEIGHT else 1 if add.id in kept else 2)
    chosen = {add.id for add in order[:MAX_REFERRALS]}
    return [add for add in ranked if add.id in chosen]


def facet_value(facet: str, value: str) -> Any:
    """The value of a facet as a situation holds it, from the way it is written on a button or in a rule."""
    return {"true": True, "false": False}.get(value, value) if facet not in ("forms", "platform") else value


def _always(_tokens: Tokens) -> bool:
    return True


def _without_asked(situation: Situation) -> Situation:
    return situation if not situation.asked else Situation(**{**situation.__dict__, "asked": ()})


def _most_urgent(rules: list[schema.Rule]) -> str:
    stated = {rule.urgency for rule in rules}
    return next((urgency.value for urgency in Urgency if urgency in stated), Urgency.NORMAL.value)


def _difference(one: Advice, other: Advice) -> float:
    """How much two advices differ for the person who gets them; 0 means: word for word the same content."""
    score = 0.0
    if one.urgency != other.urgency:
        score += _URGENCY_CHANGED
    ones, others = [item.id for item in one.referrals], [item.id for item in other.referrals]
    if ones[:1] != others[:1]:
        score += _FIRST_REFERRAL_CHANGED
    score += _REFERRAL_CHANGED * len(set(ones) ^ set(others)) / 2
    score += _TIP_CHANGED * len(set(one.tips) ^ set(other.tips)) / 2
    score += _STEP_CHANGED * len(set(one.steps) ^ set(other.steps)) / 2
    return score
