"""The check in front of everything that a page can do."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from mnist_core.config import TrainConfig
from mnist_core.records import Progress
from mnist_core.runs.actions import RunActions
from mnist_core.store import RunStore
from mnist_core.system.processes import own_identity
from mnist_dashboard import access, services
from mnist_dashboard.server.roles import GUEST, LOCATION_HEADER, OWNER, REMOTE, Sharing, owner_cookie
from tests.dashboard.conftest import Visitor
from tests.support.page_driver import click, open_page

METHODS = [name for name, _ in inspect.getmembers(services.RunControl, inspect.isfunction) if not name.startswith("_")]


class Recording:
    """Stands for whatever `RunControl` has, or will have, methods for."""

    def __init__(self) -> None:
        self.called: list[str] = []

    def __getattr__(self, name: str) -> Any:
        return lambda *_args, **_kwargs: self.called.append(name)


def watches(visitor: Visitor) -> None:
    visitor.headers[LOCATION_HEADER] = REMOTE


@pytest.fixture
def recording(app: AppTest) -> Recording:  # `app` provides the services that roles are looked up in
    return Recording()


@pytest.mark.parametrize("method", METHODS)
def test_every_method_of_control_is_for_owners(recording: Recording, visitor: Visitor, method: str) -> None:
    control = access.guarded(recording)
    getattr(control, method)()
    assert recording.called == [method]
    watches(visitor)
    with pytest.raises(access.NotAllowedError, match="only the owner"):
        getattr(control, method)()
    assert recording.called == [method]


def test_nothing_but_the_methods_of_control_is_reached(recording: Recording) -> None:
    assert {"submit", "request_stop", "order"} <= set(METHODS)
    with pytest.raises(AttributeError):
        _ = access.guarded(recording).close  # type: ignore[attr-defined]


def test_a_renewed_key_refuses_the_next_act_of_a_page_that_is_open(
    app: AppTest, visitor: Visitor, store: RunStore, places: Path
) -> None:
    key = Sharing(places / "runs").key
    watches(visitor)
    visitor.cookies[owner_cookie()] = key.read()
    click(open_page(app), "Start training")
    assert len(store.queries.list_runs()) == 1
    key.renew()
    click(app, "Add to queue")
    assert len(store.queries.list_runs()) == 1
    assert "only the owner can do this" in " ".join(error.value for error in app.error)


def test_whoever_acts_too_often_is_told_to_wait(recording: Recording) -> None:
    control = access.guarded(recording)
    for _ in range(access.MAX_ACTIONS):
        control.request_stop(1)
    with pytest.raises(access.NotAllowedError, match="Wait a few seconds"):
        control.request_stop(1)
    assert len(recording.called) == access.MAX_ACTIONS


def test_a_change_says_who_made_it(app: AppTest, store: RunStore, visitor: Visitor, places: Path) -> None:
    run = store.commands.create_run(TrainConfig(), trainer=own_identity())
    store.trainer_writes.begin_training(
        run, dataset="MNIST", notice="", train_images=100, validation_images=0, test_images=0, device="cpu", threads=1
    )
    store.trainer_writes.append_steps(run, Progress(step=1))
    click(open_page(app, run.id), "Pause")
    watches(visitor)
    visitor.cookies[owner_cookie()] = Sharing(places / "runs").key.read()
    click(open_page(app, run.id), "Pause")
    assert [order.by for order in store.queries.list_commands(run.id, 0)] == [OWNER, GUEST]


def test_control_of_pages_is_made_of_what_the_supervisor_has(store: RunStore) -> None:
    control = access.guarded(RunActions(store))
    assert {name for name in vars(control) if not name.startswith("_")} == set(METHODS)
