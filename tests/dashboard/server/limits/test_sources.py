"""What counts as one source, and limits for one source and for all."""

from __future__ import annotations

import pytest

from mnist_dashboard.server.limits import sources
from mnist_dashboard.server.limits.sources import Pace, SharedLimit, source_of


class Clock:
    """A clock that only tests move."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        monkeypatch.setattr("mnist_dashboard.server.limits.sources.time.monotonic", lambda: self.now)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


@pytest.mark.parametrize(
    ("address", "source"),
    [
        ("192.168.7.20", "192.168.7.20"),
        ("::ffff:192.168.7.20", "192.168.7.20"),
        ("2001:db8:1:2::3", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::4", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::3", "2001:db8:1:3::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("unknown", "unknown"),
        ("", ""),
    ],
)
def test_the_source_of_an_address(address: str, source: str) -> None:
    assert source_of(address) == source


def test_a_shared_limit_counts_each_source_and_all_together() -> None:
    limit = SharedLimit(2, 3)
    assert [limit.try_take("a") for _ in range(3)] == [True, True, False]
    assert [limit.try_take("b") for _ in range(2)] == [True, False]
    limit.give_back("a")
    assert [limit.try_take("b"), limit.try_take("c")] == [True, False]


def test_a_shared_limit_remembers_nothing_of_sources_that_have_left() -> None:
    limit = SharedLimit(1, 1)
    assert limit.try_take("here")
    for number in range(50):
        assert not limit.try_take(f"refused-{number}")
    limit.give_back("here")
    assert not limit._counts


def test_a_pace_allows_a_burst_and_then_says_how_long_to_wait(clock: Clock) -> None:
    pace = Pace(burst=3, per_second=2)
    for _ in range(3):
        assert pace.wait_seconds("a") == 0
        pace.use("a")
    assert pace.wait_seconds("a") == pytest.approx(0.5)
    assert pace.wait_seconds("b") == 0
    clock.now += 0.5
    assert pace.wait_seconds("a") == 0
    clock.now += 100
    for _ in range(3):
        assert pace.wait_seconds("a") == 0
        pace.use("a")
    assert pace.wait_seconds("a") > 0


def test_a_use_may_cost_several(clock: Clock) -> None:
    pace = Pace(burst=10, per_second=1)
    pace.use("a", 10)
    assert pace.wait_seconds("a") == pytest.approx(1)
    clock.now += 1
    pace.use("a", 5)
    assert pace.wait_seconds("a") == pytest.approx(5)


def test_a_pace_forgets_the_source_that_acted_longest_ago(monkeypatch: pytest.MonkeyPatch, clock: Clock) -> None:
    monkeypatch.setattr(sources, "MAX_SOURCES", 2)
    pace = Pace(burst=1, per_second=0.001)
    for source in "abc":
        clock.now += 1
        pace.use(source)
    assert pace.wait_seconds("a") == 0
    assert pace.wait_seconds("b") > 0
