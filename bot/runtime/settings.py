"""Settings: environment variables with the prefix ``WEGWIJZER_``; every one has a default that works on one machine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import BaseSettings, Extra, Field, ValidationError

from bot.runtime.errors import UserError

PROJECT = Path(__file__).resolve().parents[2]


class SettingsError(UserError):
    """A setting that cannot be used; one line."""


class Settings(BaseSettings):
    """What can be set. Paths are created when they are needed."""

    data_dir: Path = Field(PROJECT / ".data", description="folder for conversations and keys")
    models_dir: Path = Field(PROJECT / "models", description="folder with trained models; the newest one is used")
    host: str = Field("127.0.0.1", description="address on which the bot listens")
    max_characters: int = Field(2000, ge=100, le=10000, description="longest message that is read")
    tracker_hours: float = Field(24.0, gt=0, description="hours after which an unused conversation is removed")
    reply_seconds: float = Field(20.0, gt=0, description="longest time for one reply")

    class Config:
        env_prefix = "WEGWIJZER_"
        extra = Extra.forbid
        frozen = True


def load_settings(**given: Any) -> Settings:
    """Read the environment.

    Raises:
        SettingsError: one line that names the variable.
    """
    try:
        return Settings(**given)
    except ValidationError as error:
        first = error.errors()[0]
        raise SettingsError(f"WEGWIJZER_{str(first['loc'][0]).upper()}: {first['msg']}") from None
