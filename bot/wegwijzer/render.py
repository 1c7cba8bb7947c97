"""From decisions to messages: plain data that every channel shows in its own way.

A message is a dict with ``type`` and ``text`` (complete on its own, for a channel that shows text only) and, by type, the parts that a
channel can show better: ``text``; ``tip`` (id, title, body, avoid); ``step`` (id, platform, notifies); ``helpline`` (id, name, what,
why, channels, state, opening); ``question``. ``options`` is a list of buttons, each with ``title`` and ``payload``.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Sequence
from typing import Any

from bot.wegwijzer import schema
from bot.wegwijzer.content import Content
from bot.wegwijzer.hours import BRUSSELS, Opening, State, opening, service_opening
from bot.wegwijzer.signpost import Advice, Ask, Referral
from bot.wegwijzer.vocabulary import Urgency

Message = dict[str, Any]
Option = dict[str, str]

_MAX_PAGE_BUTTONS = 2


def payload(intent: str, **entities: str) -> str:
    """What a button sends: an intent with entities, in the form that Rasa reads without classification."""
    return f"/{intent}{json.dumps(entities, ensure_ascii=False)}" if entities else f"/{intent}"


class Renderer:
    """Messages over one reading of ``content/``."""

    def __init__(self, content: Content) -> None:
        self.content = content

    # --- texts and buttons ---

    def say(self, name: str, group: str = "dialogue", options: Sequence[Option] = (), **values: Any) -> list[Message]:
        """The messages of a text; buttons stand with the last one."""
        lines = self.content.text(group, name, **values)
        messages: list[Message] = [{"type": "text", "text": line, "id": f"{group}.{name}"} for line in lines]
        if options:
            messages[-1]["options"] = list(options)
        return messages

    def button(self, name: str, intent: str, **entities: str) -> Option:
        """A button with a label of texts.yml."""
        return {"title": self.content.text("buttons", name)[0], "payload": payload(intent, **entities)}

    def page_buttons(self, pages: Iterable[str], limit: int = _MAX_PAGE_BUTTONS) -> list[Option]:
        """Buttons that open answers or walk-throughs."""
        buttons = []
        for page in list(pages)[:limit]:
            entry: Any = self.content.answers.get(page) or self.content.walkthroughs[page]
            buttons.append({"title": entry.title, "payload": payload("show_page", page=page)})
        return buttons

    # --- questions ---

    def question(self, ask: Ask) -> list[Message]:
        """A question with its options and the two ways not to answer it."""
        options = [{"title": label, "payload": payload("answer", facet=ask.facet, value=value)} for value, label in ask.options]
        options.append(self.button("dont_know", "dont_know"))
        options.append(self.button("rather_not", "skip"))
        return [{"type": "question", "text": ask.text, "id": f"question.{ask.facet}", "options": options}]

    # --- advice ---

    def advice(self, advice: Advice, now: dt.datetime, platform: str | None, acknowledge: bool = True) -> list[Message]:
        """A whole advice: acknowledgement, tips, platform steps, referrals, what follows next. In a crisis the helplines come first."""
        messages: list[Message] = []
        if acknowledge and advice.acknowledgement:
            messages += self.say(advice.acknowledgement, "acknowledge")
        helplines = [self.helpline(referral, now) for referral in advice.referrals]
        if advice.urgency == Urgency.EMERGENCY.value:
            messages += self.say("card_intro", "crisis") + helplines
            messages += [self.tip(name) for name in advice.tips]
            messages += self._steps(advice.steps, platform)
            return messages + self.say(
                "ask_back", "crisis", options=[self.button("i_am_ok", "im_ok"), self.button("wrong_understood", "correct_bot")]
            )
        if advice.urgency == Urgency.HIGH.value:
            messages += self._referrals(helplines, advice)
            messages += self._tips(advice) + self._steps(advice.steps, platform)
        else:
            messages += self._tips(advice) + self._steps(advice.steps, platform)
            messages += self._referrals(helplines, advice)
        return messages + self.after_advice(advice.follow_up)

    def after_advice(self, follow_up: Sequence[str] = ()) -> list[Message]:
        """What follows next: is it of use, more tips, pages that fit."""
        options = [
            self.button("helpful", "helpful"),
            self.button("helpful_not", "helpful_not"),
            self.button("more_tips", "more_tips"),
            *self.page_buttons(follow_up),
        ]
        return self.say("after_advice", options=options)

    def _tips(self, advice: Advice) -> list[Message]:
        if not advice.tips:
            return []
        intro = self.say("tips_intro_one" if len(advice.tips) == 1 else "tips_intro")
        return intro + [self.tip(name) for name in advice.tips]

    def tip(self, name: str) -> Message:
        """One tip."""
        tip = self.content.tips[name]
        avoid = self.content.text("dialogue", "tip_dont", text=tip.dont)[0] if tip.dont else None
        lines = [f"{tip.title}. {tip.do}" if not tip.title.endswith((".", "?")) else f"{tip.title} {tip.do}", *([avoid] if avoid else [])]
        return {"type": "tip", "id": name, "text": "\n".join(lines), "title": tip.title, "body": tip.do, "avoid": avoid}

    def _steps(self, steps: Sequence[str], platform: str | None) -> list[Message]:
        """Platform steps under one heading; a general step says that it is general."""
        messages: list[Message] = []
        by_platform: dict[str, list[str]] = {}
        for step in steps:
            by_platform.setdefault(step.partition(".")[0], []).append(step)
        for key, ids in by_platform.items():
            if key != "general":
                messages += self.say("steps_intro", platform=self.content.platforms[key].name)
            elif platform in self.content.platforms and len(by_platform) == 1:
                messages += self.say("platform_no_steps", platform=self.content.platforms[platform].name)
            else:
                messages += self.say("steps_intro_general")
            messages += [self.step(step) for step in ids]
        return messages

    def platform_steps(self, platform: str | None, kinds: Iterable[str], step_id: Any) -> list[Message]:
        """Steps that somebody asked for, with the platform's own help page where it is known."""
        messages = self._steps([step_id(platform, kind) for kind in kinds], platform)
        known = self.content.platforms.get(platform) if platform else None
        if known and known.help_page:
            messages += self.say("platform_help_page", url=known.help_page)
        return messages

    def step(self, step_id: str) -> Message:
        """One platform step."""
        key, _, kind = step_id.partition(".")
        platform = self.content.general if key == "general" else self.content.platforms[key]
        step = platform.steps[kind]
        told = {True: "notifies_yes", False: "notifies_no"}.get(step.notifies)  # type: ignore[arg-type]
        note = f" {self.content.text('dialogue', told)[0]}" if told else ""
        return {"type": "step", "id": step_id, "text": step.text + note, "platform": platform.name, "notifies": step.notifies}

    # --- helplines ---

    def _referrals(self, helplines: list[Message], advice: Advice) -> list[Message]:
        if not helplines:
            return []
        messages = self.say("referrals_intro") + helplines
        return messages if advice.reachable else messages + self.say("referral_none_known")

    def helpline(self, referral: Referral, now: dt.datetime) -> Message:
        """A card: who, why this one, how to reach it, open or not."""
        helpline = self.content.helplines[referral.id]
        state = service_opening(helpline, now)
        said = self.opening_text(state, now) if _can_be_open(helpline) else ""
        channels = [self._channel(channel, now) for channel in helpline.channels]
        reach = ", ".join(channel["label"] for channel in channels[:3])
        text = " ".join(part for part in (f"{helpline.name}: {referral.why}", f"({reach})" if reach else "", said) if part)
        return {
            "type": "helpline",
            "id": referral.id,
            "text": text,
            "name": helpline.name,
            "what": helpline.what,
            "for_whom": helpline.for_whom,
            "why": referral.why,
            "channels": channels,
            "state": state.state.value,
            "opening": said,
            "notes": list(helpline.notes),
        }

    def _channel(self, channel: schema.Channel, now: dt.datetime) -> dict[str, str]:
        return {
            "kind": channel.kind.value,
            "value": channel.value,
            "label": channel.label or channel.value,
            "state": opening(channel, now).state.value,
        }

    def opening_text(self, state: Opening, now: dt.datetime) -> str:
        """Open, closed and when next, or unknown, in words."""
        if state.state is State.UNKNOWN:
            return self.content.text("dialogue", "opening_unknown")[0]
        if state.state is State.OPEN:
            if state.always or state.until is None:
                return self.content.text("dialogue", "opening_always")[0]
            return self.content.text("dialogue", "opening_until", time=_clock(state.until))[0]
        if state.next_open is None:
            return self.content.text("dialogue", "opening_closed_unknown")[0]
        return self.content.text("dialogue", "opening_closed", day=self._day(state.next_open, now), time=_clock(state.next_open))[0]

    def _day(self, moment: dt.datetime, now: dt.datetime) -> str:
        days = (moment.date() - now.astimezone(BRUSSELS).date()).days
        name = {0: "today", 1: "tomorrow"}.get(days, f"day_{schema.WEEKDAYS[moment.weekday()]}")
        return self.content.text("dialogue", name)[0]


def _clock(moment: dt.datetime) -> str:
    return f"{moment.hour}.{moment.minute:02d} uur" if moment.minute else f"{moment.hour} uur"


def _can_be_open(helpline: schema.Helpline) -> bool:
    return any(channel.kind.value in ("phone", "chat") for channel in helpline.channels)
