"""The owner's own networks in the sidebar: offered from a folder, checked before Start, kept from viewers."""

import threading
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from mnist_core.network_names import OwnNetwork
from mnist_core.records import NetworkSource
from mnist_core.store import RunStore
from mnist_core.training.networks.own import checking
from mnist_dashboard.train.settings import own_networks
from tests.support.networks import TINY, TINY_PARAMETERS, tiny_source, with_forward, write_network
from tests.support.web.page_driver import Visitor, open_page

pytestmark = pytest.mark.usefixtures("checked_here")


@pytest.fixture
def folder(places: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(own_networks, "_checks", {})
    monkeypatch.setattr(own_networks, "QUICK_SECONDS", 10.0)
    write_network(places / "networks")
    return places / "networks"


def choose(app: AppTest, network: str) -> AppTest:
    app.selectbox(key="model_field").set_value(network).run()
    assert not app.exception
    return app


def sidebar_text(app: AppTest) -> str:
    """Return the texts of the sidebar without the escapes of Markdown."""
    texts = [element.value for element in [*app.sidebar.markdown, *app.sidebar.caption]]
    return "\n".join(texts).replace("\\", "")


def test_networks_of_the_folder_are_offered_after_the_built_in_ones(app: AppTest, folder: Path) -> None:
    write_network(folder, "class Broken(", name="broken.py")
    open_page(app)
    assert app.selectbox(key="model_field").options[-2:] == ["Softmax regression", "Tiny (tiny.py)"]
    assert "broken.py has a syntax error in line 1" in sidebar_text(app)


def test_a_good_network_is_started_and_recorded(app: AppTest, folder: Path, store: RunStore) -> None:
    choose(open_page(app), "tiny.py:Tiny")
    assert f"{TINY_PARAMETERS:,} parameters".replace(",", "\u202f") in sidebar_text(app)
    app.button(key="start").click().run()
    (run,) = store.queries.list_runs()
    assert run.config.model == tiny_source().network("Tiny").name
    source = store.queries.find_network(run.config.model)
    assert source is not None
    assert (source.text, source.is_own) == (TINY, True)


def test_a_network_with_a_problem_cannot_be_started(app: AppTest, folder: Path, store: RunStore) -> None:
    write_network(folder, with_forward("return self.out(x)"))
    choose(open_page(app), "tiny.py:Tiny")
    problem = "Tiny returns numbers that are no log-probabilities."
    assert app.button(key="start").disabled
    assert problem in sidebar_text(app)
    write_network(folder)
    app.run()
    assert not app.button(key="start").disabled


def test_a_problem_is_not_looked_for_at_every_rerun(
    app: AppTest, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checks: list[OwnNetwork] = []

    def refuse(_source: NetworkSource, network: OwnNetwork) -> dict[str, str]:
        checks.append(network)
        return {"problem": "No."}

    monkeypatch.setattr(checking, "_run_worker", refuse)
    choose(open_page(app), "tiny.py:Tiny").run().run()
    assert len(checks) == 1
    monkeypatch.setattr(own_networks, "REMEMBERED_SECONDS", 0.0)
    app.run()
    assert len(checks) == 2


def test_a_page_does_not_wait_for_a_check(app: AppTest, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    may_end, has_ended = threading.Event(), checking._run_worker

    def wait(source: NetworkSource, network: OwnNetwork) -> dict[str, Any]:
        may_end.wait(20)
        return has_ended(source, network)

    monkeypatch.setattr(checking, "_run_worker", wait)
    monkeypatch.setattr(own_networks, "QUICK_SECONDS", 0.01)
    choose(open_page(app), "tiny.py:Tiny")
    assert "Checking Tiny (tiny.py)" in sidebar_text(app)
    assert app.button(key="start").disabled
    may_end.set()
    monkeypatch.setattr(own_networks, "QUICK_SECONDS", 10.0)
    app.run()
    assert "Checking" not in sidebar_text(app)
    assert not app.button(key="start").disabled


def test_a_file_that_is_gone_is_reported(app: AppTest, folder: Path) -> None:
    choose(open_page(app), "tiny.py:Tiny")
    (folder / "tiny.py").unlink()
    app.run()
    assert app.button(key="start").disabled
    assert "There is no file" in sidebar_text(app)


def test_the_network_of_an_earlier_run_can_be_chosen_again(app: AppTest, folder: Path, store: RunStore) -> None:
    choose(open_page(app), "tiny.py:Tiny")
    app.button(key="start").click().run()
    (run,) = store.queries.list_runs()
    store.commands.request_stop(run.id)
    write_network(folder, TINY + "# another version\n")
    open_page(app, run.id)
    next(button for button in app.button if button.label == "Train again").click().run()
    network = OwnNetwork.parse(run.config.model)
    assert network is not None
    assert app.selectbox(key="model_field").options[-2:] == ["Tiny (tiny.py)", network.label]
    assert app.selectbox(key="model_field").value == run.config.model
    assert [other.config.model for other in store.queries.list_runs()] == [run.config.model] * 2


def test_viewers_see_and_check_no_networks(
    app: AppTest, visitor: Visitor, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    visitor.become_viewer()
    monkeypatch.setattr(checking, "_run_worker", lambda *_: pytest.fail("a viewer had a network checked"))
    open_page(app)
    assert "Tiny (tiny.py)" not in app.selectbox(key="this_model_field").options
    app.session_state["draft"]["model"] = "tiny.py:Tiny"
    app.run()
    assert not app.exception
