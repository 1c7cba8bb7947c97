"""The main action: a message or an answer in, one question or the advice out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from actions.base import Turn, WegwijzerAction, renderer, signpost
from actions.privacy import erase
from bot.nlu.entities import age_band
from bot.nlu.intents import DESCRIBE, FALLBACK
from bot.nlu.text import normalise
from bot.wegwijzer import listening
from bot.wegwijzer.signpost import Advice, Ask, facet_value
from bot.wegwijzer.situation import Situation
from bot.wegwijzer.vocabulary import HARMLESS, Kind, Role

#: Up to this many words an answer to a question holds nothing but the answer.
_SHORT_ANSWER = 4


def disclose(turn: Turn) -> None:
    """Say once, short, that this is a bot and what happens to the conversation (safety rule 8)."""
    if not turn.disclosed:
        turn.say("disclosure")
        turn.set(disclosed=True)


def listen(turn: Turn) -> bool:
    """Take in what the message adds: the answer to the pending question, or facets told.

    Returns:
        Whether the message said anything that a situation can hold.
    """
    pending = turn.slot("pending")
    situation = turn.situation
    facet, value = turn.entity("facet"), turn.entity("value")
    if turn.intent == "answer" and facet and value and known_option(facet, value):
        take_answer(turn, situation, facet, value)
        return True
    if pending and turn.intent in ("affirm", "deny"):
        yes = listening.yes_or_no(pending, turn.intent == "affirm")
        if yes is not None:
            take_answer(turn, situation, pending, yes)
            return True
    if pending and turn.intent in ("dont_know", "skip"):
        turn.situation = listening.skipped(situation, pending)
        turn.set(pending=None)
        return True
    if pending:
        chosen = typed_answer(turn, pending, situation)
        if chosen is not None:
            more = turn.facets if len(turn.text.split()) > _SHORT_ANSWER else {}
            take_answer(turn, situation, pending, chosen, more)
            return True
    told = listening.told_anything(turn.facets)
    if turn.facets:
        rewritten = turn.metadata.get("edited")
        situation = (
            listening.corrected(situation, turn.facets)
            if rewritten
            else listening.merge(situation, turn.facets, turn.confidences, turn.named)
        )
    if pending:
        # Whatever was said instead of an answer: the same question is not put twice.
        situation = listening.skipped(situation, pending)
        turn.set(pending=None)
    turn.situation = situation
    return told


def take_answer(turn: Turn, situation: Situation, question: str, value: str, more: Mapping[str, Any] | None = None) -> None:
    """Take in the answer to a question.

    Args:
        question: the facet that was asked for.
        more: what the message tells besides the answer.
    """
    if more:
        situation = listening.merge(situation, more, turn.confidences, turn.named)
    turn.situation = listening.answer(situation, question, value)
    turn.set(pending=None)
    # Whoever tells more, or asks something as well, has said that rightly; the answer by itself is hardly ever read as one.
    by_itself = turn.intent == FALLBACK or (not more and turn.intent in (DESCRIBE, "affirm", "deny"))
    told = {**(more or {}), question: facet_value(question, value)}
    if question == "forms":
        told["forms"] = list(dict.fromkeys([*((more or {}).get("forms") or ()), value]))
    turn.understood(told, question=question, intent="answer" if by_itself else None)


def typed_answer(turn: Turn, pending: str, situation: Situation) -> str | None:
    """The value that a typed answer stands for: a button's words or number, or just an age where an age was asked for."""
    options = signpost().options_for(pending, situation)
    number = turn.text.strip()[:4]
    if pending == "age_band" and number.isdecimal() and int(number) > len(options):
        return age_band(normalise(f"ik ben {number}"))
    return listening.chosen_option(turn.text, options)


def known_option(facet: str, value: str) -> bool:
    """Whether a button stands for an option that exists: payloads are never trusted."""
    question = signpost().content.questions.questions.get(facet)
    return question is not None and value in {option.value for option in question.options}


def respond(turn: Turn, situation: Situation) -> None:
    """Ask the one question that matters, or advise."""
    step = signpost().next_step(situation, turn.now)
    if isinstance(step, Ask):
        if not turn.slot("acknowledged"):
            acknowledge(turn, situation)
        disclose(turn)
        turn.set(pending=step.facet)
        turn.send(renderer().question(step))
        return
    give_advice(turn, situation)


def acknowledge(turn: Turn, situation: Situation) -> None:
    """Show that it was heard, before anything is asked."""
    known = signpost().advise(situation, turn.now).acknowledgement
    if known:
        turn.say(known, "acknowledge")
        turn.set(acknowledged=known)


def give_advice(turn: Turn, situation: Situation) -> None:
    """The advice for a situation: all of it at first, later only what is new; its acknowledgement only where it says something new."""
    advice = turn.advise(situation)
    shown = turn.slot("shown") or []
    news = advice.without(shown)
    fresh = advice.acknowledgement != turn.slot("acknowledged")
    if not news.ids:
        if fresh and advice.acknowledgement:
            turn.say(advice.acknowledgement, "acknowledge")
        else:
            turn.say("noted")
        turn.send(renderer().after_advice(advice.follow_up))
    else:
        turn.send(renderer().advice(news, turn.now, situation.platform, acknowledge=fresh))
    disclose(turn)
    remember(turn, advice)


def remember(turn: Turn, advice: Advice) -> None:
    """Keep what was advised, so that it is not told twice and "yes" is understood as an answer to it."""
    turn.set(
        acknowledged=advice.acknowledgement,
        shown=list(dict.fromkeys([*(turn.slot("shown") or []), *advice.ids])),
        advice=advice.to_dict(),
        pending=None,
        offer="advice",
    )


def answer_offer(turn: Turn) -> None:
    """Yes or no to "is this of use to you?"."""
    if turn.intent == "affirm":
        turn.say("helpful_yes")
    else:
        turn.say("helpful_no", options=[renderer().button("more_tips", "more_tips"), renderer().button("talk_to_someone", "ask_helpline")])


def answer_erase(turn: Turn) -> None:
    """Yes or no, in words, to "shall I erase this conversation?"."""
    if turn.intent == "affirm":
        erase(turn)
    else:
        turn.say("delete_cancelled")


class ActionSignpost(WegwijzerAction):
    """Answers a story, a follow-up, a button of a question."""

    NAME = "action_signpost"

    def take(self, turn: Turn) -> None:
        if turn.offered == "erase" and turn.intent in ("affirm", "deny") and not listening.told_anything(turn.facets):
            answer_erase(turn)
            return
        pending = turn.slot("pending")
        told = listen(turn)
        situation = turn.situation
        if not pending and not told and turn.offered == "advice" and turn.intent in ("affirm", "deny"):
            answer_offer(turn)
            return
        if not pending and not told and turn.intent in ("affirm", "deny", "dont_know", "skip"):
            if turn.slot("crisis_open"):
                turn.say("repeat", "crisis", options=[renderer().button("helplines", "ask_helpline")])
            else:
                turn.say({"affirm": "nothing_to_affirm", "deny": "nothing_to_deny"}.get(turn.intent, "nothing_to_skip"))
            disclose(turn)
            return
        if pending and turn.intent in ("dont_know", "skip"):
            turn.say("skipped")
        if turn.slot("crisis_open") and situation.crisis not in (None, "none"):
            # The card was shown already: stay near, keep it in reach, and go on with what is told, if anything is.
            # Not with ordinary tips to somebody who worries about another: "do what they want" is wrong where they want it kept secret.
            goes_on = told and situation.role != Role.BYSTANDER.value
            turn.say("repeat", "crisis", options=[] if goes_on else [renderer().button("helplines", "ask_helpline")])
            if not goes_on:
                return
            situation = replace(situation, crisis=None)
            give_advice(turn, situation)
            return
        if turn.at_ease and situation.kind in (None, *HARMLESS) and not turn.slot("advice"):
            # Tips and helplines for a match, a joke or a quarrel that is over would only show that the bot did not listen.
            quarrel = situation.kind == Kind.CONFLICT.value
            buttons = [renderer().button("what_can_i_do", "ask_tips"), renderer().button("talk_to_someone", "ask_helpline")]
            turn.say("at_ease_quarrel" if quarrel else "at_ease", options=buttons)
            disclose(turn)
            return
        respond(turn, situation)


class ActionMoreTips(WegwijzerAction):
    """Tips that were not shown yet."""

    NAME = "action_more_tips"

    def take(self, turn: Turn) -> None:
        shown = turn.slot("shown") or []
        more = [name for name in signpost().all_tips(turn.situation) if name not in shown][:3]
        if not more:
            turn.say("no_more_tips", options=[renderer().button("talk_to_someone", "ask_helpline")])
            return
        turn.say("more_tips_intro")
        turn.send(renderer().tip(name) for name in more)
        turn.send(renderer().after_advice())
        turn.set(shown=[*shown, *more], offer="advice")
