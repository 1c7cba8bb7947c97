"""What goes wrong between the bot and Telegram: no message is lost that can be delivered, none comes twice, the order is kept."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fake_telegram import FakeTelegram, Person, until
from telegram_host import QUICK, SECRET, Host

from bot.channels.telegram import TelegramChannel
from bot.channels.telegram_format import Bubble
from bot.channels.telegram_store import Begun, Secrets
from bot.channels.telegram_store_sqlite import SqliteTelegramStore
from bot.channels.telegram_updates import Incoming
from bot.runtime.bot import MOST_BEGUN, Bot

pytestmark = pytest.mark.asyncio

STORY = ("ze slaan mij elke dag op school en ik ben 14 jaar", "/help", "/stop")


async def _tell(host: Host, person: Person) -> None:
    for words in STORY:
        person.say(words)
    await host.settled()


@pytest.fixture
def undisturbed(people: Callable[..., Person]) -> Callable[[Host], Any]:
    """What the bot says to the same story when nothing goes wrong."""

    async def texts(host: Host) -> list[str]:
        person = people("Noor")
        await _tell(host, person)
        return person.texts

    return texts


#: Each of them for the first, a middle and the last message of an answer.
FAULTS: dict[str, dict[str, Any]] = {
    "429": {"seconds": 1},
    "500": {},
    "502": {},
    "cut": {},
    "cut_after": {},
    "hang": {},
    "hang_after": {},
    "garbage": {},
    "odd": {},
    "slow": {"seconds": 1.2},
}


@pytest.mark.parametrize("how", FAULTS)
async def test_every_message_comes_once_and_in_order(
    polling: Host, telegram: FakeTelegram, lotte: Person, undisturbed: Callable[[Host], Any], how: str
) -> None:
    await polling.start(replace(QUICK, answer=1.5))
    expected = await undisturbed(polling)
    assert len(expected) > len(STORY)
    telegram.go_wrong("sendMessage", how, times=2, chat=lotte.id, **FAULTS[how])
    await _tell(polling, lotte)
    assert lotte.texts == expected
    assert telegram.faults[0].times == 0


@pytest.mark.parametrize("how", ["cut_after", "hang_after"])
async def test_an_answer_that_was_lost_is_looked_up_among_other_chats(
    polling: Host, telegram: FakeTelegram, people: Callable[..., Person], undisturbed: Callable[[Host], Any], how: str
) -> None:
    """The message is found again by its number, which lies between those of the other chats."""
    await polling.start(replace(QUICK, answer=1.5))
    expected = await undisturbed(polling)
    crowd = [people(f"P{number}") for number in range(6)]
    for person in crowd:
        telegram.go_wrong("sendMessage", how, times=1, chat=person.id)
    for words in STORY:
        for person in crowd:
            person.say(words)
    await polling.settled()
    assert [person.texts for person in crowd] == [expected] * len(crowd)


async def test_telegram_is_asked_no_sooner_than_it_says(polling: Host, telegram: FakeTelegram, lotte: Person) -> None:
    await polling.start()
    telegram.go_wrong("sendMessage", "429", seconds=2)
    lotte.say("/help")
    await polling.settled()
    first, second = telegram.calls_of("sendMessage", lotte.id)
    assert second.at - first.at >= 2


async def test_one_chat_that_must_wait_holds_up_no_other(polling: Host, telegram: FakeTelegram, people: Callable[..., Person]) -> None:
    await polling.start()
    slow, quick = people("Finn"), people("Noor")
    telegram.go_wrong("sendMessage", "429", chat=slow.id, seconds=3)
    slow.say("/help")
    await until(lambda: telegram.calls_of("sendMessage", slow.id))
    quick.say("/help")
    await until(lambda: quick.texts)
    assert slow.texts == []
    await polling.settled()
    assert slow.texts == quick.texts


@pytest.mark.parametrize("how", ["403", "400"])
async def test_a_chat_that_is_gone_gets_no_more_calls_and_keeps_nothing(
    polling: Host, telegram: FakeTelegram, people: Callable[..., Person], how: str
) -> None:
    await polling.start()
    gone, other = people("Finn"), people("Noor")
    if how == "403":
        gone.chat.blocked = True
    else:
        gone.chat.gone = True
    gone.say(STORY[0])
    other.say("/help")
    await polling.settled()
    assert len(telegram.calls_of("sendMessage", gone.id)) == 1
    assert len(other.texts) == 1
    assert await polling.channel._store.chats_with_mail() == []
    # Whoever comes back is answered.
    gone.chat.blocked = gone.chat.gone = False
    gone.say("/help")
    await polling.settled()
    assert len(gone.texts) == 1


async def test_html_that_telegram_refuses_comes_as_plain_text(polling: Host, telegram: FakeTelegram, lotte: Person) -> None:
    await polling.start()
    telegram.go_wrong("sendMessage", "400", times=1, text='can\'t parse entities: Unsupported start tag "x" at byte offset 3')
    lotte.say("ik wil niet meer leven")
    await polling.settled()
    assert "1813" in lotte.texts[0]
    assert "https://" in lotte.texts[0]  # addresses are written out
    assert "<b>" not in lotte.texts[0]
    assert len(lotte.texts) == len(set(lotte.texts))


async def test_what_telegram_refuses_in_every_form_does_not_block_the_chat(polling: Host, telegram: FakeTelegram, lotte: Person) -> None:
    await polling.start()
    telegram.go_wrong("sendMessage", "400", times=2, text="message is too long")
    lotte.say("/help")
    lotte.say("/stop")
    await polling.settled()
    assert len(lotte.texts) == 1


@pytest.mark.parametrize("how", ["500", "cut", "hang", "429", "garbage"])
@pytest.mark.parametrize("method", ["answerCallbackQuery", "editMessageText", "sendChatAction"])
async def test_a_courtesy_that_fails_costs_no_answer(polling: Host, telegram: FakeTelegram, lotte: Person, method: str, how: str) -> None:
    await polling.start(replace(QUICK, answer=0.5))
    lotte.say("/stop")
    await polling.settled()
    telegram.go_wrong(method, how, times=5, seconds=1)
    lotte.press("Wis dit gesprek")
    await until(lambda: "Ja, wis alles" in lotte.buttons)


@pytest.mark.parametrize("how", ["500", "502", "cut", "hang", "429", "garbage"])
async def test_fetching_goes_on_after_faults(polling: Host, telegram: FakeTelegram, lotte: Person, how: str) -> None:
    await polling.start(replace(QUICK, answer=0.5, poll=0.0))
    telegram.go_wrong("getUpdates", how, times=3, seconds=1)
    lotte.say("/help")
    lotte.say("/stop")
    await polling.settled()
    assert len(lotte.texts) == 2


async def test_another_process_on_the_same_token_is_told_and_waited_for(
    polling: Host, telegram: FakeTelegram, lotte: Person, caplog: pytest.LogCaptureFixture
) -> None:
    telegram.webhook = {"url": "https://elsewhere.example/telegram"}
    await polling.start(wait=False)
    # Somebody registers a webhook again while this process polls.
    await until(lambda: polling.channel.status == "polling")
    telegram.webhook = {"url": "https://elsewhere.example/telegram"}
    await until(lambda: "only one can" in caplog.text)
    telegram.webhook = {}
    lotte.say("/help")
    await polling.settled()
    assert len(lotte.texts) == 1


@pytest.mark.parametrize("token", ["110201543:AAFwrongwrongwrongwrongwrongwrongwro", "no token at all", "1:x/../getMe"])
async def test_a_token_that_is_refused_is_one_clear_line(polling: Host, token: str, caplog: pytest.LogCaptureFixture) -> None:
    await polling.start(wait=False, telegram_token=token)
    await until(lambda: polling.channel.status == "refused")
    (line,) = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert "TELEGRAM_TOKEN" in line.getMessage()
    assert token not in caplog.text
    # The web is another channel on the same bot: it answers.
    assert (await polling.bot.respond("web-1", "hallo")).messages


async def test_a_token_that_is_revoked_while_the_bot_runs_is_said(
    polling: Host, telegram: FakeTelegram, caplog: pytest.LogCaptureFixture
) -> None:
    await polling.start()
    telegram.token = "110201543:AAHnewnewnewnewnewnewnewnewnewnewnew1"
    await until(lambda: polling.channel.status == "refused")
    assert "TELEGRAM_TOKEN" in caplog.text


async def test_without_a_token_nothing_happens(polling: Host, telegram: FakeTelegram) -> None:
    await polling.start(wait=False, telegram_token=None)
    assert polling.channel.status == "off"
    assert telegram.calls == []


@pytest.mark.parametrize("mode", ["polling", "webhook"])
async def test_telegram_that_cannot_be_reached_at_start_is_waited_for(
    bot: Bot, telegram: FakeTelegram, lotte: Person, tmp_path: Path, mode: str
) -> None:
    host = Host(bot, telegram, tmp_path, mode)
    telegram.go_wrong("getMe", "cut", times=2)
    telegram.go_wrong("getMe", "502")
    telegram.go_wrong("setWebhook", "500")
    telegram.go_wrong("deleteWebhook", "500")
    telegram.go_wrong("setMyCommands", "429", seconds=3000)
    lotte.say("/help")
    await host.start()
    await host.settled()
    assert len(lotte.texts) == 1
    await host.stop()


# --- webhook ---


@pytest.mark.parametrize("secret", [None, "", "wrong", "é", "a" * 64])
async def test_a_webhook_call_without_the_secret_is_refused(
    bot: Bot, telegram: FakeTelegram, lotte: Person, tmp_path: Path, secret: str | None
) -> None:
    host = Host(bot, telegram, tmp_path, "webhook")
    channel = await host.start()
    body = b'{"update_id": 5, "message": {"message_id": 1, "date": 1, "chat": {"id": 5, "type": "private"}, "text": "hoi"}}'
    assert await channel.webhook(secret, body) == 403
    assert channel.chats_waiting == 0
    assert telegram.webhook["secret_token"] == Secrets(SECRET.encode()).webhook
    await host.stop()
    assert await channel.webhook(telegram.webhook["secret_token"], body) == 503


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'"x"', b"null", b'{"message": {}}', b'{"update_id": "1"}', b"\xff\xfe", b"[" * 100_000]
)
async def test_a_body_that_is_no_update_is_refused(bot: Bot, telegram: FakeTelegram, lotte: Person, tmp_path: Path, body: bytes) -> None:
    host = Host(bot, telegram, tmp_path, "webhook")
    channel = await host.start()
    assert await channel.webhook(telegram.webhook["secret_token"], body) == 400
    assert await channel.webhook(telegram.webhook["secret_token"], b" " * 1_000_001) == 413
    lotte.say("/help")
    await host.settled()
    assert len(lotte.texts) == 1
    await host.stop()


async def test_updates_that_telegram_sends_again_are_answered_once(bot: Bot, telegram: FakeTelegram, lotte: Person, tmp_path: Path) -> None:
    host = Host(bot, telegram, tmp_path, "webhook")
    await host.start()
    telegram.repeat_webhook = True
    lotte.say("/help")
    lotte.say("/stop")
    await host.settled()
    assert len(lotte.texts) == 2
    # Also after a restart.
    lotte.say("/taal")
    again = {"update_id": 870_000_001, "message": next(iter(lotte.chat.messages.values()))}
    await host.settled()
    await host.stop()
    await host.start()
    telegram.deliver(again)
    await host.settled()
    assert len(lotte.texts) == 3
    await host.stop()


async def test_the_webhook_answers_before_the_bot_does(bot: Bot, telegram: FakeTelegram, lotte: Person, tmp_path: Path) -> None:
    host = Host(bot, telegram, tmp_path, "webhook")
    await host.start()
    telegram.go_wrong("sendMessage", "429", times=1, seconds=2)
    began = time.monotonic()
    lotte.say("/help")
    await until(lambda: telegram.pending == 0)
    accepted = time.monotonic() - began
    await host.settled()
    assert accepted < time.monotonic() - began
    assert len(telegram.calls_of("sendMessage", lotte.id)) == 2
    await host.stop()


# --- stopping and starting again ---


@pytest.mark.parametrize("mode", ["polling", "webhook"])
async def test_pending_answers_are_finished_on_stop(
    bot: Bot, telegram: FakeTelegram, people: Callable[..., Person], tmp_path: Path, mode: str
) -> None:
    host = Host(bot, telegram, tmp_path, mode)
    await host.start()
    crowd = [people(f"P{number}") for number in range(10)]
    telegram.go_wrong("sendMessage", "slow", times=10, seconds=0.5)
    for person in crowd:
        person.say("/help")
    await until(lambda: len(telegram.calls_of("sendMessage")) >= 1 and host.channel.chats_waiting == 10)
    await host.stop()
    assert all(len(person.texts) == 1 for person in crowd)


@pytest.mark.parametrize("mode", ["polling", "webhook"])
async def test_what_could_not_be_finished_is_done_at_the_next_start(
    bot: Bot, telegram: FakeTelegram, lotte: Person, undisturbed: Callable[[Host], Any], tmp_path: Path, mode: str
) -> None:
    host = Host(bot, telegram, tmp_path, mode)
    await host.start(replace(QUICK, stop=0.2))
    expected = await undisturbed(host)
    # The second message of the first answer cannot be sent for a long time.
    lotte.say(STORY[0])
    await until(lambda: lotte.texts)
    telegram.go_wrong("sendMessage", "429", times=1, chat=lotte.id, seconds=3600)
    for words in STORY[1:]:
        lotte.say(words)
    await until(lambda: telegram.pending == 0 and not any(fault.times for fault in telegram.faults))
    await host.stop()
    assert len(lotte.texts) < len(expected)
    await host.start()
    await host.settled()
    assert lotte.texts == expected
    await host.stop()


async def test_a_message_of_which_the_fate_is_unknown_at_the_end_is_looked_up_at_the_next_start(
    polling: Host, telegram: FakeTelegram, lotte: Person
) -> None:
    await polling.start(replace(QUICK, stop=0.2, answer=60.0))
    telegram.go_wrong("sendMessage", "hang_after", times=1)
    lotte.say("/help")
    await until(lambda: lotte.texts)
    await polling.stop()
    await polling.start()
    await polling.settled()
    assert len(lotte.texts) == 1
    lotte.say("/stop")
    await polling.settled()
    assert len(lotte.texts) == 2


async def test_a_changed_secret_drops_what_it_sealed_and_goes_on(polling: Host, telegram: FakeTelegram, lotte: Person) -> None:
    await polling.start(replace(QUICK, stop=0.1))
    telegram.go_wrong("sendMessage", "429", times=1, seconds=3600)
    lotte.say("/help")
    lotte.say("/taal")
    await until(lambda: telegram.pending == 0 and telegram.calls_of("sendMessage"))
    await polling.stop()
    await polling.start(telegram_secret="another secret of 16 characters")
    lotte.say("/stop")
    await polling.settled()
    assert len(lotte.texts) == 1


async def test_a_message_is_not_sent_a_day_late(tmp_path: Path) -> None:
    moment = [1000.0]
    store = SqliteTelegramStore(tmp_path / "t.db", Secrets(b"x" * 32), keep_seconds=86400, clock=lambda: moment[0])
    incoming = Incoming(1, 5, "text", "hoi")
    await store.accept([(1, incoming)])
    await store.finish(incoming, [Bubble("hallo")])
    (chat,) = await store.chats_with_mail()
    moment[0] += 86399
    waiting = await store.next_to_send(chat)
    assert waiting is not None
    assert waiting.html == "hallo"
    moment[0] += 2
    assert await store.next_to_send(chat) is None
    await store.close()


# --- many at once ---


@pytest.mark.parametrize("mode", ["polling", "webhook"])
async def test_two_hundred_chats_at_once(
    bot: Bot, telegram: FakeTelegram, people: Callable[..., Person], tmp_path: Path, mode: str
) -> None:
    host = Host(bot, telegram, tmp_path, mode)
    await host.start(replace(QUICK, answer=60.0))
    crowd = [people(f"P{number}") for number in range(200)]
    for person in crowd:
        person.say("/start")
        person.say("ze lachen mij elke dag uit op school")
        person.say("/stop")
    await host.settled()
    first = crowd[0].texts
    assert len(first) >= 3
    assert [person.texts for person in crowd] == [first] * 200
    await host.stop()


async def test_two_hundred_chats_within_what_telegram_allows(polling: Host, people: Callable[..., Person], telegram: FakeTelegram) -> None:
    """At 30 messages a second the limit is never hit; were it hit, nothing would be lost."""
    telegram.per_second = 30
    await polling.start(replace(QUICK, answer=60.0), telegram_per_second=28)
    crowd = [people(f"P{number}") for number in range(200)]
    for person in crowd:
        person.say("/help")
    await polling.settled()
    assert all(len(person.texts) == 1 for person in crowd)


async def test_one_chat_that_floods_delays_itself_only(polling: Host, people: Callable[..., Person]) -> None:
    await polling.start(messages_per_minute=60)
    flood, other = people("Finn"), people("Noor")
    for _message in range(61):
        flood.say("/help")
    await until(lambda: len(flood.texts) >= 60)
    other.say("/help")
    await until(lambda: other.texts)
    await polling.settled()
    assert len(flood.texts) == 61


async def test_an_update_that_ends_the_process_again_and_again_is_given_up(polling: Host, lotte: Person, caplog: Any) -> None:
    channel = await polling.start()
    beginning = channel._store.beginning
    lost = []

    @contextlib.asynccontextmanager
    async def begun_thrice(update_id: int) -> AsyncIterator[Begun]:
        """As three processes leave it that ended on the way."""
        if not lost:
            for _ in range(MOST_BEGUN):
                await channel._store._begin(update_id, alone=True)
            lost.append(update_id)
        async with beginning(update_id) as begun:
            yield begun

    channel._store.beginning = begun_thrice  # type: ignore[method-assign]
    lotte.say("een geheim bericht")
    lotte.say("/help")
    await polling.settled()
    assert "Er ging iets mis bij mij" in lotte.texts[0]
    assert len(lotte.texts) == 2
    assert "a message is given up" in caplog.text
    assert "geheim" not in caplog.text
    assert not await polling.slots(lotte), "no turn of it was taken"


async def test_an_internal_defect_is_said_and_does_not_stop_the_chat(
    polling: Host, lotte: Person, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    channel: TelegramChannel = await polling.start()
    original = polling.bot.respond

    async def broken(sender: str, text: str, *more: Any) -> Any:
        if "kapot" in text:
            raise RuntimeError(f"cannot read {text}")
        return await original(sender, text, *more)

    monkeypatch.setattr(channel._bot, "respond", broken)
    lotte.say("dit is kapot geheim")
    lotte.say("/help")
    await polling.settled()
    assert "Er ging iets mis bij mij" in lotte.texts[0]
    assert len(lotte.texts) == 2
    assert "geheim" not in caplog.text
