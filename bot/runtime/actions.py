"""Custom actions in the bot's own process, without the HTTP round trip to an action server.

``rasa run actions`` keeps working on the same ``actions`` package; this is for ``wegwijzer run`` and the other commands.
"""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

from jsonschema import Draft7Validator
from rasa.core.actions.action import RemoteAction
from rasa.utils.endpoints import ClientResponseError, EndpointConfig
from rasa_sdk.executor import ActionExecutor
from rasa_sdk.interfaces import ActionExecutionRejection


class InProcessActions(EndpointConfig):
    """An action endpoint whose ``request`` calls the SDK's executor directly.

    Rasa asks an :class:`EndpointConfig` for its actions; overriding ``request`` is the narrowest place to answer without a server.
    """

    def __init__(self, package: str = "actions") -> None:
        super().__init__(url=f"in-process:{package}")
        self._executor = ActionExecutor()
        self._executor.register_package(package)

    @property
    def names(self) -> list[str]:
        """Names of the registered actions."""
        return sorted(self._executor.actions)

    async def request(self, method: str = "post", subpath: str | None = None, **kwargs: Any) -> Any:
        """Run the action that the call names and return what an action server would have answered."""
        try:
            return await self._executor.run(kwargs["json"])
        except ActionExecutionRejection as rejection:
            body = json.dumps({"action_name": rejection.action_name, "error": rejection.message})
            raise ClientResponseError(400, rejection.message, body) from rejection


@lru_cache(maxsize=1)
def _response_validator() -> Draft7Validator:
    schema = RemoteAction.action_response_format_spec()
    Draft7Validator.check_schema(schema)
    return Draft7Validator(schema)


def _validate_action_result(_action: RemoteAction, result: dict[str, Any]) -> bool:
    _response_validator().validate(result)
    return True


def precompile_action_validation() -> None:
    """Check the schema of action responses once, not at every action.

    Rasa calls ``jsonschema.validate`` for each action, which validates the schema itself before the response: 86 % of the
    time of a turn. The compiled validator makes the same checks on the response.
    """
    RemoteAction._validate_action_result = _validate_action_result
