"""Opening hours: three answers only, Belgian holidays, midnight, the change of the clock."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.wegwijzer.hours import BRUSSELS, Opening, State, is_holiday, opening, service_opening
from bot.wegwijzer.schema import Channel, Helpline, Hours, Source

SOURCE = Source(seed="002")
OFFICE = {day: ["09:00-12:30", "13:30-17:00"] for day in ("mon", "tue", "wed", "thu", "fri")}


def phone(**hours: object) -> Channel:
    return Channel(kind="phone", value="102", hours=Hours(source=SOURCE, **hours) if hours else None)


def at(text: str) -> dt.datetime:
    """A moment in Belgium."""
    return dt.datetime.fromisoformat(text).replace(tzinfo=BRUSSELS)


def test_no_hours_means_unknown() -> None:
    assert opening(phone(), at("2026-11-18T15:00")) == Opening(State.UNKNOWN)


def test_round_the_clock_is_open_without_an_end() -> None:
    assert opening(phone(always=True), at("2026-12-25T03:00")) == Opening(State.OPEN, always=True)


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("2026-11-18T09:00", Opening(State.OPEN, until=at("2026-11-18T12:30"))),
        ("2026-11-18T08:59", Opening(State.CLOSED, next_open=at("2026-11-18T09:00"))),
        ("2026-11-18T12:30", Opening(State.CLOSED, next_open=at("2026-11-18T13:30"))),
        ("2026-11-18T16:59", Opening(State.OPEN, until=at("2026-11-18T17:00"))),
        ("2026-11-20T17:00", Opening(State.CLOSED, next_open=at("2026-11-23T09:00"))),
    ],
)
def test_office_hours(moment: str, expected: Opening) -> None:
    assert opening(phone(days=OFFICE), at(moment)) == expected


def test_belgian_holidays() -> None:
    assert is_holiday(dt.date(2026, 7, 21))
    assert is_holiday(dt.date(2026, 5, 14)), "Ascension moves with Easter"
    assert not is_holiday(dt.date(2026, 7, 14))


def test_closed_on_a_holiday_opens_on_the_next_working_day() -> None:
    # Friday 25 December 2026 is a holiday; the next working day is Monday.
    channel = phone(days=OFFICE, closed_on_holidays=True)
    assert opening(channel, at("2026-12-25T10:00")) == Opening(State.CLOSED, next_open=at("2026-12-28T09:00"))
    assert opening(phone(days=OFFICE), at("2026-12-25T10:00")).state is State.OPEN


def test_until_midnight() -> None:
    evening = phone(days={"wed": ["17:00-24:00"]})
    assert opening(evening, at("2026-11-18T23:59")) == Opening(State.OPEN, until=at("2026-11-19T00:00"))
    assert opening(evening, at("2026-11-19T00:00")) == Opening(State.CLOSED, next_open=at("2026-11-25T17:00"))


def test_the_clock_of_belgium_counts_in_summer_and_in_winter() -> None:
    channel = phone(days={"sun": ["09:00-17:00"], "sat": ["09:00-17:00"]})
    # Summer time begins on 29 March 2026 and ends on 25 October 2026.
    assert opening(channel, dt.datetime(2026, 3, 28, 8, 30, tzinfo=dt.timezone.utc)).state is State.OPEN
    assert opening(channel, dt.datetime(2026, 3, 29, 7, 30, tzinfo=dt.timezone.utc)).state is State.OPEN
    assert opening(channel, dt.datetime(2026, 3, 28, 7, 30, tzinfo=dt.timezone.utc)).state is State.CLOSED
    assert opening(channel, dt.datetime(2026, 10, 25, 15, 30, tzinfo=dt.timezone.utc)).state is State.OPEN
    assert opening(channel, dt.datetime(2026, 10, 24, 15, 30, tzinfo=dt.timezone.utc)).state is State.CLOSED


def test_the_zone_of_the_caller_does_not_matter() -> None:
    channel = phone(days=OFFICE)
    moment = at("2026-11-18T16:00")
    assert opening(channel, moment) == opening(channel, moment.astimezone(dt.timezone(dt.timedelta(hours=-5))))


def test_a_moment_without_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        opening(phone(days=OFFICE), dt.datetime(2026, 11, 18, 15))  # noqa: DTZ001


def test_two_holidays_in_a_row_do_not_hide_the_next_opening() -> None:
    only_holiday = phone(days={"fri": ["09:00-10:00"]}, closed_on_holidays=True)
    assert opening(only_holiday, at("2026-12-24T10:00")).next_open == at("2027-01-08T09:00"), "25 December and 1 January are Fridays"


def service(*channels: Channel) -> Helpline:
    return Helpline(
        name="Ergens", what="iets", for_whom="iemand", cost="free", channels=channels, sources=[SOURCE], verified_on="2026-11-20"
    )


def test_a_service_is_open_when_one_channel_is() -> None:
    open_until = service_opening(service(phone(days=OFFICE), phone()), at("2026-11-18T10:00"))
    assert open_until == Opening(State.OPEN, until=at("2026-11-18T12:30"))


def test_a_service_is_closed_only_when_nothing_unknown_is_left() -> None:
    night = at("2026-11-18T03:00")
    assert service_opening(service(phone(days=OFFICE), phone()), night).state is State.UNKNOWN
    assert service_opening(service(phone(days=OFFICE)), night) == Opening(State.CLOSED, next_open=at("2026-11-18T09:00"))


def test_mail_and_sites_are_never_open_or_closed() -> None:
    web = Channel(kind="web", value="https://example.org", hours=Hours(always=True, source=SOURCE))
    assert service_opening(service(web), at("2026-11-18T10:00")).state is State.UNKNOWN
    assert service_opening(service(), at("2026-11-18T10:00")).state is State.UNKNOWN


@given(st.datetimes(dt.datetime(2026, 1, 1), dt.datetime(2028, 12, 31), timezones=st.just(dt.timezone.utc)))  # noqa: DTZ001
def test_next_opening_is_open_and_just_before_it_is_not(moment: dt.datetime) -> None:
    channel = phone(days={**OFFICE, "sat": ["20:00-24:00"]}, closed_on_holidays=True)
    state = opening(channel, moment)
    if state.state is State.CLOSED:
        assert state.next_open is not None
        assert state.next_open > moment
        assert opening(channel, state.next_open).state is State.OPEN
        assert opening(channel, state.next_open - dt.timedelta(minutes=1)).state is State.CLOSED
    else:
        assert state.until is not None
        assert opening(channel, state.until - dt.timedelta(minutes=1)).state is State.OPEN
        assert opening(channel, state.until).state is State.CLOSED
