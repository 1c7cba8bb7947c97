"""The policy that outranks all others: a message with a sign of crisis is answered as one, whatever else was going on."""

from __future__ import annotations

from typing import Any

from rasa.core.policies.policy import Policy, PolicyPrediction
from rasa.engine.graph import ExecutionContext
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.shared.core.constants import ACTION_LISTEN_NAME
from rasa.shared.core.domain import Domain
from rasa.shared.core.generator import TrackerWithCachedStates
from rasa.shared.core.trackers import DialogueStateTracker

CRISIS_ACTION = "action_crisis"


def crisis_of(parse_data: dict[str, Any] | None) -> str:
    """The crisis that was read in a message; ``none`` where none was."""
    return str(((parse_data or {}).get("facets") or {}).get("crisis") or "none")


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.POLICY_WITHOUT_END_TO_END_SUPPORT, is_trainable=True)
class CrisisPolicy(Policy):
    """Predicts ``action_crisis`` after a message with a sign of crisis, then listens. Otherwise it has no opinion."""

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        return {"priority": 10, "max_history": 1}

    def train(self, training_trackers: list[TrackerWithCachedStates], domain: Domain, **kwargs: Any) -> Resource:
        with self._model_storage.write_to(self._resource) as folder:
            (folder / "crisis_policy").touch()
        return self._resource

    @classmethod
    def load(
        cls, config: dict[str, Any], model_storage: ModelStorage, resource: Resource, execution_context: ExecutionContext, **kwargs: Any
    ) -> CrisisPolicy:
        return cls(config, model_storage, resource, execution_context)

    def predict_action_probabilities(
        self, tracker: DialogueStateTracker, domain: Domain, rule_only_data: dict[str, Any] | None = None, **kwargs: Any
    ) -> PolicyPrediction:
        probabilities = self._default_predictions(domain)
        message = tracker.latest_message
        if message is not None and crisis_of(message.parse_data) != "none":
            following = {ACTION_LISTEN_NAME: CRISIS_ACTION, CRISIS_ACTION: ACTION_LISTEN_NAME}.get(str(tracker.latest_action_name))
            if following:
                probabilities[domain.index_for_action(following)] = 1.0
        return self._prediction(probabilities)
