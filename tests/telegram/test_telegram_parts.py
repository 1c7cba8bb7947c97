"""The parts on their own: splitting, bubbles, sealed storage, texts, reading updates."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from fake_telegram import parse_html
from hypothesis import given
from hypothesis import strategies as st

from bot.channels.telegram_format import LIMIT, Bubble, Formatter, plain, rows, split_text, units, visible
from bot.channels.telegram_store import Secrets
from bot.channels.telegram_store_sqlite import SqliteTelegramStore
from bot.channels.telegram_texts import load_telegram_texts
from bot.channels.telegram_updates import Incoming
from bot.wegwijzer.content import DEFAULT_FOLDER, ContentError
from bot.wegwijzer.readability import too_hard
from bot.wegwijzer.schema import Level

TEXTS = load_telegram_texts()
FORMATTER = Formatter(TEXTS.marks)

# --- splitting ---


@given(st.text(max_size=400), st.integers(min_value=4, max_value=60))
def test_a_split_loses_nothing_but_white_space_and_keeps_the_limit(text: str, limit: int) -> None:
    pieces = split_text(text, limit)
    assert all(0 < units(piece) <= limit for piece in pieces)
    assert re.sub(r"\s", "", "".join(pieces)) == re.sub(r"\s", "", text)


def test_a_text_is_split_at_ends_of_sentences() -> None:
    sentence = "Dit is een zin van gewone lengte. "
    pieces = split_text(sentence * 300)
    assert len(pieces) == 3
    assert all(piece.endswith("lengte.") for piece in pieces)
    assert all(units(piece) > LIMIT - len(sentence) for piece in pieces[:-1])


def test_a_sentence_without_end_is_split_at_spaces_and_a_word_without_end_anyway() -> None:
    assert all(piece.endswith("woord") for piece in split_text("woord " * 2000))
    emoji = split_text("😀" * 5000)
    assert "".join(emoji) == "😀" * 5000
    assert all(units(piece) <= LIMIT for piece in emoji)


# --- bubbles ---

TIP = {"type": "tip", "text": "T. doe", "title": "A < B & C", "body": 'doe "dit"', "avoid": "Liever niet: <b>dat</b>"}
CARD = {
    "type": "helpline", "text": "Awel: bel", "name": "Awel & co", "why": "Zij luisteren <altijd>", "opening": "Nu open, tot 22 uur.",
    "channels": [
        {"kind": "phone", "value": "102", "label": "Bel 102", "state": "open"},
        {"kind": "chat", "value": "https://awel.be/?a=1&b=\"2\"", "label": "Chat op awel.be", "state": "open"},
        {"kind": "mail", "value": "brievenbus@awel.be", "label": "Mail Awel", "state": "unknown"},
        {"kind": "web", "value": "https://awel.be", "label": "Niet getoond", "state": "unknown"},
    ],
}  # fmt: skip


def say(text: str, *titles: str) -> dict[str, object]:
    return {"type": "text", "text": text, "options": [{"title": title, "payload": "/x"} for title in titles]}


def test_cards_are_telegram_html_with_readable_numbers() -> None:
    (bubble,) = FORMATTER.bubbles([CARD])
    text, entities = parse_html(bubble.html)
    assert text.split("\n") == [
        "Awel & co", "Zij luisteren <altijd>", "📞 Bel 102", "💬 Chat op awel.be", "✉️ Mail Awel: brievenbus@awel.be", "Nu open, tot 22 uur.",
    ]  # fmt: skip
    assert [entity["type"] for entity in entities] == ["bold", "text_link", "italic"]
    assert entities[1]["url"] == 'https://awel.be/?a=1&b="2"'
    assert 'Chat op awel.be (https://awel.be/?a=1&b="2")' in plain(bubble.html)


def test_a_phone_number_that_its_label_does_not_say_is_written_out() -> None:
    (bubble,) = FORMATTER.bubbles([{**CARD, "channels": [{"kind": "phone", "value": "0800 1", "label": "Gratis", "state": "open"}]}])
    assert "Gratis: 0800 1" in visible(bubble.html)


def test_where_to_go_is_said_once() -> None:
    channel = {"kind": "walk_in", "value": "Vraag aan je club wie de API is", "label": "Vraag het aan je club", "state": "unknown"}
    (bubble,) = FORMATTER.bubbles([{**CARD, "channels": [channel]}])
    assert "🚶 Vraag aan je club wie de API is\n" in visible(bubble.html)


def test_what_belongs_together_stands_together() -> None:
    bubbles = FORMATTER.bubbles(
        [say("Ik geloof je."), say("Bel nu:"), CARD, CARD, say("Dit kan helpen:"), TIP, TIP, say("Nog iets?", "Ja"), say("Slot")]
    )
    assert [visible(bubble.html).split("\n")[0] for bubble in bubbles] == ["Ik geloof je.", "Dit kan helpen:", "Nog iets?", "Slot"]
    assert [len(bubble.options) for bubble in bubbles] == [0, 0, 1, 0]
    assert visible(bubbles[0].html).count("Awel & co") == 2


def test_html_of_a_user_or_editor_is_text() -> None:
    (bubble,) = FORMATTER.bubbles([say("<script>alert(1)</script> & <b>niet vet</b>")])
    assert parse_html(bubble.html) == ("<script>alert(1)</script> & <b>niet vet</b>", [])


@given(
    st.lists(
        st.builds(
            lambda text, kind: {**(TIP if kind else {"type": "text"}), "text": text, "body": text},
            st.text(min_size=1, max_size=6000),
            st.booleans(),
        ),
        max_size=6,
    )
)
def test_every_bubble_is_html_that_telegram_takes(messages: list[dict[str, str]]) -> None:
    for bubble in FORMATTER.bubbles(messages):
        text, _entities = parse_html(bubble.html)
        assert units(text) <= LIMIT
        assert text == visible(bubble.html)


@given(st.lists(st.text(min_size=1, max_size=40), max_size=12))
def test_rows_keep_all_buttons_in_order_and_long_ones_alone(titles: list[str]) -> None:
    placed = rows([{"title": title, "payload": "/x"} for title in titles])
    assert [option["title"] for row in placed for option in row] == titles
    assert all(len(row) == 1 or all(len(option["title"]) <= 16 for option in row) for row in placed)
    assert all(len(row) <= 2 for row in placed)


# --- storage ---


@pytest.mark.asyncio
async def test_nothing_readable_is_in_the_file(tmp_path: Path) -> None:
    keys = Secrets(b"k" * 32)
    store = SqliteTelegramStore(tmp_path / "telegram.db", keys, 3600)
    incoming = Incoming(1, 5550123456, "text", "mijn geheim verhaal")
    await store.accept([(1, incoming)])
    await store.finish(incoming, [Bubble("een antwoord", [{"title": "Ja", "payload": "/affirm"}])])
    await store.accept([(2, Incoming(2, 5550123456, "text", "nog een geheim"))])
    files = b"".join(path.read_bytes() for path in tmp_path.iterdir())  # noqa: ASYNC240 (nothing else runs)
    assert keys.pseudonym(5550123456).encode() in files
    for readable in (b"5550123456", b"geheim", b"antwoord"):
        assert readable not in files
    assert (tmp_path / "telegram.db").stat().st_mode & 0o077 == 0
    assert [waiting.text for waiting in await store.unanswered()] == ["nog een geheim"]
    await store.close()


def test_pseudonyms_and_keys_hang_on_the_secret() -> None:
    one, other = Secrets(b"a" * 16), Secrets(b"b" * 16)
    assert one.pseudonym(5) == one.pseudonym(5) != other.pseudonym(5)
    assert one.pseudonym(5) != one.pseudonym(6)
    assert other.unseal(one.seal(b"x")) is None
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,256}", one.webhook)
    assert one.webhook != other.webhook


@pytest.mark.asyncio
async def test_an_update_is_accepted_once_also_after_it_was_opened_again(tmp_path: Path) -> None:
    keys = Secrets(b"k" * 32)
    incoming = Incoming(7, 5, "text", "hoi")
    for expected in (1, 0):
        store = SqliteTelegramStore(tmp_path / "telegram.db", keys, 3600)
        assert len(await store.accept([(7, incoming), (7, incoming)])) == expected
        await store.finish(incoming)
        await store.close()


@pytest.mark.asyncio
async def test_buttons_end_with_the_conversation(tmp_path: Path) -> None:
    moment = [1000.0]
    store = SqliteTelegramStore(tmp_path / "telegram.db", Secrets(b"k" * 32), keep_seconds=3600, clock=lambda: moment[0])
    incoming = Incoming(1, 5, "text", "hoi")
    await store.finish(incoming, [Bubble("?", [{"title": "Ja", "payload": "/affirm"}, {"title": "Nee", "payload": "/deny"}])])
    (chat,) = await store.chats_with_mail()
    message = await store.next_to_send(chat)
    assert message is not None
    ((_title, yes), (_other, no)) = message.keyboard[0]
    assert await store.button(5, yes) is not None
    assert await store.button(6, yes) is None
    moment[0] += 3601
    assert await store.button(5, yes) is None
    moment[0] -= 3601
    await store.finish(Incoming(2, 5, "tap"), pressed=await store.button(5, yes))
    assert await store.button(5, no) is None
    await store.close()


# --- content/telegram.yml ---


def _readable() -> list[tuple[str, str, Level]]:
    found = [(name, line, group.level) for group in TEXTS.groups.values() for name, lines in group.texts.items() for line in lines]
    found += [(name, line, TEXTS.media.level) for name, answer in TEXTS.media.texts.items() for line in answer.text]
    found += [(f"link {name}", link.text, Level.A2) for name, link in TEXTS.links.items()]
    found += [("description", TEXTS.profile.description, Level.B1), ("short", TEXTS.profile.short_description, Level.B1)]
    return [(name, line.replace("{username}", "bot"), level) for name, line, level in found]


@pytest.mark.parametrize(("name", "line", "level"), _readable())
def test_texts_keep_to_their_reading_level(name: str, line: str, level: Level) -> None:
    assert too_hard(line, level) is None


def test_no_text_asks_for_an_image() -> None:
    lines = " ".join(line for _name, line, _level in _readable()).lower()
    assert not re.search(r"stuur (mij|me|een|de|je) [^.]*(foto|beeld|screenshot)", lines)


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("  wis:", "  wissen:", "commands"),
        ("facet: role, value: parent", "facet: role, value: mama", "'mama' is no value of role"),
        ("[child_focus, take_it_down]", "[child_fokus]", "there is no helpline 'child_fokus'"),
        ("  chosen: ", "  gekozen: ", "marks"),
        ("    voice:", "    geluid:", "missing: voice"),
        ("      stop:", "      halt:", "missing: stop"),
        ('short_description: "', 'short_description: "' + "x" * 120, "is too long (at most 120 characters)"),
        ("facet: context, value: sport", "facet: platform, value: sport", "no facet that a link can tell"),
    ],
)
def test_a_mistake_of_an_editor_is_told_in_words(tmp_path: Path, old: str, new: str, problem: str) -> None:
    shutil.copy(DEFAULT_FOLDER / "telegram.yml", tmp_path)
    text = (tmp_path / "telegram.yml").read_text()
    assert old in text
    (tmp_path / "telegram.yml").write_text(text.replace(old, new, 1))
    with pytest.raises(ContentError, match=re.escape(problem)):
        load_telegram_texts(tmp_path)
