"""Crisis first: the right emergency help at the top of the very next message, before any question (safety rules 1 and 2)."""

from __future__ import annotations

from dataclasses import replace

from actions.base import Turn, WegwijzerAction, renderer
from actions.signpost import disclose, remember
from bot.wegwijzer import listening


class ActionCrisis(WegwijzerAction):
    """The help card for the crisis that the message tells."""

    NAME = "action_crisis"

    def take(self, turn: Turn) -> None:
        crisis = turn.facets.get("crisis")
        situation = replace(listening.merge(turn.situation, turn.facets, turn.confidences, turn.named), crisis=crisis)
        turn.situation = situation
        advice = turn.advise(situation)
        again = turn.slot("crisis_open") == crisis
        if again:
            turn.say("repeat", "crisis")
        turn.send(renderer().advice(advice, turn.now, situation.platform, acknowledge=not again))
        remember(turn, advice)
        turn.set(crisis_open=crisis, offer=None)
        disclose(turn)


class ActionImOk(WegwijzerAction):
    """Somebody says that they are all right: they are believed, and the numbers stay in reach."""

    NAME = "action_im_ok"

    def take(self, turn: Turn) -> None:
        if turn.slot("crisis_open"):
            turn.say("im_ok_after_crisis", options=[renderer().button("helplines", "ask_helpline")])
            turn.situation = replace(turn.situation, crisis=None)
            turn.set(crisis_open=None)
        else:
            turn.say("im_ok")
        turn.set(pending=None)


class ActionCorrectBot(WegwijzerAction):
    """Somebody says that the bot misread them: they are believed and may tell it again."""

    NAME = "action_correct_bot"

    def take(self, turn: Turn) -> None:
        turn.set(pending=None)
        told = turn.facets
        if turn.slot("crisis_open"):
            turn.say("correct_bot_after_crisis", options=[renderer().button("helplines", "ask_helpline")])
            turn.situation = replace(turn.situation, crisis=None)
            turn.set(crisis_open=None)
            return
        corrected = {facet: told[facet] for facet in ("role", "context", "platform") if told.get(facet)}
        if not corrected:
            turn.say("correct_bot", options=[renderer().button("talk_to_someone", "ask_helpline")])
            return
        turn.situation = replace(turn.situation, **corrected)
        turn.say("noted")
        step = turn.advise(turn.situation)
        turn.send(renderer().advice(step, turn.now, turn.situation.platform))
        remember(turn, step)
