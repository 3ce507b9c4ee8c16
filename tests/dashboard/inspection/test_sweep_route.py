"""The route for what the trials of a sweep say."""

import math
from collections.abc import Sequence
from typing import Any

import pytest
from starlette.applications import Starlette

from mnist_core.analysis.importance_forest import ImportanceReport, measure_importance
from mnist_core.records import Sweep, SweepStatus, TrialRole, TrialStatus
from mnist_core.store import RunStore
from mnist_core.sweeps.space import Range, Values
from mnist_core.sweeps.spec import SweepSpec
from mnist_core.system.processes import own_identity
from mnist_dashboard.inspection.sweep_route import SweepAnalyses
from tests.dashboard.inspection.conftest import Get, json_of
from tests.support.web.asgi_client import Response, fetch

SPEC = SweepSpec(
    parameters=(Range("lr", 1e-3, 1.0, log=True), Values("batch_size", (32, 64, 128))), trials=1000, pruner="median"
)


class CountingMeasure:
    """Measures importance in this process, and counts how often."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, settings: Any, values: tuple[float, ...]) -> ImportanceReport | None:
        self.calls += 1
        return measure_importance(settings, values)


@pytest.fixture
def sweep(store: RunStore) -> Sweep:
    return store.sweeps.claim_sweep(store.sweeps.create_sweep(SPEC.to_json()).id, own_identity())


@pytest.fixture
def measure() -> CountingMeasure:
    return CountingMeasure()


@pytest.fixture
def app(store: RunStore, measure: CountingMeasure) -> Starlette:
    return Starlette(routes=[SweepAnalyses(store.sweeps, measure).route()])


def add_trials(store: RunStore, sweep: Sweep, numbers: Sequence[int]) -> None:
    """Add trials whose result depends on the learning rate alone."""
    for number in numbers:
        lr = 10 ** (-3 * (number * 0.618 % 1))
        values = {"lr": lr, "batch_size": (32, 64, 128)[number % 3]}
        trial = store.sweeps.add_trial(sweep, TrialRole.SEARCH, values, {})
        store.sweeps.end_trial(sweep, trial, TrialStatus.COMPLETED, value=0.9 - 0.1 * abs(math.log10(lr) + 1))


def ask(app: Starlette, sweep: Sweep, *headers: tuple[str, str]) -> Response:
    return fetch(app, f"/sweep-analysis.json?sweep={sweep.id}", headers=list(headers))


def test_a_sweep_is_analyzed_in_a_process_of_its_own(get: Get, store: RunStore, sweep: Sweep) -> None:
    add_trials(store, sweep, range(30))
    content = json_of(get(f"/sweep-analysis.json?sweep={sweep.id}"))
    assert (content["trials"], content["next"], content["message"]) == (30, 33, "")
    importance = {item["label"]: item for item in content["importance"]["settings"]}
    assert importance["Learning rate"]["certain"]
    assert 0 < importance["Learning rate"]["share"] <= content["importance"]["explained"] <= 1
    lr, batch_size = content["good_ranges"]
    assert 0.02 < lr["narrowed"]["low"] < 0.1 < lr["narrowed"]["high"] < 0.5
    assert (batch_size["name"], batch_size["text"]) == ("batch_size", "32, 64 or 128")


def test_before_ten_trials_it_says_when_something_will_be_known(app: Starlette, store: RunStore, sweep: Sweep) -> None:
    add_trials(store, sweep, range(3))
    content = json_of(ask(app, sweep))
    assert (content["importance"], content["good_ranges"], content["next"]) == (None, [], 4)
    assert content["message"] == "What matters shows after 10 trials."


def test_viewers_share_an_analysis_until_a_tenth_more_trials_have_ended(
    app: Starlette, store: RunStore, sweep: Sweep, measure: CountingMeasure
) -> None:
    add_trials(store, sweep, range(30))
    first = ask(app, sweep)
    add_trials(store, sweep, range(30, 32))
    assert ask(app, sweep).body == first.body
    etag = ("if-none-match", first.headers["etag"])
    assert ask(app, sweep, etag).status == 304
    assert measure.calls == 1
    add_trials(store, sweep, [32])
    assert json_of(ask(app, sweep))["trials"] == 33
    assert measure.calls == 2


def test_the_end_of_a_sweep_is_analyzed_whole(
    app: Starlette, store: RunStore, sweep: Sweep, measure: CountingMeasure
) -> None:
    add_trials(store, sweep, range(30))
    ask(app, sweep)
    add_trials(store, sweep, [30])
    store.sweeps.end_sweep(sweep, SweepStatus.COMPLETED)
    assert [json_of(ask(app, sweep))["trials"] for _ in range(2)] == [31, 31]
    assert measure.calls == 2


def test_trials_under_way_and_pruned_ones_have_no_result_yet(app: Starlette, store: RunStore, sweep: Sweep) -> None:
    add_trials(store, sweep, range(12))
    pruned = store.sweeps.add_trial(sweep, TrialRole.SEARCH, {"lr": 1.0, "batch_size": 32}, {})
    store.sweeps.end_trial(sweep, pruned, TrialStatus.PRUNED)
    store.sweeps.add_trial(sweep, TrialRole.SEARCH, {"lr": 1.0, "batch_size": 32}, {})
    assert json_of(ask(app, sweep))["trials"] == 13


def test_bad_queries_get_a_sentence(get: Get) -> None:
    assert get("/sweep-analysis.json?sweep=x").status == 400
    missing = get("/sweep-analysis.json?sweep=99")
    assert missing.status == 404
    assert missing.body.startswith(b"There is no sweep 99.")


def test_no_trial_is_read_for_an_analysis_that_stands(
    app: Starlette, store: RunStore, sweep: Sweep, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_trials(store, sweep, range(12))
    first = ask(app, sweep).body
    monkeypatch.setattr(store.sweeps, "list_trials", None)
    assert ask(app, sweep).body == first
