"""What people do with a search on the Sweep page."""

import json
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from mnist_core.config import TrainConfig
from mnist_core.records import RunStatus, Sweep, SweepStatus, TrialRole, TrialStatus
from mnist_core.store import RunStore
from mnist_core.sweeps import control
from mnist_core.sweeps.space import Range, Values
from mnist_core.sweeps.spec import SweepSpec
from mnist_core.system.processes import own_identity
from mnist_dashboard.server.roles.access_policy import AccessPolicy
from mnist_dashboard.sweep import search_draft, search_view
from tests.support.web.page_driver import Visitor, click, labels, open_details, open_page, page_text

SPEC = SweepSpec(
    parameters=(Range("lr", 0.001, 0.3, log=True), Values("optimizer", ("sgd", "adam"))), trials=30, workers=1
)


@pytest.fixture
def sweep(store: RunStore) -> Sweep:
    return control.create(store, SPEC, in_server=True)


def add_run(store: RunStore, sweep: Sweep) -> int:
    """Add a trial with a run, and return the number of the run."""
    claimed = store.sweeps.claim_sweep(sweep.id, own_identity())
    trial = store.sweeps.add_trial(claimed, TrialRole.SEARCH, {"lr": 0.03}, {})
    config = TrainConfig(lr=0.03, skip_test=True)
    trainer = own_identity()
    run = store.sweeps.begin_run(
        sweep.id, trial.number, attempt=claimed.attempt, config=config, trainer=trainer, name="sweep-1 trial 1"
    )
    assert run is not None
    return run.id


def open_search(app: AppTest) -> AppTest:
    open_page(app).switch_page("pages/sweep.py").run()
    assert not app.exception
    return app


def status(store: RunStore) -> SweepStatus:
    return store.sweeps.get_sweep(1).status


# ---------------------------------------------------------------------- the row of actions


@pytest.mark.usefixtures("sweep")
def test_a_search_is_paused_resumed_and_stopped(app: AppTest, store: RunStore) -> None:
    click(open_search(app), "Pause")
    assert status(store) is SweepStatus.PAUSED
    click(app, "Resume")
    assert status(store) is SweepStatus.RUNNING
    click(app, "Stop")
    assert status(store) is SweepStatus.STOPPED
    assert not {"Pause", "Stop", "Resume"} & set(labels(app))


def test_trials_that_begin_after_the_page_was_drawn_are_exported(app: AppTest, store: RunStore, sweep: Sweep) -> None:
    click(open_search(app), "Prepare the file")
    assert "There is nothing to export yet" in page_text(app)
    run_id = add_run(store, sweep)
    click(app, "Prepare the file")
    (_format, exported), file = app.session_state["exported"]
    assert exported == (run_id,)
    assert file.exists()


def test_an_ended_search_goes_on_with_more_trials(app: AppTest, store: RunStore, sweep: Sweep) -> None:
    control.stop(store, sweep)
    click(open_search(app), "20 more trials")
    assert (status(store), SweepSpec.from_json(store.sweeps.get_sweep(1).spec).trials) == (SweepStatus.RUNNING, 50)


def test_one_with_a_time_limit_gets_more_minutes(app: AppTest, store: RunStore) -> None:
    control.create(store, SweepSpec(parameters=SPEC.parameters, minutes=2.0), in_server=True)
    click(open_search(app), "2 more minutes")
    assert SweepSpec.from_json(store.sweeps.get_sweep(1).spec).minutes == 4.0


def test_a_whole_grid_gets_more_minutes_and_no_more_trials(app: AppTest, store: RunStore) -> None:
    grid = SweepSpec(parameters=(Range("lr", 0.001, 0.3, log=True, points=25),), sampler="grid", trials=None, minutes=2)
    control.create(store, grid, in_server=True)
    click(open_search(app), "2 more minutes")
    spec = SweepSpec.from_json(store.sweeps.get_sweep(1).spec)
    assert (spec.minutes, spec.max_trials) == (4.0, 25)


def test_a_grid_gets_the_trials_that_it_has_left(app: AppTest, store: RunStore) -> None:
    grid = SweepSpec(parameters=(Range("lr", 0.001, 0.3, log=True, points=25),), sampler="grid", trials=20)
    control.create(store, grid, in_server=True)
    click(open_search(app), "5 more trials")
    assert SweepSpec.from_json(store.sweeps.get_sweep(1).spec).max_trials == 25
    [button] = [button for button in app.run().button if "more trials" in button.label]
    assert button.disabled


@pytest.mark.usefixtures("sweep")
def test_viewers_have_no_actions(app: AppTest, store: RunStore, visitor: Visitor) -> None:
    open_search(app)
    visitor.become_viewer()
    click(app, "Stop")
    assert status(store) is SweepStatus.RUNNING
    assert "only the owner can do this" in page_text(app)
    assert not {"Pause", "Stop", "20 more trials"} & set(labels(app.run()))


@pytest.mark.usefixtures("sweep")
def test_actions_are_in_the_audit_log(app: AppTest, policy: AccessPolicy) -> None:
    click(open_search(app), "20 more trials")
    click(app, "Stop")
    lines = policy.audit_log._path.read_text(encoding="ascii").splitlines()
    assert [(entry["what"], entry["detail"]) for entry in map(json.loads, lines[-2:])] == [
        ("extend_sweep", 'sweep-1 {"trials": 20} sweep-1'),
        ("stop_sweep", "sweep-1 sweep-1"),
    ]


def test_a_deleted_search_is_listed_again_when_a_run_is_restored(app: AppTest, store: RunStore, sweep: Sweep) -> None:
    run_id = add_run(store, sweep)
    control.stop(store, store.sweeps.get_sweep(sweep.id))
    store.commands.request_stop(run_id)
    control.end_without_controller(store, store.sweeps.get_sweep(sweep.id), SweepStatus.STOPPED)
    click(open_search(app), "Delete its runs")
    assert search_view.find_sweep(None) is None
    store.commands.restore_runs([run_id])
    assert [listed.id for listed in search_view.list_sweeps()] == [sweep.id]


def test_a_deleted_search_stays_away_once_the_bin_is_purged(app: AppTest, store: RunStore, sweep: Sweep) -> None:
    run_id = add_run(store, sweep)
    claimed = store.sweeps.get_sweep(sweep.id)
    store.sweeps.end_trial(claimed, store.sweeps.list_trials(sweep.id)[0], TrialStatus.COMPLETED, value=0.9)
    store.trainer_writes.finish_run(store.queries.get_run(run_id), RunStatus.COMPLETED)
    store.sweeps.end_sweep(claimed, SweepStatus.STOPPED, "")
    unstarted = control.stop(store, control.create(store, SPEC, in_server=True))
    store.commands.delete_runs([run_id])
    store.commands.purge_runs([run_id])
    assert store.sweeps.list_runs(sweep.id) == []
    open_search(app)
    assert [listed.id for listed in search_view.list_sweeps()] == [unstarted.id]


# ---------------------------------------------------------------------- settings that it has found


def script() -> None:
    """A page with the two things that components of the page have done."""
    import streamlit as st

    from mnist_dashboard import services
    from mnist_dashboard.sweep import search_actions
    from mnist_dashboard.ui import messages

    sweep = services.current().sweeps.get_sweep(1)
    values = {"lr": 0.2, "optimizer": "adam", "epochs": 50, "nothing": 1}
    wanted = {
        "parameters": {"lr": {"low": 0.02, "high": 0.1, "log": True}, "momentum": 3},
        "fixed": {"optimizer": "adam"},
    }
    wanted = st.session_state.get("wanted", wanted)
    st.button("Apply", on_click=search_actions.apply_to_sliders, args=(sweep, values))
    st.button("Apply nonsense", on_click=search_actions.apply_to_sliders, args=(sweep, {"lr": 7}))
    st.button("Narrow", on_click=search_actions.narrow_search, args=(wanted,))
    messages.render()


@pytest.fixture
def small_page(app: AppTest, sweep: Sweep) -> AppTest:
    assert app is not None  # it provides the services
    assert sweep.id == 1
    return AppTest.from_function(script).run()


def sliders(small_page: AppTest) -> tuple[float, str, int]:
    draft = small_page.session_state["draft"]
    return draft["lr"], draft["optimizer"], draft["epochs"]


def test_the_winner_is_applied_to_the_sliders_and_undone(small_page: AppTest) -> None:
    click(small_page, "Apply")
    assert sliders(small_page) == (0.2, "adam", 3), "epochs were not searched"
    assert "On Train, the sliders now have learning rate 0\\.2" in page_text(small_page)
    click(small_page, "Undo")
    assert sliders(small_page) == (0.01, "sgd", 3)


def test_unacceptable_values_change_no_slider(small_page: AppTest) -> None:
    click(small_page, "Apply nonsense")
    assert sliders(small_page) == (0.01, "sgd", 3)
    assert "Learning rate must be between 0" in page_text(small_page)


def test_viewers_change_no_sliders(small_page: AppTest, visitor: Visitor) -> None:
    visitor.become_viewer()
    click(small_page, "Apply")
    click(small_page, "Narrow")
    assert sliders(small_page) == (0.01, "sgd", 3)
    assert small_page.session_state["search_draft"]["lr.low"] == 0.001


def test_the_search_is_narrowed_to_good_ranges_and_undone(small_page: AppTest) -> None:
    click(small_page, "Narrow")
    form = small_page.session_state["search_draft"]
    assert (form["lr.low"], form["lr.high"]) == (0.02, 0.1)
    assert [name for name in form if name.endswith(".on") and form[name]] == ["lr.on"]
    assert sliders(small_page)[1] == "adam"
    click(small_page, "Undo")
    form = small_page.session_state["search_draft"]
    assert (form["lr.low"], form["momentum.on"], sliders(small_page)[1]) == (0.001, True, "sgd")


@pytest.mark.parametrize(
    ("parameters", "expected", "left_out"),
    [
        ({"batch_size": [64, 32]}, {"batch_size.low": 32, "batch_size.high": 64}, ""),
        ({"optimizer": ["sgd", "adam"]}, {"optimizer.values": ["sgd", "adam"]}, ""),
        ({"model": ["mlp", "own.py:Net"]}, {}, "network"),
        ({"lr": {"low": 0.02, "high": 70}}, {}, "learning rate"),
        ({"lr": {"low": 0.1, "high": 0.02}}, {}, "learning rate"),
        ({"weight_decay": [0, 0.001]}, {}, "weight decay"),  # its range is logarithmic
        ({"batch_size": [64, "many"], "epochs": [2, 3]}, {}, "batch size, epochs"),
        ({"momentum": [], "optimizer": []}, {}, "momentum, optimizer"),
        ({"momentum": [0.5, 0.5], "batch_size": "all"}, {}, "batch size, momentum"),
    ],
)
def test_a_setting_is_narrowed_whole_or_left_out_by_name(
    small_page: AppTest, parameters: dict[str, Any], expected: dict[str, Any], left_out: str
) -> None:
    small_page.session_state["wanted"] = {"parameters": parameters}
    small_page.run()
    click(small_page, "Narrow")
    form, first = small_page.session_state["search_draft"], search_draft.first_values()
    searched = {name.partition(".")[0] + ".on" for name in expected}
    assert {name for name in form if name.endswith(".on") and form[name]} == searched
    assert {name: form[name] for name in form if not name.endswith(".on") and form[name] != first[name]} == {
        name: value for name, value in expected.items() if value != first[name]
    }
    assert ("The form now searches the good ranges of" in page_text(small_page)) is bool(expected)
    assert (f"cannot search the good values of {left_out}, and leaves them out" in page_text(small_page)) is bool(
        left_out
    )


# ---------------------------------------------------------------------- runs of a search


def test_the_run_of_a_trial_leads_to_its_search(app: AppTest, store: RunStore, sweep: Sweep) -> None:
    open_details(app, add_run(store, sweep))
    [link] = [link for link in app.get("page_link") if "Trial" in link.proto.label]
    assert (link.proto.label, link.proto.query_string) == ("Trial 1 of sweep\\-1", "sweep=1")
