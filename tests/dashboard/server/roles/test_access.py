"""The check before every action of a page."""

from __future__ import annotations

import inspect

import pytest
from streamlit.testing.v1 import AppTest

from mnist_core.config import TrainConfig
from mnist_core.records import Progress
from mnist_core.runs.actions import RunActions
from mnist_core.store import RunStore
from mnist_core.system.processes import own_identity
from mnist_dashboard import access
from mnist_dashboard.server.roles.access_policy import MAX_WRONG_TRIES, OWNER_NAME, AccessPolicy
from mnist_dashboard.server.roles.client_location import CLIENT_ADDRESS_HEADER, LOCAL, LOCATION_HEADER
from tests.support.web.asgi_client import PEER
from tests.support.web.page_driver import Visitor, click, open_page
from tests.support.web.signing_in import DEVICE

ACTIONS = [name for name, _ in inspect.getmembers(RunActions, inspect.isfunction) if not name.startswith("_")]


@pytest.mark.parametrize("name", ACTIONS)
def test_every_action_is_checked_before_anything_else(store: RunStore, name: str) -> None:
    def refuse() -> None:
        raise access.NotAllowedError("checked")

    actions = RunActions(store, before_action=refuse)
    needed = [
        parameter
        for parameter in inspect.signature(getattr(actions, name)).parameters.values()
        if parameter.default is parameter.empty
    ]
    positional = [None for parameter in needed if parameter.kind is not parameter.KEYWORD_ONLY]
    keywords = {parameter.name: None for parameter in needed if parameter.kind is parameter.KEYWORD_ONLY}
    with pytest.raises(access.NotAllowedError, match="checked"):
        getattr(actions, name)(*positional, **keywords)


def test_a_viewer_cannot_act(app: AppTest, visitor: Visitor) -> None:  # `app` provides the access policy
    check = access.action_check()
    check()
    visitor.become_viewer()
    with pytest.raises(access.NotAllowedError, match="only the owner"):
        check()


def test_a_request_without_location_is_a_viewers(app: AppTest, visitor: Visitor, policy: AccessPolicy) -> None:
    policy.trust_local = True
    visitor.headers.clear()
    visitor.cookies.clear()
    with pytest.raises(access.NotAllowedError, match="only the owner"):
        access.action_check()()


def test_after_a_session_has_ended_the_next_action_of_an_open_page_is_refused(
    app: AppTest, visitor: Visitor, store: RunStore, policy: AccessPolicy
) -> None:
    visitor.become_viewer()
    visitor.become_owner(policy)
    click(open_page(app), "Start training")
    assert len(store.queries.list_runs()) == 1
    policy.sessions.end_all()
    click(app, "Add to queue")
    assert len(store.queries.list_runs()) == 1
    assert "only the owner can do this" in " ".join(error.value for error in app.error)


def test_a_user_who_acts_too_often_has_to_wait(app: AppTest, visitor: Visitor) -> None:
    users: list[str] = []
    check = access.action_check(users.append)
    for _ in range(access.MAX_ACTIONS):
        check()
    with pytest.raises(access.NotAllowedError, match="Wait a few seconds"):
        check()
    assert users == [DEVICE] * access.MAX_ACTIONS


def test_a_command_records_who_sent_it(app: AppTest, store: RunStore, visitor: Visitor, policy: AccessPolicy) -> None:
    run = store.commands.create_run(TrainConfig(), trainer=own_identity())
    store.trainer_writes.begin_training(
        run, dataset="MNIST", notice="", train_images=100, validation_images=0, test_images=0, device="cpu", threads=1
    )
    store.trainer_writes.append_steps(run, Progress(step=1))
    click(open_page(app, run.id), "Pause")
    visitor.become_viewer()
    visitor.become_owner(policy, "Safari on iPad")
    click(open_page(app, run.id), "Pause")
    visitor.cookies.clear()
    visitor.headers[LOCATION_HEADER] = LOCAL
    policy.trust_local = True
    click(open_page(app, run.id), "Pause")
    senders = [command.by for command in store.queries.list_commands(run.id, 0)]
    assert senders == [DEVICE, "Safari on iPad", OWNER_NAME]


def test_a_guesser_does_not_push_others_out_of_the_audit_log(policy: AccessPolicy) -> None:
    for number in range(3 * MAX_WRONG_TRIES):
        policy.record_wrong_try({CLIENT_ADDRESS_HEADER: PEER}, f"guess {number}")
    lines = policy.audit_log._path.read_text(encoding="ascii").splitlines()
    assert len(lines) == MAX_WRONG_TRIES
