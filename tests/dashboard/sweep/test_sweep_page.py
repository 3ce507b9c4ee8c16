"""The frame of the Sweep page: its tabs, and which search it shows."""

import pytest
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Selectbox

from mnist_core.records import Sweep, TrialRole, TrialStatus
from mnist_core.store import RunStore
from mnist_core.sweeps import control
from mnist_core.sweeps.space import Range
from mnist_core.sweeps.spec import SweepSpec
from mnist_core.system.paths import runs_dir
from mnist_core.system.processes import own_identity
from mnist_dashboard.sweep.search_view import find_sweep
from tests.support.files.damage import execute
from tests.support.web.page_driver import Visitor, component_data, says

SPEC = SweepSpec(parameters=(Range("lr", 0.001, 0.3, log=True),), trials=2, workers=1)


def open_sweep(app: AppTest, **parameters: str) -> AppTest:
    app.run().switch_page("pages/sweep.py")
    for name, value in parameters.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception
    return app


def shown(app: AppTest) -> str:
    """Return the name of the search that the page shows."""
    return str(component_data(app, "sweep_strip")["name"])


def add_sweep(store: RunStore, name: str = "") -> Sweep:
    return control.create(store, SPEC, name, in_server=True)


def test_without_a_search_the_page_says_how_to_start_one(app: AppTest) -> None:
    assert says(open_sweep(app), "No search yet. Set the ranges and press Start search.")


def test_viewers_are_not_told_to_press_start(app: AppTest, visitor: Visitor) -> None:
    visitor.become_viewer()
    assert says(open_sweep(app), "No search yet. It appears here as soon as the owner starts one.")


def choose_tab(app: AppTest, tab: str) -> AppTest:
    next(control for control in app.segmented_control if control.label == "What to do").set_value(tab).run()
    assert not app.exception
    return app


def test_the_tabs_lead_to_races_and_back(app: AppTest) -> None:
    open_sweep(app)
    assert says(choose_tab(app, "race"), "No race yet")
    assert "race" in app.query_params["tab"]
    assert says(choose_tab(app, "search"), "No search yet")
    assert "tab" not in app.query_params


def test_an_address_with_a_race_shows_its_tab(app: AppTest) -> None:
    assert says(open_sweep(app, race="12"), "No race yet")


def test_the_page_shows_the_search_in_the_address(app: AppTest, store: RunStore) -> None:
    add_sweep(store, "first")
    add_sweep(store, "second")
    assert shown(open_sweep(app, sweep="1")) == "first"


@pytest.mark.usefixtures("app")
def test_without_an_address_the_newest_active_search_is_shown(store: RunStore) -> None:
    first, second = add_sweep(store), add_sweep(store)
    assert find_sweep(None) == second
    control.stop(store, second)
    assert find_sweep(None) == first
    control.stop(store, first)
    newest = find_sweep(None)
    assert newest is not None
    assert newest.id == second.id


def test_an_unknown_search_is_named_and_the_latest_is_shown(app: AppTest, store: RunStore) -> None:
    add_sweep(store, "only")
    open_sweep(app, sweep="7")
    assert [warning.value for warning in app.warning] == ["There is no search 7. Showing the latest instead."]
    assert shown(app) == "only"


def test_another_search_can_be_chosen(app: AppTest, store: RunStore) -> None:
    first = add_sweep(store, "first")
    add_sweep(store, "second")
    box = searches(open_sweep(app, sweep="2"))
    assert [option.split(", started ")[0] for option in box.options] == [
        "second: learning rate",
        "first: learning rate",
    ]
    box.set_value(first.id).run()
    assert app.query_params["sweep"] in ("1", ["1"])
    assert shown(app) == "first"


def test_the_names_of_searches_stay_while_they_search(app: AppTest, store: RunStore) -> None:
    """The browser sends the name of what it has chosen, and a changed one would stand for no search."""
    first, _second = add_sweep(store, "first"), add_sweep(store, "second")
    options = searches(open_sweep(app, sweep="2")).options
    claimed = store.sweeps.claim_sweep(first.id, own_identity())
    trial = store.sweeps.add_trial(claimed, TrialRole.SEARCH, {"lr": 0.1}, {})
    store.sweeps.end_trial(claimed, trial, TrialStatus.COMPLETED, value=0.97)
    control.pause(store, first)
    assert searches(app.run()).options == options


def searches(app: AppTest) -> Selectbox[int]:
    return next(box for box in app.selectbox if box.label == "Searches")


def test_a_single_search_is_no_choice(app: AppTest, store: RunStore) -> None:
    add_sweep(store)
    assert "Searches" not in [box.label for box in open_sweep(app).selectbox]


@pytest.mark.parametrize(
    "spec",
    [
        '{"parameters": {"lr": {"low": 0.001, "high": 1000000.0}}, "trials": 2}',
        '{"parameters": {"lr": {"low": 0.001, "high": 1.0}}, "trials": "two"}',
        '{"parameters": {"lr": {"low": 0.001, "high": 1.0}}, "colour": "red"}',
    ],
)
def test_a_search_that_is_no_longer_acceptable_is_named_and_the_others_are_shown(
    app: AppTest, store: RunStore, spec: str
) -> None:
    add_sweep(store, "sound")
    old = add_sweep(store, "old")
    execute(runs_dir(), f"UPDATE sweeps SET spec = '{spec}' WHERE id = ?", old.id)
    open_sweep(app, sweep=str(old.id))
    (error,) = app.error
    assert error.value.startswith("What old searches cannot be read")
    assert "old: its settings cannot be read" in searches(app).options
    assert shown(open_sweep(app, sweep="1")) == "sound"
