"""The Rasa event broker that hands every conversation to the transcripts.

``wegwijzer run`` makes one by itself. For ``rasa run`` name it in ``endpoints.yml``::

    event_broker:
      type: bot.transcripts.broker.TranscriptBroker
"""

from __future__ import annotations

from asyncio import AbstractEventLoop
from collections import defaultdict
from typing import Any

from rasa.core.brokers.broker import EventBroker
from rasa.shared.core.constants import ACTION_LISTEN_NAME
from rasa.utils.endpoints import EndpointConfig

from bot.runtime.settings import load_settings
from bot.transcripts.service import Transcripts


class TranscriptBroker(EventBroker):
    """Collects the events of a turn, which Rasa publishes one by one, and hands them over together."""

    def __init__(self, transcripts: Transcripts) -> None:
        self.transcripts = transcripts
        self._open: dict[str, list[dict[str, Any]]] = defaultdict(list)

    @classmethod
    async def from_endpoint_config(
        cls, broker_config: EndpointConfig | None, event_loop: AbstractEventLoop | None = None
    ) -> TranscriptBroker:
        """A broker as the settings of Wegwijzer say; ``endpoints.yml`` needs no more than its name."""
        return cls(Transcripts.start(load_settings()))

    def publish(self, event: dict[str, Any]) -> None:
        """Take in one event of Rasa. Never waits and never fails."""
        sender_id = str(event.get("sender_id") or "")
        self._open[sender_id].append(event)
        if event.get("event") == "action" and event.get("name") == ACTION_LISTEN_NAME:
            self.transcripts.take(sender_id, self._open.pop(sender_id))

    async def close(self) -> None:
        """Hand over what is left, and stop."""
        for sender_id, events in self._open.items():
            self.transcripts.take(sender_id, events)
        self._open.clear()
        self.transcripts.close()
