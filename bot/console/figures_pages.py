"""The figures: on a page, as a file, on paper."""

from __future__ import annotations

import datetime as dt
from typing import Any

from flask import Blueprint, render_template, request
from werkzeug.exceptions import BadRequest
from werkzeug.wrappers import Response as AnyResponse

from bot.console.app import console, needs, visitor
from bot.console.charts import columns
from bot.console.exports import csv_response
from bot.console.figures import UNKNOWN, YEAR, Report, YearFigures
from bot.console.logins import READER
from bot.wegwijzer.hours import BRUSSELS

pages = Blueprint("figures", __name__)

_FIRST_YEAR = 2020
#: Breakdowns in the order of the page, with the facet whose names their values have.
_BREAKDOWNS = {
    "roads": "role",
    "forms": "forms",
    "contexts": "context",
    "platforms": "platform",
    "crises": "crisis",
    "channels": "channel",
    "referrals_shown": "helpline",
    "referrals_tapped": "helpline",
}
_SINGLE = ("crisis", "failed", "helpful", "not_helpful", "out_of_hours", "refused")


@pages.get("/cijfers")
@needs(READER)
def show() -> str:
    """A month or a year."""
    report = _report()
    console().logins.audit.add_look(visitor().name, "looked at the figures", detail=_title(report))
    today = _today()
    hours = report.breakdowns["per_hour"]
    return render_template(
        "figures.html",
        report=report,
        title=_title(report),
        years=range(today.year, max(_FIRST_YEAR, today.year - 9), -1),
        single=_SINGLE,
        steps=columns([(_step(report, number), count) for number, count in report.steps.items()], every=1 if report.month == YEAR else 2),
        hours=columns([(str(hour), hours.get(str(hour), 0)) for hour in range(24)], every=3),
        breakdowns=[(name, _named(name, report)) for name in _BREAKDOWNS],
        before=_beside(report, -1, today),
        after=_beside(report, 1, today),
    )


@pages.get("/cijfers.csv")
@needs(READER)
def download() -> AnyResponse:
    """The same numbers as on the page."""
    report, texts = _report(), console().texts
    hidden = texts.say("hidden")

    def cell(count: int | None) -> str | int:
        return hidden if count is None else count

    rows: list[list[Any]] = [[texts.name("figure", "period"), "", _title(report)], [texts.name("figure", "total"), "", cell(report.total)]]
    rows += [[texts.name("figure", name), "", cell(report.single[name])] for name in _SINGLE]
    rows += [[texts.name("figure", "steps"), _step(report, number), cell(count)] for number, count in report.steps.items()]
    rows += [[texts.name("figure", "per_hour"), str(hour), cell(report.breakdowns["per_hour"].get(str(hour), 0))] for hour in range(24)]
    for name in _BREAKDOWNS:
        rows += [[texts.name("figure", name), label, cell(count)] for label, count in _named(name, report)]
    console().logins.audit.add(visitor().name, "figures exported", detail=_title(report))
    period = f"{report.year}-{report.month:02d}" if report.month else str(report.year)
    return csv_response(f"wegwijzer-cijfers-{period}.csv", [texts.name("csv", name) for name in ("figure", "value", "count")], rows)


def _today() -> dt.date:
    return dt.datetime.now(BRUSSELS).date()


def _report() -> Report:
    today = _today()
    year = request.args.get("jaar", str(today.year))
    month = request.args.get("maand", "0" if "jaar" in request.args else str(today.month))
    if not (year.isdecimal() and month.isdecimal() and len(year) == 4 and len(month) < 3):
        raise BadRequest
    if not (_FIRST_YEAR <= int(year) <= today.year and int(month) <= 12):
        raise BadRequest
    return YearFigures(int(year), console().repository.figures).report(int(month))


def _beside(report: Report, step: int, today: dt.date) -> tuple[int, int] | None:
    """Year and month of the period before or after; None beyond what there can be figures of."""
    if report.month == YEAR:
        year, month = report.year + step, YEAR
    else:
        year, month = divmod(report.year * 12 + report.month - 1 + step, 12)
        month += 1
    return (year, month) if year >= _FIRST_YEAR and (year, month) <= (today.year, today.month) else None


def _title(report: Report) -> str:
    return f"{console().texts.name('month', report.month)} {report.year}" if report.month else str(report.year)


def _step(report: Report, number: int) -> str:
    return console().texts.name("month", number)[:3] if report.month == YEAR else str(number)


def _named(name: str, report: Report) -> list[tuple[str, int | None]]:
    return [(_label(name, value), count) for value, count in report.breakdowns[name].items()]


def _label(name: str, value: str) -> str:
    texts, kind = console().texts, _BREAKDOWNS[name]
    if value == UNKNOWN:
        return texts.say("unknown")
    if kind == "channel":
        return texts.name("channel", value)
    return texts.helpline(value) if kind == "helpline" else texts.value(kind, value)
