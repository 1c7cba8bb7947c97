"""Settings: environment variables (most with the prefix ``WEGWIJZER_``), or the same names in one file; every one has a default that
works on one machine. All of them, made from here: docs/settings.md."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseSettings, Extra, Field, SecretStr, ValidationError, validator
from pydantic.fields import ModelField

from bot.runtime.settings_sources import SETTINGS_FILE, SettingsError, Value, gather, read_settings_file, unknown

PROJECT = Path(__file__).resolve().parents[2]

_PUBLIC = re.compile(r"^(https://\S+|http://(127\.0\.0\.1|localhost)(:[0-9]+)?(/\S*)?)$")
#: Of secrets. Each visitor of the web is given something signed with the second, and could try out words at leisure.
_LEAST_CHARACTERS = {"telegram_secret": 16, "web_secret": 32}
_ORIGIN = re.compile(r"^https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?$")


class Settings(BaseSettings):
    """What can be set. Paths are created when they are needed."""

    data_dir: Path = Field(PROJECT / ".data", description="folder for conversations and keys")
    models_dir: Path = Field(PROJECT / "models", description="folder with trained models; the newest one is used")
    model_sha256: str | None = Field(
        None,
        regex="^([0-9a-f]{64})?$",
        description="SHA-256 of the model; another one is not loaded. Without it, the file beside the model counts",
    )
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

    web_secret: SecretStr | None = Field(
        None,
        description="secret that signs the tokens of web conversations, at least 32 characters, the same for all bots that share a Redis; "
        "without it one is made in the data folder",
    )

    redis_url: SecretStr | None = Field(
        None,
        env="REDIS_URL",
        description="Redis that several bots share: conversations, turns, web sessions, limits. For instance "
        "redis://:password@host:6379/0; without it they are in the data folder",
    )

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

    log_format: Literal["text", "json"] = Field(
        "text", description="text: errors and warnings; json: an object a line, one for each turn too; what users write stands in neither"
    )
    metrics_port: int = Field(0, ge=0, lt=65536, description="port on which Prometheus finds the metrics, never the bot's own; 0 is off")
    metrics_host: str = Field("127.0.0.1", description="address of that port; nobody has to log in there, so never one that is public")

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
        "model_sha256",
        "telegram_token",
        "telegram_webhook_url",
        "telegram_secret",
        "web_secret",
        "redis_url",
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

    @validator("telegram_secret", "web_secret")
    def _long_enough(cls, value: SecretStr | None, field: ModelField) -> SecretStr | None:
        least = _LEAST_CHARACTERS[field.name]
        if value and len(value.get_secret_value()) < least:
            raise ValueError(f"needs at least {least} characters")
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
        def customise_sources(cls, init_settings: Any, **_others: Any) -> tuple[Any, ...]:
            """Only what is handed in: :func:`load_settings` looks where values come from."""
            return (init_settings,)


def variable(name: str) -> str:
    """The environment variable of a setting."""
    (found,) = Settings.__fields__[name].field_info.extra["env_names"]
    return str(found).upper()


def is_secret(name: str) -> bool:
    """Whether a setting must never be shown, and can be given as a file that holds it."""
    return bool(Settings.__fields__[name].type_ is SecretStr)


def load_settings(**given: Any) -> Settings:
    """Read the environment and the file that ``WEGWIJZER_SETTINGS`` names. What is ``given`` comes first, then the environment.

    Raises:
        SettingsError: one line that names the variable.
    """
    fields = Settings.__fields__
    for name in given:
        if name not in fields:
            raise SettingsError(unknown(name, fields))
    variables = {variable(name): name for name in fields}
    secrets = {found for found, name in variables.items() if is_secret(name)}
    path = os.environ.get(SETTINGS_FILE)
    file = read_settings_file(Path(path), variables, secrets) if path else {}
    found = {variables[one]: value for one, value in gather(os.environ, file, variables, secrets).items()}
    values = {name: _parsed(name, value) for name, (value, _origin) in found.items()}
    try:
        return Settings(**{**values, **given})
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0])
        origin = found[name][1] if name in found and name not in given else variable(name)
        where = f" (in {path})" if name not in given and origin in file and origin not in os.environ else ""
        raise SettingsError(f"{origin}: {first['msg']}{where}") from None


def _parsed(name: str, value: Value) -> Any:
    """A list is written with commas, or as a list of the file."""
    if not isinstance(Settings.__fields__[name].default, tuple):
        return ",".join(value) if isinstance(value, list) else value
    return value if isinstance(value, list) else [part.strip() for part in value.split(",") if part.strip()]
