"""Costs that Rasa adds to every turn, each taken out in one small place, with its reason. Nothing here changes what a turn does.

:func:`cut` is called before a model is loaded, :func:`leave_loaded_objects_alone` after it.
"""

from __future__ import annotations

import copy
import gc
import types
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from itertools import islice
from typing import Any

import rasa.core.policies.memoization
import rasa.core.policies.rule_policy
import rasa.core.processor
from rasa.core.policies.rule_policy import RULES, RulePolicy
from rasa.core.processor import MessageProcessor
from rasa.shared.core.constants import ACTION_LISTEN_NAME, PREVIOUS_ACTION, SHOULD_NOT_BE_SET, USER
from rasa.shared.core.domain import Domain, State
from rasa.shared.core.events import ActionExecuted, ActionReverted, ActiveLoop, Event, Restarted, SessionStarted, UserUtteranceReverted
from rasa.shared.core.slots import Slot
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.shared.nlu.constants import ACTION_NAME, INTENT

from bot.runtime.graph_runner import DirectGraphRunner

#: On a tracker: the states that its events have led to so far (:class:`_Replay`).
_REPLAY = "wegwijzer_replay"
#: Events that take others back: what the ones before them led to has to be found anew.
_TAKES_BACK = (ActionReverted, UserUtteranceReverted, ActiveLoop)


@cache
def cut() -> None:
    """Take out all of them, once a process."""
    _walk_the_graph_directly()
    _remember_event_classes()
    _copy_trackers_without_replay()
    _copy_slots_plainly()
    _replay_once()
    _look_for_rules_on_texts_only_if_there_are_any()
    _look_for_rules_where_they_can_be()
    _warn_no_developer()
    _copy_nothing_for_debug_lines()


def leave_loaded_objects_alone() -> None:
    """What lives as long as the process is kept out of garbage collections, which otherwise walk all of it again and again."""
    gc.collect()
    gc.freeze()


def _walk_the_graph_directly() -> None:
    """Rasa runs three graphs a turn through dask; see :mod:`bot.runtime.graph_runner`."""
    rasa.core.processor.DaskGraphRunner = DirectGraphRunner


def _remember_event_classes() -> None:
    """Rasa lists all subclasses of ``Event``, and asks each whether it is abstract, for every event that it reads."""
    Event.resolve_by_type = staticmethod(cache(Event.resolve_by_type))


def _copy_trackers_without_replay() -> None:
    """Rasa copies a tracker before every action by applying all of its events again; the state that they lead to is at hand."""

    def copied(self: DialogueStateTracker) -> DialogueStateTracker:
        duplicate = copy.copy(self)
        duplicate.events = copy.copy(self.events)
        duplicate.slots = {name: copy.copy(slot) for name, slot in self.slots.items()}
        duplicate.active_loop = copy.copy(self.active_loop)
        # What the copy will go through is its own.
        duplicate.__dict__.pop(_REPLAY, None)
        return duplicate

    DialogueStateTracker.copy = copied


def _copy_slots_plainly() -> None:
    """Rasa copies every slot for every tracker that it makes, a dozen a turn; Python's general way of copying an object is slow."""

    def copied(self: Slot) -> Slot:
        duplicate = object.__new__(type(self))
        duplicate.__dict__.update(self.__dict__)
        return duplicate

    Slot.__copy__ = copied


@dataclass(frozen=True, slots=True)
class _Moment:
    """What policies ask of a conversation as it was just before an action: so much of a tracker, and no more."""

    state: State
    latest_action: dict[str, str] | None
    latest_action_name: str | None
    followup_action: str | None
    active_loop_name: str | None


@dataclass(slots=True)
class _Replay:
    """A conversation that is followed event by event: the moments before each of its actions, and where it has come to.

    Also what Rasa's list of states asks of a tracker (``generate_all_prior_trackers``).
    """

    domain: Domain
    tracker: DialogueStateTracker
    seen: int = 0
    last: Event | None = None
    moments: list[tuple[_Moment, bool]] = field(default_factory=list)
    now: _Moment | None = None

    def follows(self, tracker: DialogueStateTracker) -> bool:
        """Whether this conversation has only gone on since."""
        return self.seen <= len(tracker.events) and (not self.seen or tracker.events[self.seen - 1] is self.last)

    def go_on(self, events: Iterable[Event]) -> None:
        """Take in what came since, none of which takes others back."""
        for event in events:
            self.seen, self.last, self.now = self.seen + 1, event, None
            if isinstance(event, (Restarted, SessionStarted)):
                self.tracker, self.moments = self.tracker.init_copy(), []
                continue
            if isinstance(event, ActionExecuted):
                self.moments.append((self._moment(), event.hide_rule_turn))
            self.tracker.events.append(event)
            event.apply_to(self.tracker)
        self.now = self.now or self._moment()

    def generate_all_prior_trackers(self) -> Iterator[tuple[_Moment, bool]]:
        """The moments before each action, whether that action is hidden from policies that learn, and the moment that is now."""
        yield from self.moments
        if self.now:
            yield self.now, False

    def _moment(self) -> _Moment:
        at = self.tracker
        state = self.domain.get_active_state(at)
        return _Moment(state, at.latest_action, at.latest_action_name, at.followup_action, at.active_loop_name)


def _replay_once() -> None:
    """Rasa replays a conversation for every policy and every action, some five times a turn, to list the states it went through.

    Those states do not change while the conversation goes on, so each is made once. An event that takes others back makes Rasa replay.
    """
    list_states, active_state = Domain.states_for_tracker_history, Domain.get_active_state

    def listed(self: Domain, tracker: DialogueStateTracker, omit_unset_slots: bool = False, *rest: Any, **named: Any) -> list[State]:
        replay = tracker.__dict__.get(_REPLAY)
        if replay is None or replay.domain is not self or not replay.follows(tracker):
            replay = _Replay(self, tracker.init_copy())
        new = list(islice(tracker.events, replay.seen, None))
        if omit_unset_slots or any(isinstance(event, _TAKES_BACK) for event in new):
            tracker.__dict__.pop(_REPLAY, None)
            return list_states(self, tracker, omit_unset_slots, *rest, **named)
        replay.go_on(new)
        setattr(tracker, _REPLAY, replay)
        return list_states(self, replay, omit_unset_slots, *rest, **named)

    def stated(self: Domain, tracker: DialogueStateTracker | _Moment, omit_unset_slots: bool = False) -> State:
        if isinstance(tracker, _Moment):
            # Policies change the states that they are given.
            return {name: dict(part) for name, part in tracker.state.items()}
        return active_state(self, tracker, omit_unset_slots)

    Domain.states_for_tracker_history, Domain.get_active_state = listed, stated


def _look_for_rules_on_texts_only_if_there_are_any() -> None:
    """Rasa matches all rules twice after a message, first against its text; a rule that asks for an intent cannot match a text."""
    find = RulePolicy._find_action_from_rules

    def found(self: RulePolicy, tracker: DialogueStateTracker, domain: Domain, use_text_for_last_user_input: bool) -> Any:
        if use_text_for_last_user_input and not tracker.active_loop_name and not _has_rules_on_texts(self):
            return None, None, False
        return find(self, tracker, domain, use_text_for_last_user_input)

    RulePolicy._find_action_from_rules = found


def _has_rules_on_texts(policy: RulePolicy) -> bool:
    """Whether a rule could hold after a message whatever its intent is."""
    if not hasattr(policy, "_has_rules_on_texts"):
        last = [policy._rule_key_to_state(key)[-1] for key in policy.lookup.get(RULES, {})]
        after_message = [state for state in last if state.get(PREVIOUS_ACTION, {}).get(ACTION_NAME) in (None, ACTION_LISTEN_NAME)]
        policy._has_rules_on_texts = any(INTENT not in state.get(USER, {}) for state in after_message)
    return bool(policy._has_rules_on_texts)


def _look_for_rules_where_they_can_be() -> None:
    """Rasa compares every rule with the state before an action; most ask for another last action or another intent than those of the state.

    What is left is compared as Rasa does, with as many states as the longest rule has: no rule looks further back.
    """
    find = RulePolicy._get_possible_keys

    def found(self: RulePolicy, lookup: dict[str, str], states: list[State]) -> set[str]:
        if not states:
            return find(self, lookup, states)
        rules = _sorted_rules(self, lookup)
        action, intent = _asked(states[-1])
        likely = {
            key: lookup[key] for asked in {(a, i) for a in (None, action) for i in (None, intent)} for key in rules.by_last.get(asked, ())
        }
        return find(self, likely, states[-rules.longest :])

    RulePolicy._get_possible_keys = found


@dataclass(frozen=True, slots=True)
class _Rules:
    """Rules by the last action and the intent that their last state asks for (None: any), and the number of states of the longest."""

    lookup: dict[str, str]
    by_last: dict[tuple[str | None, str | None], list[str]]
    longest: int


def _sorted_rules(policy: RulePolicy, lookup: dict[str, str]) -> _Rules:
    known: dict[int, _Rules] = policy.__dict__.setdefault("_sorted_rules", {})
    rules = known.get(id(lookup))
    if rules is None or rules.lookup is not lookup:
        by_last: dict[tuple[str | None, str | None], list[str]] = {}
        for key in lookup:
            last = policy._rule_key_to_state(key)[-1]
            # The start of a conversation fits a rule that begins there, whatever else that rule asks for.
            by_last.setdefault(_asked(last) if last.get(PREVIOUS_ACTION) else (None, None), []).append(key)
        longest = max((len(policy._rule_key_to_state(key)) for key in lookup), default=1)
        # The lookup is kept with its rules, so that no other can get its id.
        rules = known[id(lookup)] = _Rules(lookup, by_last, longest)
    return rules


def _asked(state: State) -> tuple[str | None, str | None]:
    """The last action and the intent of a state, of a conversation or of a rule; None where there is none."""
    found = state.get(PREVIOUS_ACTION, {}).get(ACTION_NAME), state.get(USER, {}).get(INTENT)
    action, intent = (value if value and value != SHOULD_NOT_BE_SET else None for value in found)
    return action, intent


def _warn_no_developer() -> None:
    """Rasa lists all intents and entities at each message, to warn of those that the domain lacks; training has checked that."""
    MessageProcessor._check_for_unseen_features = lambda _self, _parse_data: None


def _copy_nothing_for_debug_lines() -> None:
    """Rasa deep-copies messages, slots and events for debug lines before it knows whether anybody wants them.

    In these modules ``copy`` serves debug lines only, which are never shown: they hold what users typed.
    """
    for module in (rasa.core.processor, rasa.core.policies.memoization, rasa.core.policies.rule_policy):
        module.copy = types.SimpleNamespace(deepcopy=lambda value: value)
