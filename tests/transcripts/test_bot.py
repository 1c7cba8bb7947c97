"""The real bot, with its model, and what it leaves in the store."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.runtime import metrics
from bot.runtime.bot import Bot
from bot.runtime.settings import load_settings
from bot.transcripts.repository import Filters, Repository, Transcript

STORY = "mijn vriendin Kato en haar broer sturen al weken lelijke dingen over mij in de klasgroep op whatsapp"


class Running:
    """A bot in an event loop of its own."""

    def __init__(self, folder: Path) -> None:
        self.loop = asyncio.new_event_loop()
        self.bot = Bot.load(load_settings(data_dir=folder))
        assert self.bot.transcripts
        self.transcripts = self.bot.transcripts
        self.transcripts.database.migrate()
        self.repository = Repository(self.transcripts.database)

    def do(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.loop.run_until_complete(work)

    def say(self, sender: str, text: str, **metadata: Any) -> Any:
        return self.do(self.bot.respond(sender, text, "web", metadata))

    def tap(self, sender: str, payload: str) -> Any:
        return self.do(self.bot.tap(sender, payload, "web"))

    def stored(self, sender: str) -> Transcript | None:
        """The conversation of a sender, as a moderator reads it."""
        assert self.transcripts.caught_up(60)
        from sqlalchemy import select

        from bot.transcripts.models import Conversation

        with self.transcripts.database.reading() as session:
            id_ = session.execute(
                select(Conversation.id).where(Conversation.key == self.transcripts.database.keys.conversation(sender))
            ).scalar()
        return self.repository.read(id_, "test") if id_ else None


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    one = Running(tmp_path_factory.mktemp("bot") / "data")
    yield one
    one.bot.close()
    one.loop.close()


@pytest.fixture
def sender() -> str:
    return f"s{uuid.uuid4().hex}"


def test_both_sides_of_a_conversation_with_what_was_understood_and_why(running: Running, sender: str) -> None:
    reply = running.say(sender, STORY)
    answer = running.say(sender, "ik ben 14 en ik zit op school, wat moet ik doen")
    whole = running.stored(sender)
    assert whole
    said = [message["text"] for message in (*reply.messages, *answer.messages)]
    assert [message.text for message in whole.messages if message.sender == "bot"] == said
    first = whole.messages[0]
    assert "Kato" not in first.text
    assert "[NAAM-1]" in first.text
    assert first.intent == "describe"
    assert first.confidence == reply.parsed["intent"]["confidence"]
    assert first.facets["platform"] == "whatsapp"
    assert first.model == running.bot.model_id
    assert (whole.summary.channel, whole.summary.platform) == ("web", "whatsapp")
    shown = {message["id"] for message in (*reply.messages, *answer.messages) if message["type"] == "helpline"}
    assert set(whole.referrals) == shown
    assert shown
    rules = [rule for message in whole.messages for rule in message.rules]
    assert rules
    assert all(id_ and source for id_, source in rules)
    # For the moderators; the user's side knows nothing of it.
    assert not any("rules" in message for message in (*reply.messages, *answer.messages))


def test_an_answer_to_a_question_is_kept_as_one(running: Running, sender: str) -> None:
    running.say(sender, "ze lachen mij uit op de training")
    running.say(sender, "14")
    whole = running.stored(sender)
    assert whole
    answer = [message for message in whole.messages if message.sender == "user"][-1]
    assert (answer.text, answer.intent, answer.confidence, answer.question) == ("14", "answer", None, "age_band")
    assert (answer.facets, answer.confidences) == ({"age_band": "12_17"}, {})
    assert (whole.summary.failures, whole.summary.age_band) == (0, "12_17")


def test_what_is_no_answer_is_not_kept_as_one(running: Running, sender: str) -> None:
    running.say(sender, "ze lachen mij uit op de training")
    running.say(sender, "??")
    running.say(sender, "weet niet")
    whole = running.stored(sender)
    assert whole
    _story, lost, skipped = (message for message in whole.messages if message.sender == "user")
    assert [(message.intent, message.question) for message in (lost, skipped)] == [("nlu_fallback", None), ("dont_know", None)]
    assert whole.summary.failures == 1


def test_a_button_answers_a_question_too(running: Running, sender: str) -> None:
    reply = running.say(sender, "ze lachen mij uit op de training")
    options = next(message["options"] for message in reply.messages if message["type"] == "question")
    running.tap(sender, options[0]["payload"])
    whole = running.stored(sender)
    assert whole
    tap = next(message for message in whole.messages if message.kind == "tap")
    assert (tap.intent, tap.question, tap.facets) == ("answer", "age_band", {})


def test_taps_and_feedback(running: Running, sender: str) -> None:
    reply = running.say(sender, "ik wil dood, ze pesten mij elke dag")
    running.do(running.bot.record(sender, "tapped", "zelfmoordlijn", "web"))
    button = reply.messages[-1].get("options") or next(message["options"] for message in reply.messages if message.get("options"))
    running.tap(sender, button[0]["payload"])
    running.do(running.bot.record(sender, "helpful", True, "web"))
    whole = running.stored(sender)
    assert whole
    assert whole.referrals["zelfmoordlijn"] == 1
    assert (whole.summary.crisis, whole.summary.urgency, whole.summary.rating) == ("suicide", 3, True)
    taps = [message for message in whole.messages if message.kind == "tap"]
    assert [message.text for message in taps] == [button[0]["title"]]


def test_a_turn_that_breaks_down_is_seen_in_the_queue(running: Running, sender: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(_message: Any) -> Any:
        raise RuntimeError("mijn geheim")

    running.say(sender, STORY)
    with monkeypatch.context() as patch:
        patch.setattr(running.bot, "_handle", broken)
        running.say(sender, "nog iets")
    whole = running.stored(sender)
    assert whole
    assert (whole.summary.failures, whole.messages[-1].kind, whole.messages[-1].ref) == (1, "failure", "RuntimeError")


def test_a_message_that_is_given_up_is_seen_there_once_and_counted(running: Running, sender: str) -> None:
    def given_up() -> float:
        return metrics.REGISTRY.get_sample_value("wegwijzer_turn_failures_total", {"channel": "web", "reason": "given_up"}) or 0.0

    running.say(sender, STORY)
    before = given_up()
    for _ in range(2):  # by two bots, should the first be lost before its answer is written
        reply = running.do(running.bot.give_up(sender, "web", "message-1"))
        assert [message["id"] for message in reply.messages] == ["errors.internal"]
    assert given_up() == before + 2
    whole = running.stored(sender)
    assert whole
    assert [message.ref for message in whole.messages if message.kind == "failure"] == ["NeverEnded"]
    assert whole.summary.failures == 1


def test_who_refuses_is_not_read(running: Running, sender: str) -> None:
    before = running.repository.figures(*_today())
    running.say(sender, STORY)
    assert running.stored(sender)
    running.tap(sender, "/refuse_review")
    assert running.stored(sender) is None
    running.say(sender, "en nu slaan ze mij ook aan het vijverpad")
    running.do(running.bot.record(sender, "helpful", False, "web"))
    assert running.stored(sender) is None
    after = running.repository.figures(*_today())
    assert (after.refused - before.refused, after.conversations - before.conversations, after.not_helpful - before.not_helpful) == (1, 1, 1)
    assert running.repository.list(Filters(text="vijverpad")).total == 0


@pytest.mark.parametrize("how", ["chat", "button of the page"])
def test_erasing_is_done_when_the_reply_comes(running: Running, sender: str, how: str) -> None:
    running.say(sender, "ze pesten mij bij de zandkuil")
    if how == "chat":
        running.say(sender, "wis")
        reply = running.tap(sender, "/erase_yes")
        assert reply.erased
    else:
        running.do(running.bot.erase(sender))
    # Without waiting for anything.
    assert running.repository.list(Filters(text="zandkuil")).total == 0
    assert running.stored(sender) is None
    running.say(sender, "hallo daar")
    assert running.stored(sender)


def test_a_conversation_that_ends_by_itself_keeps_its_transcript(running: Running, sender: str) -> None:
    running.say(sender, STORY)
    running.do(running.bot.forget(sender))
    assert running.stored(sender)


def test_the_bot_trying_itself_leaves_nothing(running: Running) -> None:
    assert running.transcripts.caught_up(60)
    before = running.repository.list().total
    running.do(running.bot.check())
    assert running.transcripts.caught_up(60)
    assert running.repository.list().total == before


def test_a_message_that_a_channel_takes_again_stands_once(running: Running, sender: str) -> None:
    """A channel that was killed between a turn and its reply puts the conversation back and takes the message again."""
    snapshot = running.do(running.bot.snapshot(sender))
    running.say(sender, STORY, message_id="7")
    running.do(running.bot.restore(sender, snapshot))
    running.say(sender, STORY, message_id="7")
    running.say(sender, "nog iets anders", message_id="8")
    whole = running.stored(sender)
    assert whole
    assert len([message for message in whole.messages if message.sender == "user"]) == 2


def test_the_chat_goes_on_when_nothing_can_be_kept(running: Running, sender: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_given: Any) -> Any:
        raise ValueError("mijn geheim")

    with monkeypatch.context() as patch:
        patch.setattr(running.transcripts._recorder, "turn", broken)
        assert running.say(sender, STORY).messages
    assert running.transcripts.lost == 1
    assert running.say(sender, "hallo").messages
    assert running.stored(sender)


def test_without_transcripts_there_is_no_store(tmp_path: Path) -> None:
    bot = Bot.load(load_settings(data_dir=tmp_path / "data", transcripts=False))
    loop = asyncio.new_event_loop()
    reply = loop.run_until_complete(bot.respond("s", "hallo"))
    loop.run_until_complete(bot.record("s", "helpful", True))
    loop.run_until_complete(bot.erase("s"))
    bot.close()
    loop.close()
    assert reply.messages
    assert [path.name for path in (tmp_path / "data").iterdir() if "transcript" in path.name or "outbox" in path.name] == []


def _today() -> tuple[Any, Any]:
    import datetime as dt

    from bot.wegwijzer.hours import BRUSSELS

    today = dt.datetime.now(BRUSSELS).date()
    return today - dt.timedelta(days=1), today + dt.timedelta(days=1)
