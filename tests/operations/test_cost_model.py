"""The paper model adds up."""

from __future__ import annotations

import pytest

from benchmarks.cost_model import Assumed, Measured, needs

_MEASURED = Measured(
    seconds={"bots": 0.03, "archiver": 0.006, "redis": 0.001, "postgres": 0.002},
    trips=5,
    commands=100,
    idle_commands=4,
    rows=18,
    commits=0.5,
    conversation={"bots": 20e3, "redis": 17e3},
    started={"bots": 240e6, "redis": 1e6},
)


def test_by_hand() -> None:
    """20,000 an hour of 6 messages, three times as many in the busiest minutes: 100 a second; 3 processors at work, 5 at 60 %, and one more."""
    found = needs(20_000, _MEASURED, Assumed())
    assert found["messages a second"] == pytest.approx(100)
    assert found["bots (processes)"] == 6
    assert found["archivers (processes)"] == 1
    assert found["processors, all programs"] == pytest.approx(3.9 / 0.6)
    assert found["conversations open at once"] == 15_000
    assert found["memory of all bots (GB)"] == pytest.approx(6 * 0.24 + 0.3)
    assert found["memory of Redis (GB)"] == pytest.approx(0.001 + 100_000 * 17e3 / 1e9)
    assert found["round trips to Redis a second"] == pytest.approx(500)
    assert found["commands of Redis a second"] == pytest.approx(100 * 100 + 6 * 4)
    assert found["rows written a second"] == pytest.approx(1800)


def test_more_of_everything_for_more_conversations() -> None:
    few, many = needs(1_000, _MEASURED, Assumed()), needs(1_000_000, _MEASURED, Assumed())
    assert all(many[name] > few[name] for name in few)


def test_the_highest_step_in_which_users_were_served_counts() -> None:
    def step(people: int, p95: float, failures: int = 0) -> dict[str, object]:
        return {
            "p95": p95,
            "failures": failures,
            "costs": {"cpu_bots": people, "cpu_redis": 1, "cpu_archiver": 1, "redis_trips": 1, "commands": 1, "rows": 1, "commits": 1},
        }

    seen = {"steps": [step(10, 0.1), step(20, 0.2), step(30, 0.4), step(40, 0.2, 3)], "idle": {"commands": 8}, "opened": {}, "started": {}}
    assert Measured.of(seen).seconds["bots"] == 20
    assert Measured.of(seen).idle_commands == 4
