"""Time from an update to the answer on Telegram: this channel beside Rasa's own, with the same model on the same server.

    make bench-telegram

The Bot API is spoken by tests/telegram/fake_telegram.py in this process, the bot runs in another one. Everyone tells the same story, each
person once. "first" is the time until the first message of the answer arrived at Telegram's side, "whole" until the last.
Rasa's channel sends a message for each part of an answer and knows webhooks only; its custom data is left out, on which it fails.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from bot.runtime import quiet

quiet.apply()

from bot.runtime.server import _new_event_loop_policy  # noqa: E402

PROJECT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(PROJECT / "tests" / "telegram"))

STORY = "ze lachen mij elke dag uit op school"
QUIET_SECONDS = 0.3
WAYS = ("ours, webhook", "ours, polling", "Rasa's, webhook")


# --- the bot, in a process of its own ---------------------------------------------------------------------------------


async def _serve_ours(api: str, token: str, port: int, folder: Path) -> None:
    from sanic import Sanic

    from bot.channels.telegram import TelegramChannel
    from bot.runtime.bot import Bot
    from bot.runtime.settings import load_settings

    given = {"telegram_webhook_url": f"http://127.0.0.1:{port}"} if port else {}
    settings = load_settings(data_dir=folder, telegram_api_url=api, telegram_token=token, telegram_per_second=10_000, **given)
    bot = Bot.load(settings)
    await bot.check()
    channel = TelegramChannel(bot, settings)
    app = Sanic("ours", configure_logging=False, register=False)
    channel.register(app)
    await _listen(app, port)
    await channel.start()
    await asyncio.Event().wait()


def _serve_rasa(api: str, token: str, port: int, folder: Path) -> None:
    """Rasa's channel with its client pointed at this machine; that is the only change."""
    from aiogram.bot.api import TelegramAPIServer
    from rasa.core.channels.telegram import TelegramInput, TelegramOutput
    from sanic import Sanic

    from bot.runtime.bot import Bot
    from bot.runtime.settings import load_settings

    class Output(TelegramOutput):  # type: ignore[misc]
        async def send_response(self, recipient_id: str, message: dict[str, Any]) -> None:
            await super().send_response(recipient_id, {key: value for key, value in message.items() if key != "custom"})

    class Input(TelegramInput):  # type: ignore[misc]
        def get_output_channel(self) -> Output:
            output = Output(self.access_token)
            output.server = TelegramAPIServer.from_base(api)
            return output

    async def serve() -> None:
        bot = Bot.load(load_settings(data_dir=folder))
        await bot.check()
        channel = Input(token, "WegwijzerBot", f"http://127.0.0.1:{port}/webhooks/telegram/webhook")
        app = Sanic("rasa", configure_logging=False, register=False)
        app.blueprint(channel.blueprint(bot._agent.handle_message), url_prefix="/webhooks/telegram")
        await _listen(app, port)
        # Rasa sets the webhook when it starts.
        await channel.get_output_channel().set_webhook(channel.webhook_url)
        await asyncio.Event().wait()

    asyncio.run(serve())


async def _listen(app: Any, port: int) -> None:
    server = await app.create_server(
        host="127.0.0.1", port=port or None, return_asyncio_server=True, access_log=False, asyncio_server_kwargs={"start_serving": False}
    )
    await server.startup()
    await server.start_serving()


# --- the people -------------------------------------------------------------------------------------------------------


async def _measure(way: str, rounds: dict[int, int]) -> list[dict[str, Any]]:
    """One bot, asked by so many chats at once so many times."""
    from fake_telegram import FakeTelegram, until

    telegram = FakeTelegram()
    await telegram.start()
    port = 0
    if "webhook" in way:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "benchmarks.telegram", "--serve", way, "--api", telegram.url, "--token", telegram.token]
        process = subprocess.Popen(  # noqa: ASYNC220 (nothing else runs yet)
            [*command, "--port", str(port), "--folder", folder], cwd=PROJECT, stderr=subprocess.DEVNULL
        )
        try:
            await until(lambda: telegram.webhook or telegram.calls_of("getUpdates") or process.poll() is not None)
            if process.poll() is not None:
                raise SystemExit(f"the bot ({way}) did not start")
            people = iter(range(1_000_000, 2_000_000))
            await _round(telegram, [telegram.person(next(people)) for _ in range(3)])  # warm
            results: dict[int, list[tuple[float, float, int]]] = {chats: [] for chats in rounds}
            for chats, times in rounds.items():
                for _ in range(times):
                    results[chats] += await _round(telegram, [telegram.person(next(people)) for _ in range(chats)])
        finally:
            process.terminate()
            process.wait()
    await telegram.stop()
    return [_figures(way, chats, answers) for chats, answers in results.items()]


async def _round(telegram: Any, people: list[Any]) -> list[tuple[float, float, int]]:
    """Everyone tells the story at the same moment: seconds until the first and the last message of each answer, and how many there were."""
    telegram.calls.clear()
    began = time.monotonic()
    for person in people:
        person.say(STORY)

    def last_sent() -> float:
        return max((call.at for call in telegram.calls_of("sendMessage")), default=time.monotonic())

    # An answer is whole when everyone got one and nothing came for a while.
    while not all(person.texts for person in people) or time.monotonic() - last_sent() < QUIET_SECONDS:  # noqa: ASYNC110 (two processes)
        await asyncio.sleep(0.02)
    sent = [[call.at - began for call in telegram.calls_of("sendMessage", person.id) if call.ok] for person in people]
    return [(times[0], times[-1], len(times)) for times in sent]


def _figures(way: str, chats: int, answers: list[tuple[float, float, int]]) -> dict[str, Any]:
    def of(values: list[float]) -> dict[str, float]:
        ordered = sorted(values)
        return {"p50": round(statistics.median(ordered) * 1000, 1), "p95": round(ordered[int(0.95 * (len(ordered) - 1))] * 1000, 1)}

    return {
        "way": way,
        "chats": chats,
        "answers": len(answers),
        "messages_an_answer": max(count for _first, _last, count in answers),
        "first_ms": of([first for first, _last, _count in answers]),
        "whole_ms": of([last for _first, last, _count in answers]),
    }


def main() -> None:
    """Measure and print a table; ``--json`` prints the figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.telegram")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--rounds", type=int, default=24, help="rounds with one chat; a sixth of it with 50")
    for hidden in ("--serve", "--api", "--token", "--folder"):
        parser.add_argument(hidden, help=argparse.SUPPRESS)
    parser.add_argument("--port", type=int, default=0, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve:
        _new_event_loop_policy()  # as in 'wegwijzer run'
        if given.serve.startswith("ours"):
            asyncio.run(_serve_ours(given.api, given.token, given.port, Path(given.folder)))
        else:
            _serve_rasa(given.api, given.token, given.port, Path(given.folder))
        return
    rounds = {1: given.rounds, 50: max(1, given.rounds // 6)}
    figures = sorted((row for way in WAYS for row in asyncio.run(_measure(way, rounds))), key=lambda row: row["chats"])
    if given.json:
        print(json.dumps(figures, indent=2))
        return
    print(f"{'way':18} {'chats':>5} {'messages':>8} {'first p50':>10} {'p95':>8} {'whole p50':>10} {'p95':>8}  (ms)")
    for row in figures:
        times = [row[part][share] for part in ("first_ms", "whole_ms") for share in ("p50", "p95")]
        print(f"{row['way']:18} {row['chats']:5} {row['messages_an_answer']:8} {times[0]:10} {times[1]:8} {times[2]:10} {times[3]:8}")


if __name__ == "__main__":
    main()
