"""The files of ``content/`` that belong to a channel, for ``wegwijzer content check``: each against its schema, and every text in them."""

from __future__ import annotations

from collections.abc import Iterator

from bot.channels.telegram_texts import TelegramFile, load_telegram_texts
from bot.channels.web_texts import WidgetFile, load_widget
from bot.wegwijzer.check import Text
from bot.wegwijzer.content import Content, ContentError
from bot.wegwijzer.schema import Level


def channel_texts(content: Content) -> list[Text]:
    """Every text of the widget and of Telegram, with its reading level.

    Raises:
        ContentError: with every problem of both files, each naming file, entry and field.
    """
    problems: list[str] = []
    texts: list[Text] = []
    try:
        texts += _widget(load_widget(content))
    except ContentError as error:
        problems += error.problems
    try:
        texts += _telegram(load_telegram_texts(content.folder))
    except ContentError as error:
        problems += error.problems
    if problems:
        raise ContentError(problems)
    return texts


def _widget(file: WidgetFile) -> Iterator[Text]:
    for place, starter in enumerate(file.starters, start=1):
        yield Text(f"widget.yml: starters > nummer {place}", starter, Level.A2)
    # A child in distress reads these: the easiest level. The page around the chat is an organisation's.
    for part in ("labels", "states", "errors"):
        for name, text in getattr(file, part).dict().items():
            yield Text(f"widget.yml: {part} > {name}", text, Level.A2)
    for name, text in file.demo.dict().items():
        for line in text if isinstance(text, list) else [text]:
            yield Text(f"widget.yml: demo > {name}", line)


def _telegram(file: TelegramFile) -> Iterator[Text]:
    for name, text in file.profile.dict().items():
        yield Text(f"telegram.yml: profile > {name}", text)
    for name, text in file.commands.items():
        yield Text(f"telegram.yml: commands > {name}", text, Level.A2)
    for name, link in file.links.items():
        yield Text(f"telegram.yml: links > {name} > text", link.text, Level.A2)
    for group, texts in file.groups.items():
        for name, lines in texts.texts.items():
            for line in lines:
                # A user name of Telegram is one word, whatever it is.
                yield Text(f"telegram.yml: groups > {group} > {name}", line.replace("{username}", "bot"), texts.level)
    for name, answer in file.media.texts.items():
        for line in answer.text:
            yield Text(f"telegram.yml: media > {name}", line, file.media.level)
