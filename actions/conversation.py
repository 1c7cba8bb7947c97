"""Short replies: greetings, thanks, small talk, being sworn at, other languages, not being understood."""

from __future__ import annotations

from dataclasses import replace

from actions.base import Turn, WegwijzerAction, renderer, signpost
from actions.signpost import disclose, listen, respond, typed_answer
from bot.nlu.entities import age_band
from bot.nlu.intents import DESCRIBE
from bot.nlu.language import language_of
from bot.nlu.text import normalise
from bot.wegwijzer import listening
from bot.wegwijzer.situation import Situation

#: Acts that are answered with one text, and the text.
REPLIES = {
    "bye": "bye",
    "thanks": "thanks",
    "ask_bot": "ask_bot",
    "out_of_scope": "out_of_scope",
    "helpful": "helpful_yes",
}


class ActionGreet(WegwijzerAction):
    """Says who is there, once; then asks to tell."""

    NAME = "action_greet"

    def take(self, turn: Turn) -> None:
        if turn.disclosed:
            turn.say("start_prompt")
            return
        turn.say("greeting")
        disclose(turn)


class ActionReply(WegwijzerAction):
    """One text for one act; the question that was open is put again, so that a question in between loses nothing."""

    NAME = "action_reply"

    def take(self, turn: Turn) -> None:
        if turn.intent == "ask_bot":
            turn.say("ask_bot", options=[*renderer().page_buttons(["bot_about"]), renderer().button("talk_to_someone", "ask_helpline")])
            turn.set(disclosed=True)
        else:
            turn.say(REPLIES[turn.intent])
        back_to_question(turn)


def back_to_question(turn: Turn) -> None:
    """Put the open question again."""
    if turn.slot("pending"):
        ask = signpost().question_for(turn.slot("pending"), turn.situation)
        turn.send(renderer().question(ask))


class ActionChitchat(WegwijzerAction):
    """Friendly, and back to why the bot is there; the second time shorter."""

    NAME = "action_chitchat"

    def take(self, turn: Turn) -> None:
        if turn.slot("crisis_open"):
            # Read wrongly, or not: small talk is no answer to somebody in danger.
            turn.say("repeat", "crisis", options=[renderer().button("helplines", "ask_helpline")])
            return
        times = int(turn.slot("chitchat_count") or 0)
        turn.say("chitchat" if times == 0 else "chitchat_again")
        turn.set(chitchat_count=times + 1)
        back_to_question(turn)


class ActionInsulted(WegwijzerAction):
    """Stays calm when sworn at, and offers people."""

    NAME = "action_insulted"

    def take(self, turn: Turn) -> None:
        times = int(turn.slot("insult_count") or 0)
        turn.say("insult_bot" if times == 0 else "insult_bot_again", options=[renderer().button("talk_to_someone", "ask_helpline")])
        turn.set(insult_count=times + 1)


class ActionHelpfulNot(WegwijzerAction):
    """The advice did not fit: other tips, or a person."""

    NAME = "action_helpful_not"

    def take(self, turn: Turn) -> None:
        turn.say("helpful_no", options=[renderer().button("more_tips", "more_tips"), renderer().button("talk_to_someone", "ask_helpline")])


class ActionNotDutch(WegwijzerAction):
    """Another language: says so in that language where the bot has a text. What was understood of it is still used."""

    NAME = "action_not_dutch"

    def take(self, turn: Turn) -> None:
        turn.say({"fr": "not_dutch_fr", "en": "not_dutch_en"}.get(language_of(turn.text), "not_dutch_other"))
        if listening.told_anything(turn.facets):
            turn.situation = listening.merge(turn.situation, turn.facets, turn.confidences)
            respond(turn, turn.situation)


#: How sure it must be that somebody begins another story, before what is known of the first is put aside.
_SURE_OF_NEW = 0.5


class ActionNewSituation(WegwijzerAction):
    """Another story: what was known of the first no longer counts. The writer's age does."""

    NAME = "action_new_situation"

    def take(self, turn: Turn) -> None:
        if float((turn.said.get("intent") or {}).get("confidence") or 0.0) < _SURE_OF_NEW:
            listen(turn)
            respond(turn, turn.situation)
            return
        before = turn.situation
        told = listening.merge(Situation(age_band=before.age_band), turn.facets, turn.confidences)
        turn.set(pending=None, acknowledged=None, advice=None, shown=[], walk=None)
        turn.situation = told
        if told.forms or told.kind not in (None, "none"):
            respond(turn, told)
        else:
            turn.say("new_situation")


class ActionFallback(WegwijzerAction):
    """Not understood: the first time it asks to say it again, the second time it leads to a person, never to a loop."""

    NAME = "action_fallback"
    UNDERSTANDS = False

    def take(self, turn: Turn) -> None:
        pending = turn.slot("pending")
        if pending and typed_answer(turn, pending, turn.situation) is not None:
            # "14" or "2": no words to understand, and yet an answer.
            listen(turn)
            turn.set(misunderstood=0)
            respond(turn, turn.situation)
            return
        if turn.slot("crisis_open"):
            turn.say("silence_after_crisis", options=[renderer().button("helplines", "ask_helpline")])
            return
        age = age_band(normalise(f"ik ben {turn.text}")) if turn.text.strip().isdecimal() else None
        if age and (pending or turn.slot("advice")) and not turn.situation.age_band:
            # A bare "15" that nobody asked for is an age too, after advice and in place of another answer.
            turn.situation = replace(turn.situation, age_band=age)
            turn.understood({"age_band": age}, intent=DESCRIBE)
            turn.set(misunderstood=0)
            respond(turn, turn.situation)
            return
        failures = int(turn.slot("misunderstood") or 0) + 1
        if failures >= 2:
            turn.say("fallback_person")
            advice = turn.advise(turn.situation)
            turn.send(renderer().helpline(referral, turn.now) for referral in advice.referrals[:2])
            turn.set(misunderstood=0, pending=None)
            return
        if not any(char.isalpha() for char in turn.text):
            turn.say("only_symbols" if turn.text.strip() else "empty", "errors")
        else:
            turn.say("fallback_first", options=[renderer().button("talk_to_someone", "ask_helpline")])
        turn.set(misunderstood=failures)
        disclose(turn)
