"""Actions in the bot's own process answer as an action server does."""

from __future__ import annotations

import asyncio
import copy
import datetime as dt
import json
import socket
from typing import Any

import aiohttp
import pytest
from jsonschema import Draft7Validator
from rasa.core.actions.action import RemoteAction
from rasa.utils.endpoints import ClientResponseError
from rasa_sdk.endpoint import create_app
from rasa_sdk.interfaces import ActionExecutionRejection

from actions import base
from bot.runtime.actions import InProcessActions
from bot.runtime.bot import Bot
from bot.runtime.settings import load_settings

SAID = [
    "hallo",
    "ik word gepest op snapchat door mijn klas, ze noemen mij dik",
    "ja",
    "weet ik niet",
    "hoe blokkeer ik iemand op instagram",
    "wat is pesten",
    "ik wil niet meer leven",
    "asdf qwer zxcv",
    "wie leest dit",
    "wis alles",
]


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What Rasa asks of the actions in a conversation, with the clock standing still."""
    monkeypatch.setattr(base, "now", lambda: dt.datetime(2024, 3, 5, 12, 0, tzinfo=dt.timezone.utc))
    asked: list[dict[str, Any]] = []
    run = InProcessActions.request

    async def recorded(self: InProcessActions, *args: Any, **kwargs: Any) -> Any:
        asked.append(copy.deepcopy(kwargs["json"]))
        return await run(self, *args, **kwargs)

    async def converse() -> None:
        bot = Bot.load(load_settings(), in_memory=True)
        for text in SAID:
            await bot.respond("x", text)
        bot.close()

    with monkeypatch.context() as recording:
        recording.setattr(InProcessActions, "request", recorded)
        asyncio.run(converse())
    return asked


async def over_http(calls: list[dict[str, Any]]) -> list[Any]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = await create_app("actions").create_server(sock=listener, return_asyncio_server=True)
        await server.startup()
        await server.start_serving()
        try:
            async with aiohttp.ClientSession() as http:
                address = f"http://127.0.0.1:{listener.getsockname()[1]}/webhook"
                return [await (await http.post(address, json=call)).json() for call in calls]
        finally:
            server.close()


def test_the_same_answers_as_an_action_server(calls: list[dict[str, Any]]) -> None:
    async def both() -> tuple[list[Any], list[Any]]:
        endpoint = InProcessActions()
        return [json.loads(json.dumps(await endpoint.request(json=call))) for call in calls], await over_http(calls)

    here, there = asyncio.run(both())
    assert len(calls) == len(SAID)
    assert here == there
    assert all(answer["responses"] for answer in here)


def test_every_answer_fits_the_schema_that_rasa_would_hold_it_against(calls: list[dict[str, Any]]) -> None:
    validator = Draft7Validator(RemoteAction.action_response_format_spec())

    async def answers() -> list[Any]:
        endpoint = InProcessActions()
        return [await endpoint.request(json=call) for call in calls]

    for answer in asyncio.run(answers()):
        validator.validate(answer)


def test_a_rejected_action_is_what_an_action_server_would_say() -> None:
    class Refusing(InProcessActions):
        def __init__(self) -> None:
            super().__init__()

            async def refuse(_call: Any) -> Any:
                raise ActionExecutionRejection("action_tips", "not now")

            self._executor.run = refuse

    with pytest.raises(ClientResponseError) as raised:
        asyncio.run(Refusing().request(json={"next_action": "action_tips"}))
    assert raised.value.status == 400
    assert json.loads(raised.value.text) == {"action_name": "action_tips", "error": "not now"}
