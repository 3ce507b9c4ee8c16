"""The Share popover, and the Train page for a viewer."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from mnist_core.config import TrainConfig
from mnist_core.store import RunStore
from mnist_dashboard.server import hosts
from mnist_dashboard.server.roles.access_policy import AccessPolicy, owner_cookie
from tests.support.page_driver import Visitor, active_run, click, component_data, labels, open_page

ADDRESSES = ["http://192.0.2.7:8501", "http://[2001:db8::7]:8501", "http://mnist.local:8501"]


@pytest.fixture(autouse=True)
def on_a_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hosts, "network_urls", lambda: ADDRESSES)


def codes(app: AppTest) -> list[str]:
    return [block.value for block in app.code]


def test_links_lead_to_the_current_view_at_every_address(app: AppTest, store: RunStore) -> None:
    run = store.commands.create_run(TrainConfig())
    open_page(app, run.id)
    assert codes(app) == [f"{address}/?run={run.id}" for address in ADDRESSES]


def test_only_owners_see_the_owner_link(app: AppTest, visitor: Visitor, places: Path) -> None:
    key = AccessPolicy(places / "runs").key.read()
    open_page(app)
    assert component_data(app, "owner_link")["link"] == f"{ADDRESSES[0]}/owner?key={key}"
    visitor.become_viewer()
    open_page(app)
    assert not [node for node in app.get("bidi_component") if "owner_link" in node.proto.id]
    assert "Renew" not in labels(app)
    assert not [toggle for toggle in app.toggle if toggle.label == "Visible on the network"]


def test_renewing_the_key_signs_out_guests_with_the_old_link(app: AppTest, visitor: Visitor, places: Path) -> None:
    key = AccessPolicy(places / "runs").key
    guest_key = key.read()
    click(open_page(app), "Renew")
    assert key.read() != guest_key
    visitor.become_viewer()
    visitor.cookies[owner_cookie()] = guest_key
    open_page(app)
    assert "Start training" not in labels(app)


def test_only_this_machine_can_hide_the_server(app: AppTest, visitor: Visitor, places: Path) -> None:
    def visible() -> list[bool]:
        return [toggle.disabled for toggle in app.toggle if toggle.label == "Visible on the network"]

    sharing = AccessPolicy(places / "runs")
    open_page(app)
    next(toggle for toggle in app.toggle if toggle.label == "Visible on the network").set_value(False).run()
    assert not sharing.is_visible
    assert not codes(app)
    next(toggle for toggle in app.toggle if toggle.label == "Visible on the network").set_value(True).run()
    assert sharing.is_visible
    visitor.become_viewer()
    visitor.cookies[owner_cookie()] = sharing.key.read()
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
    assert all(widget.disabled for widget in [*app.sidebar.slider, *app.sidebar.selectbox, *app.sidebar.number_input])
    assert component_data(app, "audience") == {"may_act": False}
    smoothing = next(slider for slider in app.main.slider if slider.label == "Smoothing")
    assert not smoothing.disabled
    smoothing.set_value(0.5).run()
    assert component_data(app, "strip")["smoothing"] == 0.5
