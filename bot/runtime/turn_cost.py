"""Costs that Rasa adds to every turn, each taken out in one small place, with its reason. Nothing here changes what a turn does.

:func:`cut` is called before a model is loaded, :func:`leave_loaded_objects_alone` after it.
"""

from __future__ import annotations

import copy
import gc
import types
from collections.abc import Iterator
from functools import cache
from typing import Any

import rasa.core.policies.memoization
import rasa.core.policies.rule_policy
import rasa.core.processor
from rasa.core.policies.rule_policy import RULES, RulePolicy
from rasa.core.processor import MessageProcessor
from rasa.shared.core.constants import ACTION_LISTEN_NAME, PREVIOUS_ACTION, USER
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import ActionExecuted, Event
from rasa.shared.core.slots import Slot
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.shared.nlu.constants import ACTION_NAME, INTENT

from bot.runtime.graph_runner import DirectGraphRunner


@cache
def cut() -> None:
    """Take out all of them, once a process."""
    _walk_the_graph_directly()
    _remember_event_classes()
    _copy_trackers_without_replay()
    _copy_slots_plainly()
    _replay_without_checks()
    _look_for_rules_on_texts_only_if_there_are_any()
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
        return duplicate

    DialogueStateTracker.copy = copied


def _copy_slots_plainly() -> None:
    """Rasa copies every slot for every tracker that it makes, a dozen a turn; Python's general way of copying an object is slow."""

    def copied(self: Slot) -> Slot:
        duplicate = object.__new__(type(self))
        duplicate.__dict__.update(self.__dict__)
        return duplicate

    Slot.__copy__ = copied


def _replay_without_checks() -> None:
    """Rasa replays a conversation five times a turn to see its earlier states, and checks and marks every event again each time."""

    def prior_trackers(self: DialogueStateTracker) -> Iterator[tuple[DialogueStateTracker, bool]]:
        tracker = self.init_copy()
        for event in self.applied_events():
            if isinstance(event, ActionExecuted):
                yield tracker, event.hide_rule_turn
            tracker.events.append(event)
            event.apply_to(tracker)
        yield tracker, False

    DialogueStateTracker.generate_all_prior_trackers = prior_trackers


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


def _warn_no_developer() -> None:
    """Rasa lists all intents and entities at each message, to warn of those that the domain lacks; training has checked that."""
    MessageProcessor._check_for_unseen_features = lambda _self, _parse_data: None


def _copy_nothing_for_debug_lines() -> None:
    """Rasa deep-copies messages, slots and events for debug lines before it knows whether anybody wants them.

    In these modules ``copy`` serves debug lines only, which are never shown: they hold what users typed.
    """
    for module in (rasa.core.processor, rasa.core.policies.memoization, rasa.core.policies.rule_policy):
        module.copy = types.SimpleNamespace(deepcopy=lambda value: value)
