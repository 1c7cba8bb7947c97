"""Answers to questions: definitions, rights, how to do things on a platform, helplines, walk-throughs step by step."""

from __future__ import annotations

from collections.abc import Iterable

from actions.base import Turn, WegwijzerAction, content, renderer, signpost
from actions.conversation import back_to_question
from actions.signpost import ActionMoreTips, disclose, give_advice, listen
from bot.nlu.text import normalise
from bot.wegwijzer.pages import page_about, page_for, speaks_of_crisis, variant_for
from bot.wegwijzer.render import Message, payload
from bot.wegwijzer.signpost import Referral, fits
from bot.wegwijzer.vocabulary import Form

_STEP_WORDS = {
    "block": ("blok", "deblok"),
    "report": ("rapport", "meld", "report", "aangeven"),
    "restrict": ("dempen", "mute", "beperk", "restrict", "stil", "negeren"),
    "leave_group": ("verlaat", "verlaten", "uit de groep", "uit een groep", "weggaan", "leave"),
    "privacy": ("prive", "instelling", "afscherm", "zien", "toevoegen", "vinden", "locatie"),
    "takedown": ("verwijder", "weg", "offline", "weghalen", "wissen"),
    "evidence": ("bewijs", "screen", "bewaar", "bewaren", "opslaan", "export"),
}
_DEFAULT_STEPS = ("evidence", "block", "report")


def show_page(turn: Turn, page: str) -> None:
    """Open an answer, or begin a walk-through."""
    if page in content().walkthroughs:
        walk = content().walkthroughs[page]
        turn.say("walkthrough_intro", count=len(walk.steps))
        show_step(turn, page, 0)
        return
    answer = content().answers[page]
    variant = variant_for(answer, turn.situation)
    turn.send([{"type": "text", "text": line, "id": f"answer.{page}"} for line in variant.text[:-1]])
    _close_page(turn, page, [{"type": "text", "text": variant.text[-1], "id": f"answer.{page}"}])


def answer_question(turn: Turn, page: str) -> None:
    """Open the page for a question; whoever asks on where it says no more hears so, and who may know more."""
    if turn.facets.get("forms"):
        # What the question tells counts too: nobody is told to take a screenshot of a nude picture.
        turn.situation = turn.situation.with_facet("forms", turn.facets["forms"])
    if turn.slot("walk") == page:
        _close_page(turn, page, renderer().say("page_again", "dialogue"))
    else:
        show_page(turn, page)


def _close_page(turn: Turn, page: str, messages: Iterable[Message]) -> None:
    """Send messages, the helplines of a page, and the way to other pages."""
    answer = content().answers[page]
    meant = [name for name in variant_for(answer, turn.situation).referrals if fits(content().helplines[name], turn.situation)]
    sent = [*messages, *(renderer().helpline(Referral(name, content().helplines[name].what), turn.now) for name in meant)]
    buttons = renderer().page_buttons(answer.next, limit=3)
    if buttons:
        sent[-1]["options"] = buttons
    turn.send(sent)
    # The slot holds the page that is open, with its step where it has steps.
    turn.set(walk=page)


def show_step(turn: Turn, page: str, place: int) -> None:
    """One step of a walk-through, with the way on and the way out."""
    walk = content().walkthroughs[page]
    text = f"{place + 1}/{len(walk.steps)} {walk.steps[place]}"
    if place + 1 < len(walk.steps):
        options = [renderer().button("next_step", "next_step"), renderer().button("stop_walk", "stop_walk")]
        turn.send([{"type": "text", "text": text, "id": f"walk.{page}.{place}", "options": options}])
        turn.set(walk=f"{page}:{place}")
        return
    turn.send([{"type": "text", "text": text, "id": f"walk.{page}.{place}"}])
    turn.say("walkthrough_done", options=renderer().page_buttons(walk.next, limit=3))
    turn.set(walk=None)


def asked_page(turn: Turn) -> str | None:
    """The page that answers what was asked, if there is one."""
    return page_for(content(), turn.intent, normalise(turn.text), turn.page)


class ActionAnswer(WegwijzerAction):
    """The page for a question; the question that was open is put again."""

    NAME = "action_answer"

    def take(self, turn: Turn) -> None:
        page = asked_page(turn) or page_about(content(), turn.intent, turn.situation)
        if page is None:
            turn.say("start_prompt")
            return
        role = turn.facets.get("role")
        if role and not turn.situation.role:
            turn.situation = turn.situation.with_facet("role", role)
        answer_question(turn, page)
        disclose(turn)
        if page not in content().walkthroughs:
            back_to_question(turn)


class ActionShowPage(WegwijzerAction):
    """A page behind a button."""

    NAME = "action_show_page"

    def take(self, turn: Turn) -> None:
        page = turn.entity("page")
        if page in content().answers or page in content().walkthroughs:
            show_page(turn, str(page))
        else:
            turn.say("start_prompt")


class ActionNextStep(WegwijzerAction):
    """The next step of the walk-through that is open."""

    NAME = "action_next_step"

    def take(self, turn: Turn) -> None:
        page, _, place = str(turn.slot("walk") or "").partition(":")
        if page not in content().walkthroughs or not place.isdecimal():
            turn.say("start_prompt")
            return
        show_step(turn, page, min(int(place) + 1, len(content().walkthroughs[page].steps) - 1))


class ActionStopWalk(WegwijzerAction):
    """Out of the walk-through."""

    NAME = "action_stop_walk"

    def take(self, turn: Turn) -> None:
        turn.set(walk=None)
        turn.say("noted")
        turn.send(renderer().after_advice())


class ActionTips(WegwijzerAction):
    """What can I do: a page where the question names one, else what the signpost says for the situation."""

    NAME = "action_tips"

    def take(self, turn: Turn) -> None:
        page = asked_page(turn)
        if page and (not turn.slot("crisis_open") or speaks_of_crisis(content(), page, turn.situation)):
            answer_question(turn, page)
            return
        if turn.slot("crisis_open"):
            # Tips are not what helps now: the numbers again, and somebody who listens.
            turn.say("repeat", "crisis")
            advice = turn.advise(turn.situation)
            turn.send(renderer().helpline(referral, turn.now) for referral in advice.referrals)
            return
        listen(turn)
        if turn.slot("advice"):
            ActionMoreTips().take(turn)
        else:
            # Whoever asks what to do is not asked another question first.
            give_advice(turn, turn.situation)


class ActionPlatformSteps(WegwijzerAction):
    """How to block, report, mute, leave, keep evidence: on the platform that is named or known, else in general."""

    NAME = "action_platform_steps"

    def take(self, turn: Turn) -> None:
        situation = turn.situation
        platform = turn.entity("platform") or situation.platform
        if platform not in content().platforms:
            platform = None
        page = asked_page(turn)
        if page and platform is None:
            answer_question(turn, page)
            disclose(turn)
            back_to_question(turn)
            return
        if platform and platform != situation.platform:
            turn.situation = situation.with_facet("platform", platform)
        kinds = wanted_steps(normalise(turn.text))
        nude = Form.NUDE_IMAGES.value in (*situation.forms, *(turn.facets.get("forms") or ()))
        if nude:
            turn.say("nude_no_screenshot")
            kinds = [kind for kind in kinds if kind != "evidence"] or ["report", "block"]
        turn.send(renderer().platform_steps(platform, kinds, signpost().step_id))
        disclose(turn)
        if platform is None:
            options = [
                {"title": option.label, "payload": payload("answer_platform", platform=option.value)}
                for option in content().questions.questions["platform"].options
            ]
            turn.say("ask_platform", options=options[:8])
            turn.set(step_kinds=list(kinds))
        else:
            back_to_question(turn)


class ActionAnswerPlatform(WegwijzerAction):
    """The platform was chosen after a question about steps."""

    NAME = "action_answer_platform"

    def take(self, turn: Turn) -> None:
        platform = turn.entity("platform")
        if platform not in content().platforms:
            turn.say("start_prompt")
            return
        turn.situation = turn.situation.with_facet("platform", platform)
        kinds = turn.slot("step_kinds") or _DEFAULT_STEPS
        turn.send(renderer().platform_steps(platform, kinds, signpost().step_id))
        turn.set(step_kinds=None)


def wanted_steps(normalised: str) -> list[str]:
    """The steps that a question asks for, in the order in which they are best done; all of the usual ones where it names none."""
    padded = f" {normalised} "
    found = [kind for kind, words in _STEP_WORDS.items() if any(f" {word}" in padded for word in words)]
    return found or list(_DEFAULT_STEPS)


class ActionHelpline(WegwijzerAction):
    """A helpline that was named, or those that fit what is known."""

    NAME = "action_helpline"

    def take(self, turn: Turn) -> None:
        named = turn.entity("helpline")
        if named in content().helplines:
            turn.send([renderer().helpline(Referral(str(named), content().helplines[str(named)].what), turn.now)])
        else:
            if turn.facets.get("role") and not turn.situation.role:
                turn.situation = turn.situation.with_facet("role", turn.facets["role"])
            turn.say("person_intro")
            advice = turn.advise(turn.situation)
            turn.send(renderer().helpline(referral, turn.now) for referral in advice.referrals)
            if advice.reachable is None:
                turn.say("referral_none_known")
        disclose(turn)
        back_to_question(turn)
