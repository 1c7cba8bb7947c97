"""Settings: environment variables with the prefix ``WEGWIJZER_``; every one has a default that works on one machine."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseSettings, Extra, Field, SecretStr, ValidationError, validator

from bot.runtime.errors import UserError

PROJECT = Path(__file__).resolve().parents[2]

_PUBLIC = re.compile(r"^(https://\S+|http://(127\.0\.0\.1|localhost)(:[0-9]+)?(/\S*)?)$")
_ORIGIN = re.compile(r"^https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?$")


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

    allowed_origins: tuple[str, ...] = Field(
        (), description="sites that may hold the widget, for instance https://www.example.be, with commas between; the own pages always may"
    )
    proxies: int = Field(0, ge=0, le=10, description="number of proxies in front of the bot; 0 means that X-Forwarded-For is not believed")
    messages_per_minute: int = Field(30, ge=1, description="messages that one conversation may send in a minute")
    address_messages_per_minute: int = Field(600, ge=1, description="messages from one address in a minute; a whole school can share one")
    sessions_per_hour: int = Field(600, ge=1, description="conversations that one address may start in an hour")
    streams_per_address: int = Field(500, ge=1, description="open event streams from one address")
    max_streams: int = Field(4000, ge=1, description="open event streams in all")

    transcripts: bool = Field(True, description="whether conversations are kept, redacted, for the moderators")
    database_url: SecretStr | None = Field(
        None,
        env="DATABASE_URL",
        description="database of the transcripts, for instance postgresql://user:password@host/name; without it a file in the data folder",
    )
    transcript_key: SecretStr | None = Field(
        None,
        description="key that encrypts transcripts, 32 bytes in base64; several with commas between, newest first; "
        "without it one is made in the data folder",
    )
    retention_days: int = Field(30, ge=1, le=3650, description="days after which a conversation is removed")
    crisis_retention_days: int | None = Field(
        None, ge=1, le=3650, description="the same for conversations with a crisis; without it there is no difference"
    )

    console_host: str = Field("127.0.0.1", description="address on which the moderators' console listens")
    console_port: int = Field(5006, ge=0, lt=65536, description="port of the console; with 0, 'wegwijzer run' starts none")
    console_url: str | None = Field(None, description="public address of the console, for links; https makes its cookies secure")
    console_idle_minutes: int = Field(30, ge=1, le=1440, description="minutes without a click after which a moderator is logged out")
    console_hours: int = Field(10, ge=1, le=72, description="hours after which a moderator is logged out in any case")
    alert_to: str | None = Field(None, description="e-mail address that hears that there is a crisis conversation; needs smtp_host")
    alert_from: str = Field("wegwijzer@localhost", description="sender of that e-mail")
    smtp_host: str | None = Field(None, description="server that sends e-mail")
    smtp_port: int = Field(587, ge=1, lt=65536, description="its port")
    smtp_security: Literal["starttls", "tls", "none"] = Field("starttls", description="how the way to it is encrypted: starttls, tls, none")
    smtp_user: str | None = Field(None, description="name to log in to it")
    smtp_password: SecretStr | None = Field(None, description="password to log in to it")

    telegram_token: SecretStr | None = Field(
        None, env="TELEGRAM_TOKEN", description="token of the Telegram bot; without it Telegram is off"
    )
    telegram_webhook_url: str | None = Field(
        None, env="TELEGRAM_WEBHOOK_URL", description="public https address of this server; without it updates are fetched (long polling)"
    )
    telegram_secret: SecretStr | None = Field(
        None,
        env="TELEGRAM_SECRET",
        description="secret that hides Telegram ids, at least 16 characters; without it one is made in the data folder",
    )
    telegram_api_url: str = Field("https://api.telegram.org", env="TELEGRAM_API_URL", description="address of the Bot API")
    telegram_per_second: float = Field(
        30.0, gt=0, env="TELEGRAM_PER_SECOND", description="messages a second to all chats; Telegram allows 30"
    )

    @validator(
        "telegram_token",
        "telegram_webhook_url",
        "telegram_secret",
        "database_url",
        "transcript_key",
        "crisis_retention_days",
        "console_url",
        "alert_to",
        "smtp_host",
        "smtp_user",
        "smtp_password",
        pre=True,
    )
    def _empty_is_unset(cls, value: Any) -> Any:
        return None if value == "" else value

    @validator("telegram_secret")
    def _long_enough(cls, value: SecretStr | None) -> SecretStr | None:
        if value and len(value.get_secret_value()) < 16:
            raise ValueError("needs at least 16 characters")
        return value

    @validator("telegram_webhook_url", "telegram_api_url", "console_url")
    def _an_address(cls, value: str | None) -> str | None:
        if value and not _PUBLIC.match(value):
            raise ValueError("must begin with https:// (http:// on this machine only)")
        return value.rstrip("/") if value else value

    @validator("allowed_origins", each_item=True)
    def _an_origin(cls, value: str) -> str:
        if not _ORIGIN.match(value):
            raise ValueError(f"'{value}' is no origin; write for instance https://www.example.be, without a path")
        return value.lower()

    class Config:
        env_prefix = "WEGWIJZER_"
        extra = Extra.forbid
        frozen = True

        @classmethod
        def parse_env_var(cls, field_name: str, raw_val: str) -> Any:
            """A list is written with commas; pydantic would ask for JSON."""
            return [part.strip() for part in raw_val.split(",") if part.strip()]


def load_settings(**given: Any) -> Settings:
    """Read the environment.

    Raises:
        SettingsError: one line that names the variable.
    """
    try:
        return Settings(**given)
    except ValidationError as error:
        first = error.errors()[0]
        (variable,) = Settings.__fields__[str(first["loc"][0])].field_info.extra["env_names"]
        raise SettingsError(f"{variable.upper()}: {first['msg']}") from None
