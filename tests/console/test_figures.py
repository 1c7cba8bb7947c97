"""The figures: nothing small is shown, nothing small can be worked out, and what is shown is right."""

from __future__ import annotations

import csv
import datetime as dt
import io
import itertools
import random
import re
from collections import Counter
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.console.charts import HEIGHT, columns
from bot.console.disclosure import SMALLEST, protect
from bot.console.figures import OFFICE_HOURS, UNKNOWN, YEAR, YearFigures
from bot.transcripts.database import Database
from bot.transcripts.repository import Figures, Repository
from bot.wegwijzer.hours import BRUSSELS, is_working_day

from . import store
from .conftest import Team
from .conftest import both_kinds as kind  # noqa: F401 (a fixture)

# --- hiding: checked against every table that would look the same from outside ---


def solutions(cells: dict[Any, int], sums: list[tuple[Any, list[Any]]], hidden: set[Any], most: int) -> list[dict[Any, int]]:
    """Every way to fill in the hidden parts with whole numbers so that all totals that are shown come out."""
    parts = [key for key in hidden if not any(key == total for total, _parts in sums)]
    found = []
    for filled in itertools.product(range(most + 1), repeat=len(parts)):
        table = {**cells, **dict(zip(parts, filled, strict=True))}
        fits = True
        for total, inside in sums:
            value = sum(table[key] for key in inside)
            if total in hidden:
                table[total] = value
            elif value != cells[total]:
                fits = False
                break
        if fits:
            found.append({key: table[key] for key in hidden})
    return found


@given(st.lists(st.integers(0, 9), min_size=2, max_size=4))
@settings(deadline=None)
def test_no_small_part_of_one_total_can_be_worked_out(parts: list[int]) -> None:
    cells = {"total": sum(parts), **dict(enumerate(parts))}
    sums = [("total", list(range(len(parts))))]
    hidden = protect(cells, sums)
    assert all(key in hidden for key, count in cells.items() if 0 < count < SMALLEST)
    possible = solutions(cells, sums, hidden, 20)
    for key in hidden:
        if 0 < cells[key] < SMALLEST:
            assert len({table[key] for table in possible}) > 1, (cells, hidden)


@given(st.lists(st.lists(st.integers(0, 7), min_size=2, max_size=2), min_size=2, max_size=3))
@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
def test_no_small_cell_of_a_table_can_be_worked_out(table: list[list[int]]) -> None:
    rows, months = range(len(table)), range(2)
    cells: dict[Any, int] = {(row, month): table[row][month] for row in rows for month in months}
    cells |= {("sum", month): sum(table[row][month] for row in rows) for month in months}
    cells |= {(row, "year"): sum(table[row]) for row in rows} | {("sum", "year"): sum(map(sum, table))}
    sums: list[tuple[Any, list[Any]]] = [((row, "year"), [(row, month) for month in months]) for row in [*rows, "sum"]]
    sums += [(("sum", month), [(row, month) for row in rows]) for month in [*months, "year"]]
    hidden = protect(cells, sums)
    inner = [key for key in hidden if key[0] != "sum" and key[1] != "year"]
    if len(inner) > 4:
        return  # too many ways to fill in to look at each
    possible = solutions(
        cells,
        [pair for pair in sums if pair[0] != ("sum", "year")] + [(("sum", "year"), [(row, m) for row in rows for m in months])],
        hidden,
        14,
    )
    for key in hidden:
        if 0 < cells[key] < SMALLEST:
            assert len({filled[key] for filled in possible}) > 1, (cells, hidden)


def test_large_numbers_are_all_shown() -> None:
    assert protect({"total": 30, "a": 10, "b": 20}, [("total", ["a", "b"])]) == set()


def test_one_small_number_takes_another_with_it() -> None:
    assert protect({"total": 60, "a": 40, "b": 17, "c": 3}, [("total", ["a", "b", "c"])]) == {"b", "c"}


def test_two_small_numbers_that_together_are_small_take_a_third() -> None:
    assert protect({"total": 45, "a": 42, "b": 2, "c": 1}, [("total", ["a", "b", "c"])]) == {"a", "b", "c"}


# --- a year ---


def figures(
    since: dt.date, until: dt.date, conversations: int, per_day: dict[str, int], per_hour: dict[int, int], per_working_hour: dict[int, int]
) -> Figures:
    """Figures of which only the hours tell something."""
    lists: Any = {
        name: {} for name in ("channels", "roads", "forms", "contexts", "platforms", "crises", "referrals_shown", "referrals_tapped")
    }
    numbers: Any = dict.fromkeys(("crisis", "failed", "helpful", "not_helpful", "refused"), 0)
    return Figures(since, until, conversations, per_day, per_hour, per_working_hour, **lists, **numbers)


def made_up(seed: int, scale: int) -> Any:
    """Figures of a year, from conversations that are made up one by one."""
    chance = random.Random(seed)
    conversations = [
        {
            "day": dt.date(2026, 1, 1) + dt.timedelta(days=chance.randrange(365)), "hour": chance.choice((3, 10, 16, 20)), "channels": chance.choice(("web", "web", "web", "telegram")),
            "roads": chance.choice(("victim", "parent", None)), "contexts": chance.choice(("school", "work", None)), "platforms": chance.choice(("snapchat", None)),
            "crises": chance.choice((None,) * 9 + ("suicide", "danger")), "forms": chance.sample(("insult", "gossip"), chance.randrange(3)), "failed": chance.random() < 0.1,
        }
        for _ in range(scale)
    ]  # fmt: skip

    def read(since: dt.date, until: dt.date) -> Figures:
        inside = [told for told in conversations if since <= told["day"] <= until]

        def count(name: str) -> Counter[str]:
            return Counter(told[name] for told in inside if told[name])

        forms = Counter(form for told in inside for form in told["forms"])
        return Figures(
            since=since, until=until, conversations=len(inside), per_day=Counter(told["day"].isoformat() for told in inside), per_hour=Counter(told["hour"] for told in inside),
            per_working_hour=Counter(told["hour"] for told in inside if is_working_day(told["day"])),
            channels=count("channels"), roads=count("roads"), forms=forms, contexts=count("contexts"), platforms=count("platforms"), crises=count("crises"),
            referrals_shown=forms, referrals_tapped=Counter(), crisis=sum(count("crises").values()), failed=sum(told["failed"] for told in inside), helpful=0, not_helpful=0, refused=0,
        )  # fmt: skip

    return read


@given(st.integers(0, 10_000), st.sampled_from([3, 20, 60, 150, 600]))
@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.too_slow])
def test_what_is_shown_is_right_and_never_small(seed: int, scale: int) -> None:
    read = made_up(seed, scale)
    year = YearFigures(2026, read)
    for month in range(13):
        report = year.report(month)
        first, last = (
            (dt.date(2026, 1, 1), dt.date(2026, 12, 31))
            if month == YEAR
            else (dt.date(2026, month, 1), dt.date(2026, month + 1, 1) - dt.timedelta(days=1) if month < 12 else dt.date(2026, 12, 31))
        )
        true = read(first, last)
        assert report.total in (None, true.conversations)
        shown = [report.total, *report.steps.values(), *report.single.values()]
        for name, counts in report.breakdowns.items():
            shown += counts.values()
            for value, count in counts.items():
                if value != UNKNOWN:
                    key = int(value) if name == "per_hour" else value
                    assert count in (None, getattr(true, name)[key]), (name, value)
        assert not [count for count in shown if count is not None and 0 < count < SMALLEST]


@given(st.integers(0, 10_000), st.sampled_from([40, 150, 400]))
@settings(deadline=None, max_examples=20, suppress_health_check=[HealthCheck.too_slow])
def test_no_small_number_is_a_difference_of_two_periods_or_of_a_total(seed: int, scale: int) -> None:
    year = YearFigures(2026, made_up(seed, scale))
    reports = [year.report(month) for month in range(13)]
    whole, months = reports[YEAR], reports[1:]

    def differences(total: int | None, parts: list[int | None]) -> None:
        """What is left when everything that is shown is taken from the total is nothing, or no small number."""
        if total is not None:
            left = total - sum(part for part in parts if part is not None)
            assert left == 0 or left >= SMALLEST, (total, parts)

    differences(whole.total, [report.total for report in months])
    for name in ("channels", "roads", "crises", "forms"):
        for value in whole.breakdowns[name]:
            differences(whole.breakdowns[name][value], [report.breakdowns[name].get(value, 0) for report in months])
    differences(whole.single["out_of_hours"], [report.single["out_of_hours"] for report in months])
    for report in reports:
        for name in ("channels", "roads", "contexts", "platforms"):
            differences(report.total, list(report.breakdowns[name].values()))
        differences(report.total, list(report.steps.values()))
        by_night = [report.breakdowns["per_hour"].get(str(hour), 0) for hour in range(24) if hour not in OFFICE_HOURS]
        if None not in by_night:
            differences(report.single["out_of_hours"], by_night)
        for count in report.single.values():
            if count is not None and report.total is not None:
                assert not 0 < report.total - count < SMALLEST


def test_a_chart_never_shows_how_high_a_hidden_bar_is() -> None:
    chart = columns([("a", 40), ("b", None), ("c", 0)])
    assert [bar.height for bar in chart.bars] == [HEIGHT, 5.0, 0.0]
    assert columns([]).bars == ()


# --- the page and the file ---


def fill(database: Database) -> dt.date:
    today = dt.datetime.now(BRUSSELS).date()
    day = next(day for day in (today.replace(day=number) for number in range(1, 15)) if is_working_day(day))
    store.count(database, day, conversation=60, channel={"web": 57, "telegram": 3}, hour={16: 40, 21: 20}, road={"victim": 40, "parent": 20}, crisis={"suicide": 6}, form={"insult": 31, "gossip": 2}, helpful=12, shown={"awel": 44}, tapped={"awel": 4})  # fmt: skip
    return day


def test_the_page_hides_small_numbers(team: Team, visit: Any, database: Database) -> None:
    fill(database)
    reader = visit("reader")
    reader.get("/cijfers")
    plain = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", reader.text))
    assert "Gesprekken 60" in plain and "Met een crisis 6 10%" in plain and "Buiten de kantooruren 20 33%" in plain
    assert "Telegram &lt; 5" in plain and "Website &lt; 5" in plain, "57 of 60 would tell the rest"
    assert "Roddelen &lt; 5" in plain and "Schelden 31" in plain


def test_weekends_and_holidays_are_out_of_hours(team: Team, visit: Any, database: Database) -> None:
    days = {
        "friday": dt.date(2026, 5, 22),
        "saturday": dt.date(2026, 5, 23),
        "whit monday": dt.date(2026, 5, 25),
        "tuesday": dt.date(2026, 5, 26),
    }
    for number, day in enumerate(days.values(), start=6):
        store.count(database, day, conversation=number, hour={11: number})
    read = Repository(database).figures
    assert YearFigures(2026, read).report(5).single["out_of_hours"] == 7 + 8
    reader = visit("reader")
    reader.get("/cijfers?jaar=2026&maand=5")
    assert "Buiten de kantooruren" in reader.text


def test_what_happens_by_day_in_the_weekend_is_no_difference_of_what_is_shown() -> None:
    """Three conversations on Saturdays at eleven: hours by night from the share out of hours would leave them."""

    def read(since: dt.date, until: dt.date) -> Figures:
        may = since <= dt.date(2026, 5, 9) <= until
        hours = {11: 33, 21: 20} if may else {}
        return figures(
            since, until, 53 if may else 0, {"2026-05-08": 30, "2026-05-09": 23} if may else {}, hours, {11: 30, 21: 0} if may else {}
        )

    report = YearFigures(2026, read).report(5)
    shown = [report.single["out_of_hours"], report.breakdowns["per_hour"].get("21", 0)]
    assert None in shown, shown


def test_the_file_says_the_same_as_the_page(team: Team, visit: Any, database: Database, app: Any) -> None:
    day = fill(database)
    reader = visit("reader")
    answer = reader.get(f"/cijfers.csv?jaar={day.year}&maand={day.month}")
    rows = [tuple(row) for row in csv.reader(io.StringIO(answer.get_data(as_text=True).removeprefix("\ufeff")), delimiter=";")]
    assert ("Gesprekken", "", "60") in rows and ("Kanalen", "Telegram", "< 5") in rows and ("Kanalen", "Website", "< 5") in rows
    assert ("Wat gebeurt er", "Schelden", "31") in rows and ("Hulplijnen waarop iemand tikte", "Awel", "< 5") in rows
    assert not [row for row in rows[1:] if row[2] in ("1", "2", "3", "4")]
    assert "figures exported" in {entry.action for entry in app.extensions["console"].logins.audit.entries()}


def test_periods_are_whole_months_and_years(team: Team, visit: Any) -> None:
    reader = visit("reader")
    today = dt.datetime.now(BRUSSELS).date()
    assert reader.get(f"/cijfers?jaar={today.year}").status_code == 200
    for wrong in ("jaar=2019", f"jaar={today.year + 1}", f"jaar={today.year}&maand=13", "jaar=x", "maand=-1"):
        assert reader.get(f"/cijfers?{wrong}").status_code == 400, wrong
