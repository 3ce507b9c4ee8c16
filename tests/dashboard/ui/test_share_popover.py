"""The Share popover, and the Train page for a viewer."""

from __future__ import annotations

from urllib.parse import parse_qsl

import pytest
from streamlit.testing.v1 import AppTest

from mnist_core.config import TrainConfig
from mnist_core.store import RunStore
from mnist_dashboard import access
from mnist_dashboard.server import hosts
from mnist_dashboard.server.roles.access_policy import AccessPolicy
from mnist_dashboard.ui.sharing import share_popover
from tests.support.web.page_driver import (
    Visitor,
    active_run,
    click,
    component_data,
    labels,
    open_page,
    page_text,
    text_input,
)
from tests.support.web.signing_in import DEVICE, sign_in

ADDRESSES = ["http://192.0.2.7:8501", "http://[2001:db8::7]:8501", "http://mnist.local:8501"]


@pytest.fixture(autouse=True)
def on_a_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hosts, "network_urls", lambda: ADDRESSES)


def component_ids(app: AppTest, key: str) -> list[str]:
    return [node.proto.id for node in app.get("bidi_component") if key in node.proto.id]


def codes(app: AppTest) -> list[str]:
    return [block.value for block in app.code]


def test_links_lead_to_the_current_view_at_every_address(app: AppTest, store: RunStore) -> None:
    run = store.commands.create_run(TrainConfig())
    open_page(app, run.id)
    assert codes(app) == [f"{address}/?run={run.id}" for address in ADDRESSES]


def images(app: AppTest) -> int:
    return len(app.get("image"))


def test_the_qr_code_is_drawn_when_the_popover_is_open(app: AppTest, store: RunStore) -> None:
    open_page(app)
    assert images(app) == 0
    app.session_state[share_popover.OPEN_KEY] = True
    app.run()
    assert images(app) == 1


def test_no_qr_code_is_drawn_for_a_very_long_address(app: AppTest, store: RunStore) -> None:
    app.session_state[share_popover.OPEN_KEY] = True
    app.query_params["filters"] = "\N{GRINNING FACE}" * 200
    app.run()
    assert images(app) == 0
    assert any("too long for a QR code" in caption.value for caption in app.caption)


def test_an_owner_makes_a_link_that_signs_in_one_other_device(
    app: AppTest, policy: AccessPolicy, store: RunStore
) -> None:
    run = store.commands.create_run(TrainConfig())
    open_page(app, run.id)
    assert not component_ids(app, "sign_in_link")
    click(app, "New sign-in link")
    link, _, fragment = component_data(app, "sign_in_link")["link"].partition("#")
    assert link == f"{ADDRESSES[0]}/sign-in"
    parameters = dict(parse_qsl(fragment))
    assert parameters["run"] == str(run.id)
    assert policy.sessions.sign_in(parameters["code"], "Safari on iPad")
    assert not component_ids(open_page(app, run.id), "sign_in_link")  # it has been used
    assert "Safari on iPad" in page_text(app)


def test_viewers_see_nothing_of_sessions_and_links(app: AppTest, visitor: Visitor, policy: AccessPolicy) -> None:
    visitor.become_viewer()
    open_page(app)
    assert {"New sign-in link", "Sign out", "Sign out all others"}.isdisjoint(labels(app))
    assert DEVICE not in page_text(app)
    assert not [toggle for toggle in app.toggle if toggle.label == "Visible on the network"]


def test_an_owner_signs_out_one_other_device_all_others_and_itself(
    app: AppTest, visitor: Visitor, policy: AccessPolicy
) -> None:
    def names() -> list[str]:
        return sorted(session.name for session in policy.sessions.list_sessions())

    for device in ("Safari on iPad", "Edge on Windows", "Edge on Windows"):
        sign_in(policy, device)
    code = policy.sessions.create_code(60)
    assert names() == ["Edge on Windows", "Edge on Windows 2", DEVICE, "Safari on iPad"]
    ipad = next(session for session in policy.sessions.list_sessions() if session.name == "Safari on iPad")
    open_page(app).button(key=f"sign_out_{ipad.id}").click().run()
    assert names() == ["Edge on Windows", "Edge on Windows 2", DEVICE]
    assert policy.sessions.is_pending(code)
    click(app, "Sign out all others")
    assert names() == [DEVICE]
    assert not policy.sessions.is_pending(code)
    assert "Sign out all others" not in labels(app)
    click(app, "Sign out")
    assert names() == []
    assert "Start training" not in labels(app)


def test_an_owner_chooses_the_name_in_the_change_log(app: AppTest, visitor: Visitor, policy: AccessPolicy) -> None:
    sign_in(policy, "Ana")
    open_page(app)
    text_input(app, "Your name").set_value("  Ana  ").run()
    assert access.current_user() == "Ana 2"
    text_input(app, "Your name").set_value("A\u202ena").run()
    assert "must not contain control characters" in " ".join(error.value for error in app.error)


def test_where_this_machine_is_trusted_an_owner_needs_no_session(
    app: AppTest, visitor: Visitor, policy: AccessPolicy
) -> None:
    visitor.cookies.clear()
    policy.trust_local = True
    assert "New sign-in link" in labels(open_page(app))
    assert not app.info


def test_a_viewer_at_this_machine_is_told_how_to_sign_in(app: AppTest, visitor: Visitor) -> None:
    visitor.cookies.clear()
    [notice] = open_page(app).info
    assert "open the link that the terminal shows" in notice.value
    assert "python -m mnist_dashboard owner-link" in notice.value


def test_owners_and_viewers_elsewhere_are_not_told_what_a_terminal_shows(app: AppTest, visitor: Visitor) -> None:
    assert not open_page(app).info
    visitor.become_viewer()
    assert not open_page(app).info


def test_only_this_machine_can_hide_the_server(app: AppTest, visitor: Visitor, policy: AccessPolicy) -> None:
    def visible() -> list[bool]:
        return [toggle.disabled for toggle in app.toggle if toggle.label == "Visible on the network"]

    open_page(app)
    next(toggle for toggle in app.toggle if toggle.label == "Visible on the network").set_value(False).run()
    assert not policy.is_visible
    assert not codes(app)
    next(toggle for toggle in app.toggle if toggle.label == "Visible on the network").set_value(True).run()
    assert policy.is_visible
    visitor.become_viewer()
    visitor.become_owner(policy)
    open_page(app)
    assert visible() == [True]


def test_without_a_network_the_page_says_how_to_find_the_address(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hosts, "network_urls", list)
    open_page(app)
    assert any("network settings show it" in caption.value for caption in app.caption)


def test_a_viewer_sees_the_settings_and_cannot_move_them(app: AppTest, visitor: Visitor, store: RunStore) -> None:
    run = active_run(store)
    visitor.become_viewer()
    open_page(app, run.id)
    assert {"Pause", "Stop", "Start training", "Add to queue", "Evaluate now"}.isdisjoint(labels(app))
    assert app.sidebar.slider
    assert all(widget.disabled for widget in [*app.sidebar.slider, *app.sidebar.selectbox, *app.sidebar.text_input])
    assert component_data(app, "audience") == {"may_act": False}
    smoothing = next(slider for slider in app.main.slider if slider.label == "Smoothing")
    assert not smoothing.disabled
    smoothing.set_value(0.5).run()
    assert component_data(app, "strip")["smoothing"] == 0.5
