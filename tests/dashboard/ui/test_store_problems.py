"""What the server found wrong with the stored runs when it started, on every page."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from mnist_core.config import TrainConfig
from mnist_core.store import RunStore
from mnist_dashboard import composition, services
from mnist_dashboard.ui import markdown
from tests.support.web.page_driver import Visitor, click

PROBLEM = "/srv/runs/runs.sqlite is damaged. It was set aside."


@pytest.fixture
def problems(app: AppTest) -> list[str]:
    assert app is not None  # it provides the services
    found = services.current().store_problems
    found.append(PROBLEM)
    return found


def test_the_frame_of_all_pages_says_it_until_an_owner_dismisses_it(app: AppTest, problems: list[str]) -> None:
    app.run()
    assert [warning.value for warning in app.warning] == [markdown.escape(PROBLEM)]
    click(app, "Dismiss")
    assert not app.warning
    assert problems == []


@pytest.mark.usefixtures("problems")
def test_viewers_see_no_paths_and_cannot_dismiss_it(app: AppTest, visitor: Visitor) -> None:
    visitor.become_viewer()
    app.run()
    assert "The server found a problem" in app.warning[0].value
    assert "/srv" not in app.warning[0].value
    assert "Dismiss" not in [button.label for button in app.button]


def test_a_database_that_is_set_aside_or_damaged_is_a_problem_with_a_remedy(
    places: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = places / "runs"
    found: list[str] = []
    (runs / "runs.sqlite").write_bytes(b"Dear diary")
    (runs / "backups").mkdir()
    backup = runs / "backups" / "2026-01-02T03-04-05Z.zip"
    backup.touch()
    composition._open_store(found).close()
    (problem,) = found
    assert "It was set aside as runs.sqlite.set-aside-1" in problem
    assert problem.endswith(f"python -m mnist_core restore {backup}")
    assert capsys.readouterr().err == f"{problem}\n"


def test_a_damaged_page_is_found_at_start(places: Path) -> None:
    database = places / "runs" / "runs.sqlite"
    store = RunStore.open(database.parent)
    for number in range(200):
        store.commands.create_run(TrainConfig(), f"run {number}")
    store.close()
    content = bytearray(database.read_bytes())
    content[-4096 * 3 : -4096 * 2] = b"\xff" * 4096
    database.write_bytes(content)
    found: list[str] = []
    composition._open_store(found).close()
    assert found
    assert found[0].startswith("The database of runs is damaged (")
    assert "restore FILE" in found[0]


def test_a_sound_database_is_no_problem(places: Path, store: RunStore) -> None:
    assert store.queries.list_runs() == []
    found: list[str] = []
    composition._open_store(found).close()
    assert found == []
    assert places.is_dir()
