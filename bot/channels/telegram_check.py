"""``wegwijzer telegram check``: whether the token works, and what is set at Telegram."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field

from telegram import Bot as TelegramApi
from telegram.error import InvalidToken, TelegramError

from bot.channels.telegram import api_for, is_token, webhook_address
from bot.channels.telegram_delivery import Patience
from bot.channels.telegram_texts import COMMANDS, load_telegram_texts
from bot.runtime.errors import UserError
from bot.runtime.settings import Settings

_PATIENCE = Patience(connect=10.0, answer=15.0)


class TelegramSetupError(UserError):
    """Telegram cannot be used as it is set; one line."""


@dataclass
class Report:
    """What was found. ``problems`` are to be mended; ``remarks`` mend themselves when the bot starts."""

    facts: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


async def check(settings: Settings) -> Report:
    """Ask Telegram what it knows of the bot.

    Raises:
        TelegramSetupError: there is no token, it is refused, or Telegram cannot be reached.
    """
    if settings.telegram_token is None:
        raise TelegramSetupError("TELEGRAM_TOKEN is not set; BotFather on Telegram gives one (see docs/telegram.md)")
    if not is_token(settings.telegram_token.get_secret_value()):
        raise TelegramSetupError("TELEGRAM_TOKEN is no token: it must look like 110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw")
    api = api_for(settings, _PATIENCE)
    try:
        await api.initialize()
        report = Report([f"token: in order, the bot is @{api.username} ({api.first_name})"])
        await _webhook(api, settings, report)
        await _profile(api, report)
    except InvalidToken:
        raise TelegramSetupError("Telegram refuses TELEGRAM_TOKEN; ask BotFather for it again (/mybots, API Token)") from None
    except TelegramError as error:
        raise TelegramSetupError(f"{settings.telegram_api_url} cannot be reached or does not answer ({type(error).__name__})") from None
    finally:
        await api.shutdown()
    return report


async def _webhook(api: TelegramApi, settings: Settings, report: Report) -> None:
    info = await api.get_webhook_info()
    wanted = webhook_address(settings) if settings.telegram_webhook_url else ""
    report.facts.append(f"updates: {f'webhook {info.url}' if info.url else 'no webhook, fetched by long polling'}")
    report.facts.append(f"waiting: {info.pending_update_count} update(s)")
    if info.url != wanted:
        setting = f"TELEGRAM_WEBHOOK_URL wants {wanted}" if wanted else "TELEGRAM_WEBHOOK_URL is not set"
        report.remarks.append(f"{setting}: 'wegwijzer run' changes the webhook")
    if info.url and info.last_error_message:
        moment = f" at {info.last_error_date:%Y-%m-%d %H:%M} UTC" if info.last_error_date else ""
        # An old error says nothing of a webhook that works now.
        recent = info.last_error_date is None or dt.datetime.now(dt.timezone.utc) - info.last_error_date < dt.timedelta(hours=1)
        (report.problems if recent else report.facts).append(f"Telegram could not reach the webhook{moment}: {info.last_error_message}")


async def _profile(api: TelegramApi, report: Report) -> None:
    texts = load_telegram_texts()
    commands = {command.command: command.description for command in await api.get_my_commands()}
    report.facts.append(f"commands: {', '.join(f'/{name}' for name in commands) or 'none'}")
    if commands != {name: texts.commands[name] for name in COMMANDS}:
        report.remarks.append("the commands differ from content/telegram.yml: 'wegwijzer run' sets them")
    description = (await api.get_my_description()).description
    short = (await api.get_my_short_description()).short_description
    report.facts.append(f"description: {'set' if description else 'none'}")
    if (description, short) != (texts.profile.description, texts.profile.short_description):
        report.remarks.append("the description differs from content/telegram.yml: 'wegwijzer run' sets it")
