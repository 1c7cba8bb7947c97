"""What is taken out of a turn changes nothing of what a turn does."""

from __future__ import annotations

import asyncio
import copy
import inspect
import json
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rasa.core.channels.channel import UserMessage
from rasa.core.policies.rule_policy import RULES, RulePolicy
from rasa.engine.constants import PLACEHOLDER_MESSAGE, PLACEHOLDER_TRACKER
from rasa.engine.graph import GraphSchema, SchemaNode
from rasa.engine.runner.dask import DaskGraphRunner
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import (
    ActionExecuted,
    ActionReverted,
    ActiveLoop,
    AllSlotsReset,
    Event,
    FollowupAction,
    Restarted,
    SessionStarted,
    SlotSet,
    UserUtteranceReverted,
    UserUttered,
)
from rasa.shared.core.trackers import DialogueStateTracker

from bot.runtime import turn_cost
from bot.runtime.bot import Bot
from bot.runtime.graph_runner import DirectGraphRunner
from bot.runtime.settings import load_settings

SAID = ["hallo", "ze sluiten mij uit op school", "ja", "hoe blokkeer ik iemand op instagram", "dank je"]


@pytest.fixture(scope="module")
def bot() -> Iterator[Bot]:
    loaded = Bot.load(load_settings(), in_memory=True)
    yield loaded
    loaded.close()


@pytest.fixture(scope="module")
def tracker(bot: Bot) -> DialogueStateTracker:
    async def talk() -> DialogueStateTracker:
        for text in SAID:
            await bot.respond("x", text)
        found = await bot._store.retrieve("x")
        assert found is not None
        return found

    return asyncio.run(talk())


@pytest.fixture(scope="module")
def policy(bot: Bot) -> RulePolicy:
    processor = bot._agent.processor
    assert processor is not None
    (found,) = (node._component for node in processor.graph_runner._nodes.values() if isinstance(node._component, RulePolicy))  # type: ignore[attr-defined]
    return found


def test_a_copy_of_a_tracker_is_what_a_replay_gives(tracker: DialogueStateTracker) -> None:
    copied, replayed = tracker.copy(), tracker.travel_back_in_time(float("inf"))
    assert copied == replayed
    assert copied.current_state() == replayed.current_state()


def test_a_copy_of_a_tracker_changes_nothing_in_the_first(tracker: DialogueStateTracker) -> None:
    before = tracker.current_state(), len(tracker.events)
    tracker.copy().update(SlotSet("role", "someone else"))
    assert (tracker.current_state(), len(tracker.events)) == before


def happened(kind: str) -> Event:
    events = {
        "said": lambda: UserUttered("hoi", {"name": "greet"}),
        "told": lambda: UserUttered("ze slaan mij", {"name": "describe"}),
        "greeted": lambda: ActionExecuted("action_greet"),
        "hidden": lambda: _hidden(ActionExecuted("action_signpost")),
        "listens": lambda: ActionExecuted("action_listen"),
        "slot": lambda: SlotSet("role", "target"),
        "followup": lambda: FollowupAction("action_greet"),
        "slots gone": AllSlotsReset,
        "session": SessionStarted,
        "restart": Restarted,
        "action back": ActionReverted,
        "message back": UserUtteranceReverted,
        "loop": lambda: ActiveLoop("some_form"),
    }
    return events[kind]()


def _hidden(event: ActionExecuted) -> ActionExecuted:
    event.hide_rule_turn = True
    return event


COMMON = ["said", "told", "greeted", "hidden", "listens", "slot", "followup", "slots gone"]
RARE = ["session", "restart", "action back", "message back", "loop"]


@given(
    st.lists(st.lists(st.sampled_from(COMMON * 3 + RARE), max_size=8), max_size=5),
    st.lists(st.sampled_from(COMMON), min_size=1, max_size=3),
)
def test_states_that_are_made_once_are_the_ones_of_a_replay(bot: Bot, steps: list[list[str]], other: list[str]) -> None:
    domain = bot._agent.domain
    assert domain is not None
    replayed = inspect.getclosurevars(Domain.states_for_tracker_history).nonlocals["list_states"]
    rule_only = {"rule_only_slots": ["role"], "rule_only_loops": []}

    def same(tracker: DialogueStateTracker) -> None:
        for hide in (False, True):
            states = tracker.past_states(domain, ignore_rule_only_turns=hide, rule_only_data=rule_only)
            assert states == replayed(domain, tracker, ignore_rule_only_turns=hide, rule_only_data=rule_only)
            # What a policy does to its states reaches nobody else.
            for state in states:
                state.get("user", {}).clear()
                state.clear()

    tracker = DialogueStateTracker.from_events("x", [], domain.slots)
    for step in steps:
        for kind in step:
            tracker.update(happened(kind))
        same(tracker)
        elsewhere = tracker.copy()
        for kind in other:
            elsewhere.update(happened(kind))
        same(elsewhere)
    same(tracker)


def test_a_copy_that_went_another_way_does_not_tell_the_states_of_the_first(bot: Bot) -> None:
    domain = bot._agent.domain
    assert domain is not None
    tracker = DialogueStateTracker.from_events("x", [ActionExecuted("action_listen")], domain.slots)
    tracker.past_states(domain)
    copied, at_the_end = tracker.copy(), ActionExecuted("action_listen")
    for one, way in ((copied, "greet"), (tracker, "bye")):
        one.update(UserUttered("hoi", {"name": way}))
        one.update(at_the_end)
        assert one.past_states(domain)[-1]["user"]["intent"] == way


def test_the_direct_runner_gives_what_dask_gives(bot: Bot, tracker: DialogueStateTracker) -> None:
    processor = bot._agent.processor
    assert processor is not None
    direct = processor.graph_runner
    assert isinstance(direct, DirectGraphRunner)
    dask = DaskGraphRunner.__new__(DaskGraphRunner)
    dask._graph_schema, dask._instantiated_nodes, dask._execution_context = direct._schema, direct._nodes, None
    nlu, core = processor.model_metadata.nlu_target, processor.model_metadata.core_target
    for text in SAID:
        inputs = {PLACEHOLDER_MESSAGE: [UserMessage(text)], PLACEHOLDER_TRACKER: tracker}
        ours, theirs = direct.run(inputs, [nlu])[nlu][0], dask.run(inputs, [nlu])[nlu][0]
        assert ours.as_dict(only_output_properties=True) == theirs.as_dict(only_output_properties=True)
    inputs = {PLACEHOLDER_TRACKER: tracker}
    ours, theirs = direct.run(inputs, [core])[core], dask.run(inputs, [core])[core]
    assert ours.probabilities == theirs.probabilities
    assert ours.policy_name == theirs.policy_name


def test_the_direct_runner_visits_what_is_needed_once_and_in_order() -> None:
    seen: list[str] = []

    def node(name: str, *needs: str) -> tuple[SchemaNode, object]:
        def call(*given: tuple[str, str]) -> tuple[str, str]:
            seen.append(name)
            return name, name + "".join(value for _, value in given)

        return SchemaNode(needs={need: need for need in needs}, uses=type, constructor_name="", fn="", config={}), call

    made = {"d": node("d", "b", "c"), "b": node("b", "a"), "c": node("c", "a"), "a": node("a", "given"), "unused": node("unused")}
    runner = DirectGraphRunner(
        GraphSchema({name: schema for name, (schema, _) in made.items()}), {name: call for name, (_, call) in made.items()}
    )  # type: ignore[misc]
    assert runner.run({"given": "!"}, ["d"]) == {"d": "dba!ca!"}
    assert seen == ["a", "b", "c", "d"]


def test_event_classes_are_found_and_unknown_ones_refused(bot: Bot) -> None:
    assert Event.resolve_by_type("slot") is SlotSet
    with pytest.raises(ValueError, match="Unknown event"):
        Event.resolve_by_type("no such event")


def test_rules_on_texts_are_looked_for_only_where_there_are_some(policy: RulePolicy) -> None:
    assert turn_cost._has_rules_on_texts(policy) is False

    def with_rule(*states: dict[str, object]) -> RulePolicy:
        changed = copy.copy(policy)
        del changed._has_rules_on_texts
        changed.lookup = {RULES: {json.dumps(list(states)): "action_greet"}}
        return changed

    listening = {"prev_action": {"action_name": "action_listen"}}
    assert turn_cost._has_rules_on_texts(with_rule({**listening, "user": {"text": "hoi"}}))
    assert turn_cost._has_rules_on_texts(with_rule(listening))
    assert not turn_cost._has_rules_on_texts(with_rule({**listening, "user": {"intent": "greet"}}))
    assert not turn_cost._has_rules_on_texts(with_rule({"prev_action": {"action_name": "action_greet"}}))


@given(st.data())
def test_rules_are_found_where_they_can_be(policy: RulePolicy, data: st.DataObject) -> None:
    every_rule = inspect.getclosurevars(RulePolicy._get_possible_keys).nonlocals["find"]
    rules = [policy._rule_key_to_state(key) for key in policy.lookup[RULES]]
    # The start of a conversation, where there is no last action, and one whose last action is a text.
    odd: list[dict[str, dict[str, str]]] = [
        {},
        {"user": {"intent": "greet"}},
        {"user": {"intent": "bye"}},
        {"prev_action": {"action_text": "dag"}},
    ]
    asked = st.sampled_from(rules).flatmap(lambda rule: st.sampled_from([rule, rule[-1:], rule[1:], [*rule, odd[1]], [odd[2]]]))
    states = data.draw(st.lists(st.sampled_from(odd + [state for rule in rules for state in rule]), max_size=3)) + data.draw(asked)
    assert policy._get_possible_keys(policy.lookup[RULES], states) == every_rule(policy, policy.lookup[RULES], states)
    made_up = {json.dumps(data.draw(st.lists(st.sampled_from([*odd, *states]), min_size=1, max_size=4))): "action_greet" for _ in range(4)}
    assert policy._get_possible_keys(made_up, states) == every_rule(policy, made_up, states)
