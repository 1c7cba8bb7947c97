"""The bot in one process: a loaded model, actions beside it, conversations on disk; a message in, messages out.

Channels, the command line and the tests all talk to :class:`Bot`. It is the one place where text from a user is made safe.
"""

from __future__ import annotations

import asyncio
import logging
import re
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rasa.core.agent import Agent
from rasa.core.channels.channel import OutputChannel, UserMessage
from rasa.core.lock_store import LockStore
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import SlotSet
from rasa.shared.core.trackers import DialogueStateTracker
from redis.exceptions import RedisError

from actions.base import renderer
from bot.nlu.text import clean_unicode
from bot.runtime import logs, metrics, turn_cost
from bot.runtime.actions import InProcessActions, trust_own_actions
from bot.runtime.locks import QueueLockStore
from bot.runtime.model_files import ModelError, check_hash
from bot.runtime.quiet import rasa_logs
from bot.runtime.redis_locks import held_number
from bot.runtime.settings import Settings
from bot.runtime.trackers import UNRECORDED, SmallTrackerStore, SqliteTrackerStore
from bot.transcripts.record import failure, feedback
from bot.transcripts.service import Transcripts
from bot.wegwijzer.render import Message

if TYPE_CHECKING:
    from redis.asyncio import Redis

logger = logging.getLogger(__name__)

#: Put before text of a user that begins with "/", which Rasa would read as an intent. Invisible, and dropped by the normaliser.
_NOT_A_COMMAND = "\u2060"
#: A message of which so many turns were begun and none ended is not tried again: each of them may have ended a whole process.
MOST_BEGUN = 3
_PAYLOAD = re.compile(r"^/[a-z_]{1,40}(\{.{0,400}\})?$", re.S)


class NeverEnded(Exception):
    """Turns of a message were begun again and again, and none ended."""


class Replies(OutputChannel):
    """Rasa output channel that collects the messages of one turn."""

    def __init__(self, channel: str) -> None:
        self._channel = channel
        self.messages: list[Message] = []

    def name(self) -> str:
        return self._channel

    async def send_response(self, recipient_id: str, message: dict[str, Any]) -> None:
        """Keep the custom data of a message, which holds all its parts."""
        custom = message.get("custom") or {"type": "text", "text": message.get("text") or ""}
        self.messages.append(dict(custom))


@dataclass
class Reply:
    """What came of one user message.

    ``parsed`` is Rasa's parse data, None where the message was not read at all. ``away``: because Redis could not be reached.
    """

    messages: list[Message]
    parsed: dict[str, Any] | None = None
    slots: dict[str, Any] = field(default_factory=dict)
    erased: bool = False
    away: bool = False


def newest_model(folder: Path) -> Path:
    """The newest model in a folder.

    Raises:
        ModelError: when there is none.
    """
    models = sorted(folder.glob("*.tar.gz"), key=lambda path: path.stat().st_mtime) if folder.is_dir() else []
    if not models:
        raise ModelError(f"no model in {folder}; make one with 'make train'")
    return models[-1]


class Bot:
    """A running bot. Make one with :meth:`load`; ``respond`` may be called from many tasks at once."""

    def __init__(  # noqa: PLR0917 (what it is made of)
        self,
        agent: Agent,
        store: SmallTrackerStore,
        settings: Settings,
        model: Path,
        transcripts: Transcripts | None = None,
        redis: Redis[str] | None = None,
    ) -> None:
        self._agent = agent
        self._store = store
        self.redis = redis
        self.transcripts = transcripts
        self._settings = settings
        self._renderer = renderer()
        self.model = model

    @classmethod
    def load(cls, settings: Settings, model: Path | None = None, in_memory: bool = False, transcripts: Transcripts | None = None) -> Bot:
        """Load the newest model (or the one given) and the actions.

        Args:
            in_memory: nothing is kept: no conversation, and no transcript unless ``transcripts`` takes it.
            transcripts: in place of those that the settings name.

        Raises:
            ModelError: no model, or one that cannot be loaded.
            UserError: a setting that cannot be used; a Redis that does not answer.
        """
        path = model or newest_model(settings.models_dir)
        if not path.is_file():
            raise ModelError(f"there is no model {path}")
        checked = check_hash(path, settings.model_sha256)
        rasa_logs()
        trust_own_actions()
        turn_cost.cut()
        if not in_memory:
            settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        redis = None if in_memory else _redis(settings)
        if transcripts is None and settings.transcripts and not in_memory:
            transcripts = Transcripts.start(settings)
        store, lock_store = _stores(settings, in_memory, redis, transcripts)
        agent = Agent(tracker_store=store, lock_store=lock_store, action_endpoint=InProcessActions())
        # Without Rasa's wrapper: where a read or a write fails, it goes on with an empty conversation in the memory of this process.
        agent.tracker_store = store
        try:
            agent.load_model(str(path))
        except Exception as error:
            # Whatever is wrong inside an archive (not a tar, no metadata, another version) surfaces as some exception of Rasa's loader.
            logger.debug("model cannot be loaded", exc_info=True)
            store.close()
            if transcripts:
                transcripts.close()
            raise ModelError(f"model {path.name} cannot be loaded ({type(error).__name__}); train again with 'make train'") from error
        if not checked and not in_memory:
            logger.warning("model %s has no hash beside it: nobody knows whether it is what was trained", path.name)
        assert agent.processor
        metrics.watch_understanding(agent.processor)
        bot = cls(agent, store, settings, path, transcripts, redis)
        turn_cost.leave_loaded_objects_alone()
        return bot

    @property
    def model_id(self) -> str:
        """Id of the loaded model."""
        return str(self._agent.model_id)

    @asynccontextmanager
    async def holding(self, sender_id: str, **more: Any) -> AsyncIterator[None]:
        """Hold a conversation: for a turn, and for what a channel does around it. ``more``: see the lock of the lock store."""
        asked, inside = time.perf_counter(), held_number(sender_id) is not None
        async with self._agent.lock_store.lock(sender_id, **more):
            if not inside:
                metrics.lock_waited(time.perf_counter() - asked)
            yield

    async def check(self) -> None:
        """Let the bot answer once: a model that loads but was never trained, or an action that fails, is found at start.

        Raises:
            ModelError: no sensible answer came.
        """
        sender = f"check-{uuid.uuid4().hex}"
        reply = await self.respond(sender, "hallo", UNRECORDED)
        await self.forget(sender)
        if not reply.parsed or reply.parsed["intent"]["name"] != "greet" or not reply.messages:
            raise ModelError(f"model {self.model.name} does not answer as it should; train again with 'make train'")

    async def parse(self, text: str) -> dict[str, Any]:
        """What is understood of a text, as Rasa parse data."""
        return dict(await self._agent.parse_message(self._safe(text)))

    async def respond(self, sender_id: str, text: str, channel: str = "wegwijzer", metadata: dict[str, Any] | None = None) -> Reply:
        """Answer what a user typed. Text that begins with "/" is text."""
        refused = self._refusal(text)
        if refused:
            return Reply(refused)
        return await self._turn(sender_id, self._safe(text), channel, metadata)

    async def tap(self, sender_id: str, payload: str, channel: str = "wegwijzer", metadata: dict[str, Any] | None = None) -> Reply:
        """Answer a button. ``payload`` must be one that the bot sent: a channel looks it up, it never takes it from the outside."""
        if not _PAYLOAD.match(payload):
            raise ValueError("not the payload of a button")
        return await self._turn(sender_id, payload, channel, metadata)

    async def give_up(self, sender_id: str, channel: str, message_id: str) -> Reply:
        """Answer a message that is not tried again (see :data:`MOST_BEGUN`) as one of which the turn failed; nobody reads it."""
        logger.error("a message is given up: %d turns of it were begun and none ended", MOST_BEGUN)
        metrics.gave_up(channel)
        await self._note_failure(sender_id, NeverEnded(), channel, message_id)
        return Reply(self._renderer.say("internal", "errors"))

    async def remember(self, sender_id: str, **slots: Any) -> None:
        """Take in what a channel knows without words, for instance from a link on a poster at school."""
        async with self._agent.lock_store.lock(sender_id):
            tracker = await self._store.get_or_create_tracker(sender_id)
            for name, value in slots.items():
                tracker.update(SlotSet(name, value))
            await self._store.save(tracker)

    async def snapshot(self, sender_id: str) -> list[dict[str, Any]]:
        """A conversation as it is now, JSON-ready; empty where there is none. For :meth:`restore`."""
        tracker = await self._store.retrieve(sender_id)
        return [event.as_dict() for event in tracker.events] if tracker else []

    async def restore(self, sender_id: str, events: list[dict[str, Any]]) -> None:
        """Put a conversation back as it was: for a channel that was killed between a turn and its reply, and takes the turn again."""
        if not events:
            await self._store.delete(sender_id)
            return
        async with self._agent.lock_store.lock(sender_id):
            await self._store.replace(DialogueStateTracker.from_dict(sender_id, events, self._store.domain.slots))

    async def record(self, sender_id: str, what: str, value: Any, channel: str = "wegwijzer") -> None:
        """Add to the transcript what a user did beside the messages; changes nothing in the conversation.

        Args:
            what: ``helpful`` (value true or false: was the advice of use) or ``tapped`` (value: the id of a helpline, tip or step).

        Raises:
            ValueError: something else.
        """
        event = feedback(what, value, channel)
        if self.transcripts:
            self.transcripts.take(sender_id, [event], await self._store.refused(sender_id))

    async def forget(self, sender_id: str) -> None:
        """The conversation is over: remove what it takes to go on with it. Its transcript is kept as long as the settings say."""
        await self._store.delete(sender_id)

    async def erase(self, sender_id: str) -> None:
        """Remove a conversation for good, its transcript included; the transcript also where the conversation cannot be reached now."""
        latest = 0.0
        try:
            latest = await self._store.latest(sender_id)
        finally:
            try:
                await self._store.delete(sender_id)
            finally:
                if self.transcripts:
                    await self.transcripts.erase(sender_id, latest)

    async def disconnect(self) -> None:
        """Close the connections; before :meth:`close`, from the event loop that made them."""
        await self._store.disconnect()

    def close(self) -> None:
        """Close the files."""
        self._store.close()
        if self.transcripts:
            self.transcripts.close()

    async def _turn(self, sender_id: str, text: str, channel: str, metadata: dict[str, Any] | None) -> Reply:
        with logs.request():
            began = time.perf_counter()
            reply = await self._answered(sender_id, text, channel, metadata)
            logger.info("turn answered", extra={"channel": channel, "milliseconds": round((time.perf_counter() - began) * 1000)})
            return reply

    async def _answered(self, sender_id: str, text: str, channel: str, metadata: dict[str, Any] | None) -> Reply:
        replies = Replies(channel)
        # A message that is taken again after a crash is known by its id, and stands once in the transcript.
        message_id = (metadata or {}).get("message_id")
        message = UserMessage(text, replies, sender_id, input_channel=channel, message_id=message_id, metadata=metadata or {})
        try:
            with metrics.turn(channel):
                tracker = await asyncio.wait_for(self._handle(message), timeout=self._settings.reply_seconds)
        except Exception as error:  # noqa: BLE001 (whatever fails inside Rasa, the user gets an answer)
            # The text of the message must not reach the log, so neither does the exception's message.
            logger.error("turn failed: %s", type(error).__name__)
            await self._note_failure(sender_id, error, channel, message_id)
            away = isinstance(error, RedisError)
            # What was to be said is said: it may be where to find help. It is not remembered, so the user is told that too.
            return Reply([*replies.messages, *self._renderer.say("internal", "errors")], away=away)
        parsed = dict(tracker.latest_message.parse_data) if tracker.latest_message else None
        erased = any(item["type"] == "erased" for item in replies.messages)
        if erased:
            await self.erase(sender_id)
        return Reply(replies.messages or self._renderer.say("internal", "errors"), parsed, tracker.current_slot_values(), erased)

    async def _note_failure(self, sender_id: str, error: Exception, channel: str, message_id: str | None) -> None:
        """A turn that failed stands in the transcript, unless nobody may read along, or that cannot be known now."""
        if not self.transcripts:
            return
        try:
            refused = await self._store.refused(sender_id)
        except Exception as away:  # noqa: BLE001 (the user is answered all the same)
            logger.error("a failure is not in the transcript: %s", type(away).__name__)
            return
        self.transcripts.take(sender_id, [failure(error, channel, message_id)], refused)

    async def _handle(self, message: UserMessage) -> DialogueStateTracker:
        """Rasa's ``MessageProcessor.handle_message``, step by step, for the conversation as it then is: Rasa would have it read again."""
        processor = self._agent.processor
        assert processor is not None
        async with self.holding(message.sender_id):
            tracker = await processor.log_message(message, should_save_tracker=False)
            tracker = await processor.run_action_extract_slots(message.output_channel, tracker)
            await processor._run_prediction_loop(message.output_channel, tracker)
            await processor.save_tracker(tracker)
            return tracker

    def _refusal(self, text: str) -> list[Message]:
        """Why a text is not read at all, said to the user; empty when it is read."""
        if len(text) > self._settings.max_characters:
            return self._renderer.say("too_long", "errors", limit=self._settings.max_characters)
        if not clean_unicode(text).strip():
            return self._renderer.say("empty", "errors")
        return []

    @staticmethod
    def _safe(text: str) -> str:
        text = text.strip()
        return _NOT_A_COMMAND + text if text.startswith("/") else text


def _redis(settings: Settings) -> Redis[str] | None:
    """The Redis of the settings, once it has answered; None where there is none."""
    if settings.redis_url is None:
        return None
    from bot.runtime.redis_link import connect

    return connect(settings.redis_url)


def _stores(
    settings: Settings, in_memory: bool, redis: Redis[str] | None, transcripts: Transcripts | None
) -> tuple[SmallTrackerStore, LockStore]:
    """Where conversations are kept and who holds them: in Redis, or in this process and its folder."""
    seconds = settings.tracker_hours * 3600
    if redis is None:
        path = None if in_memory else settings.data_dir / "conversations.db"
        return SqliteTrackerStore(Domain.empty(), path, transcripts, expires_after=seconds), QueueLockStore()
    from bot.runtime.redis_locks import RedisLockStore
    from bot.runtime.redis_trackers import RedisTrackerStore

    return RedisTrackerStore(Domain.empty(), redis, transcripts, expires_after=seconds), RedisLockStore(redis)
