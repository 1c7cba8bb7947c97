"""What the web channel keeps and counts: in this process and its data folder, or in the Redis that several bots share."""

from __future__ import annotations

from dataclasses import dataclass

from bot.channels.web_limits import Buckets, Limit, Slots
from bot.channels.web_sessions import Sessions
from bot.runtime.bot import Bot
from bot.runtime.settings import Settings

_MESSAGE_BURST = 10


@dataclass
class Parts:
    """The parts.

    ``limits``: ``sessions`` that an address starts, ``messages`` of a conversation, those of an ``address``. ``streams``: the open ones.
    """

    sessions: Sessions
    limits: dict[str, Limit]
    streams: Slots


def make_parts(bot: Bot, settings: Settings, key: bytes) -> Parts:
    """Those of the settings. ``key``: the secret of the web channel."""
    lifetime = settings.tracker_hours * 3600
    rates = {
        "sessions": (settings.sessions_per_hour / 3600, settings.sessions_per_hour),
        "messages": (settings.messages_per_minute / 60, min(_MESSAGE_BURST, settings.messages_per_minute)),
        "address": (settings.address_messages_per_minute / 60, settings.address_messages_per_minute),
    }
    if bot.redis is None:
        from bot.channels.web_sessions_sqlite import SqliteSessions

        sessions = SqliteSessions(settings.data_dir / "web.db", lifetime)
        limits: dict[str, Limit] = {kind: Buckets(*rate) for kind, rate in rates.items()}
        return Parts(sessions, limits, Slots(settings.streams_per_address, settings.max_streams))
    from bot.channels.web_limits_redis import Hidden, SharedBuckets, SharedSlots
    from bot.channels.web_sessions_redis import RedisSessions

    hidden = Hidden(key)
    shared: dict[str, Limit] = {kind: SharedBuckets(bot.redis, hidden, kind, *rate) for kind, rate in rates.items()}
    slots = SharedSlots(bot.redis, hidden, settings.streams_per_address, settings.max_streams)
    return Parts(RedisSessions(bot.redis, bot.holding, lifetime), shared, slots)
