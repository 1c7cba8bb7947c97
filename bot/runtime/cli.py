"""The commands. Each is a thin edge: read, call plain code, print; what a user typed never ends in a traceback."""

from __future__ import annotations

import argparse
import asyncio
import datetime as dt
import json
import os
import sys
import uuid
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from bot.console.cli import add_commands as add_console_commands
from bot.runtime.errors import UserError
from bot.runtime.settings import load_settings
from bot.transcripts.cli import add_commands as add_transcript_commands
from bot.wegwijzer.content import ContentError, load_content
from bot.wegwijzer.situation import SituationError, parse_situation


class UsageError(Exception):
    """Bad input; the message is the one line that is printed."""


class _Parser(argparse.ArgumentParser):
    """An argument parser whose errors are one line."""

    def error(self, message: str) -> Any:
        raise UsageError(f"{message} (see '{self.prog} --help')")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="wegwijzer", description="A signpost for bullied young people: a Dutch help bot.")
    commands = parser.add_subparsers(dest="command", metavar="command", required=True, parser_class=_Parser)

    run_ = commands.add_parser("run", help="start the bot on this machine")
    run_.add_argument("--port", type=_port, default=5005)
    run_.add_argument("--console-port", type=_port, help="port of the moderators' console, in place of WEGWIJZER_CONSOLE_PORT")
    run_.set_defaults(do=_run)

    train_ = commands.add_parser("train", help="check content and data, train, write to models/")
    train_.add_argument("--quiet", action="store_true", help="print only the path of the model")
    train_.set_defaults(do=_train)

    talk_ = commands.add_parser("talk", help="a conversation on standard input, one message a line; an empty line starts a new one")
    talk_.add_argument("--json", action="store_true", help="one JSON object a turn")
    talk_.set_defaults(do=_talk)

    parse_ = commands.add_parser("parse", help="what is understood of one message, or with - of each line of standard input")
    parse_.add_argument("--json", action="store_true", help="one JSON object a line")
    parse_.add_argument("text")
    parse_.set_defaults(do=_parse)

    advise_ = commands.add_parser("advise", help="situations as JSON Lines in, one advice a line out; needs no model")
    advise_.add_argument("--json", action="store_true", help="one JSON object a line")
    advise_.add_argument("file", nargs="?", default="-")
    advise_.set_defaults(do=_advise)

    evaluate_ = commands.add_parser("evaluate", help="score the trained model on labelled messages")
    evaluate_.add_argument("--json", action="store_true", help="one JSON object")
    evaluate_.add_argument("file", nargs="+")
    evaluate_.set_defaults(do=_evaluate)

    content_ = commands.add_parser("content", help="the files in content/").add_subparsers(
        dest="content_command", metavar="command", required=True, parser_class=_Parser
    )
    check_ = content_.add_parser("check", help="validate content: schema, links, readability, facts due for verification")
    check_.set_defaults(do=_content_check)
    table_ = content_.add_parser("docs", help="write the pages of docs/ that are made from content/ and from the settings")
    table_.add_argument("--check", action="store_true", help="only say whether they are up to date")
    table_.set_defaults(do=_content_docs)

    doctor_ = commands.add_parser("doctor", help="look at a deployment: what is wrong, and how to mend it")
    doctor_.add_argument("--port", type=_port, default=5005)
    doctor_.add_argument("--console-port", type=_port, help="in place of WEGWIJZER_CONSOLE_PORT")
    doctor_.set_defaults(do=_doctor)

    telegram_ = commands.add_parser("telegram", help="the Telegram channel").add_subparsers(
        dest="telegram_command", metavar="command", required=True, parser_class=_Parser
    )
    verify_ = telegram_.add_parser("check", help="does TELEGRAM_TOKEN work, and what is set: name, webhook, commands")
    verify_.set_defaults(do=_telegram_check)

    add_transcript_commands(commands, _Parser)
    add_console_commands(commands, _Parser, _port)
    return parser


def _port(value: str) -> int:
    if not value.isdecimal() or not 0 < int(value) < 65536:
        raise argparse.ArgumentTypeError(f"'{value}' is no port (1 to 65535)")
    return int(value)


def run(arguments: list[str]) -> int:
    """Parse the arguments and do the command; 0 on success, 2 for bad input, 130 after Ctrl-C."""
    try:
        chosen = _parser().parse_args(arguments)
        return int(chosen.do(chosen) or 0)
    except (UsageError, ContentError, SituationError, UserError) as error:
        print(f"wegwijzer: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # Whoever read our output has left; nothing is wrong on this side.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _now() -> dt.datetime:
    return dt.datetime.now(dt.timezone.utc)


def _print_json(data: Any) -> None:
    print(json.dumps(data, ensure_ascii=False), flush=True)


def _lines(name: str) -> Iterator[str]:
    """Lines of a file, or of standard input for ``-``."""
    if name == "-":
        yield from _decoded(sys.stdin.buffer, "standard input")
        return
    path = Path(name)
    try:
        with path.open("rb") as file:
            yield from _decoded(file, name)
    except OSError as error:
        raise UsageError(f"{name}: {error.strerror or error}") from None


def _decoded(raw: Iterable[bytes], name: str) -> Iterator[str]:
    for number, line in enumerate(raw, start=1):
        try:
            yield line.decode("utf-8").rstrip("\r\n")
        except UnicodeDecodeError:
            raise UsageError(f"{name}, line {number}: not UTF-8 text") from None


def _is_text(argument: str) -> bool:
    """Whether an argument is text: bytes that are not arrive as lone surrogates."""
    return not any("\ud800" <= char <= "\udfff" for char in argument)


# --- commands --------------------------------------------------------------------------------------------------------


def _run(arguments: argparse.Namespace) -> int:
    from bot.runtime import serving_only

    serving_only.install()
    from bot.runtime import logs
    from bot.runtime.server import serve

    settings = load_settings()
    logs.configure(settings)
    return serve(settings, arguments.port, settings.console_port if arguments.console_port is None else arguments.console_port)


def _train(arguments: argparse.Namespace) -> int:
    from bot.runtime.training import train

    print(train(load_settings(), quiet=arguments.quiet))
    return 0


def _with_bot(work: Callable[[Any], Any]) -> int:
    from bot.runtime import serving_only

    serving_only.install()
    from bot.runtime.bot import Bot

    async def go() -> None:
        bot = Bot.load(load_settings(), in_memory=True)
        try:
            await work(bot)
        finally:
            bot.close()

    asyncio.run(go())
    return 0


def _talk(arguments: argparse.Namespace) -> int:
    from bot.runtime.terminal import json_turn, show

    async def conversation(bot: Any) -> None:
        sender = uuid.uuid4().hex
        options: list[dict[str, str]] = []
        if not arguments.json and sys.stdin.isatty():
            print("(lege regel = nieuw gesprek, Ctrl-D = stoppen)")
        for line in _lines("-"):
            if not line.strip():
                sender, options = uuid.uuid4().hex, []
                if not arguments.json:
                    print("--- nieuw gesprek ---", flush=True)
                continue
            reply = await (bot.tap(sender, chosen) if (chosen := _typed_button(line, options)) else bot.respond(sender, line))
            options = [option for message in reply.messages for option in message.get("options") or []]
            if arguments.json:
                _print_json(json_turn(line, reply))
            else:
                show(reply)

    return _with_bot(conversation)


def _typed_button(line: str, options: list[dict[str, str]]) -> str | None:
    """The payload of the button whose number or whole title was typed."""
    wanted = line.strip().lower()
    if wanted.isdecimal() and len(wanted) < 3 and 1 <= int(wanted) <= len(options):
        return options[int(wanted) - 1]["payload"]
    return next((option["payload"] for option in options if option["title"].lower() == wanted), None)


def _parse(arguments: argparse.Namespace) -> int:
    from bot.nlu.reading import reading
    from bot.runtime.model_files import ModelError
    from bot.wegwijzer.signpost import Signpost

    if not _is_text(arguments.text):
        raise UsageError("the message is not UTF-8 text")
    signpost = Signpost(load_content())

    async def read(bot: Any) -> None:
        for line in _lines("-") if arguments.text == "-" else [arguments.text]:
            read_ = reading(line, await bot.parse(line), signpost, _now())
            if arguments.json or arguments.text == "-":
                _print_json(read_)
            else:
                print(json.dumps(read_, ensure_ascii=False, indent=2))

    try:
        return _with_bot(read)
    except ModelError as error:
        raise UsageError(str(error)) from None


def _advise(arguments: argparse.Namespace) -> int:
    from bot.wegwijzer.signpost import Signpost

    content = load_content()
    signpost = Signpost(content)
    for number, line in enumerate(_lines(arguments.file), start=1):
        if not line.strip():
            continue
        try:
            situation = parse_situation(json.loads(line), content.platforms)
        except SituationError as error:
            raise UsageError(f"line {number}: {error}") from None
        except (ValueError, RecursionError):
            # Not JSON at all, a number of thousands of digits, or brackets without end.
            raise UsageError(f"line {number}: not JSON") from None
        now = _now()
        advice = signpost.advise(situation, now).to_dict()
        ask = signpost.next_step(situation, now)
        advice["ask"] = getattr(ask, "facet", None)
        if arguments.json:
            _print_json(advice)
        else:
            print(json.dumps(advice, ensure_ascii=False, indent=2))
    return 0


def _evaluate(arguments: argparse.Namespace) -> int:
    from bot.nlu.evaluation import evaluate, read_labelled, report

    async def score(bot: Any) -> None:
        results = {}
        for name in arguments.file:
            messages = read_labelled(_lines(name), name)
            results[name] = await evaluate(bot, messages, load_content(), _now())
            if not arguments.json:
                print(report(results[name], name))
        if arguments.json:
            _print_json(results if len(results) > 1 else next(iter(results.values())))

    return _with_bot(score)


def _content_check(_arguments: argparse.Namespace) -> int:
    from bot.channels.channel_texts import channel_texts
    from bot.console.texts import load_texts
    from bot.wegwijzer.check import check_content

    content = load_content()
    load_texts(content)
    problems, remarks = check_content(content, _now().date(), channel_texts(content))
    for remark in remarks:
        print(f"let op: {remark}")
    if problems:
        for problem in problems:
            print(f"fout: {problem}", file=sys.stderr)
        raise UsageError(f"content: {len(problems)} problem(s), listed above")
    print("content: in orde")
    return 0


def _content_docs(arguments: argparse.Namespace) -> int:
    from bot.runtime.settings_docs import settings_page
    from bot.wegwijzer.docs import write_docs

    stale = write_docs(load_content(), check=arguments.check, more={"settings.md": settings_page()})
    if arguments.check and stale:
        raise UsageError(f"out of date: {', '.join(stale)}; write them with 'make docs'")
    return 0


def _doctor(arguments: argparse.Namespace) -> int:
    from bot.runtime import serving_only

    serving_only.install()
    from bot.runtime.doctor import examine

    settings = load_settings()
    wrong = 0
    for finding in examine(settings, arguments.port, arguments.console_port or settings.console_port):
        wrong += finding.state == "wrong"
        print(finding, flush=True)
    if wrong:
        raise UsageError(f"{wrong} thing(s) to mend, listed above")
    return 0


def _telegram_check(_arguments: argparse.Namespace) -> int:
    from bot.channels.telegram_check import check

    report = asyncio.run(check(load_settings()))
    for line in [*report.facts, *(f"note: {remark}" for remark in report.remarks)]:
        print(line)
    if report.problems:
        raise UsageError("; ".join(report.problems))
    return 0
