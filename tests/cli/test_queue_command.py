"""The command `queue`, as typed into a terminal."""

import pytest

from mnist_core.cli.main import main
from mnist_core.config import TrainConfig
from mnist_core.store import RunStore

pytestmark = pytest.mark.usefixtures("signals_restored")


@pytest.fixture(autouse=True)
def queued(store: RunStore) -> None:
    """Three runs: run-1, `fast` and run-3."""
    store.commands.create_run(TrainConfig())
    store.commands.create_run(TrainConfig(lr=0.05, batch_size=32), "fast")
    store.commands.create_run(TrainConfig(seed=2))


def test_it_lists_the_runs_in_the_order_they_will_start(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["queue"]) == 0
    assert capsys.readouterr().out == "1  run-1\n2  fast   batch_size 32, lr 0.05\n3  run-3  seed 2\n"


def test_it_moves_a_run_and_shows_the_new_order(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["queue", "run-3", "--before", "fast"]) == 0
    assert [line.split()[1] for line in capsys.readouterr().out.splitlines()] == ["run-1", "run-3", "fast"]
    assert main(["queue", "run-1", "--after", "3"]) == 0
    assert [line.split()[1] for line in capsys.readouterr().out.splitlines()] == ["run-3", "run-1", "fast"]


def test_it_puts_a_removed_run_back(store: RunStore, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["stop", "fast"]) == 0
    assert [run.name for run in store.queries.list_queued_runs()] == ["run-1", "run-3"]
    assert main(["queue", "fast", "--put-back"]) == 0
    assert [run.name for run in store.queries.list_queued_runs()] == ["run-1", "fast", "run-3"]


@pytest.mark.parametrize(
    ("arguments", "code", "problem"),
    [
        (["queue", "fast"], 2, "Say where to: --before RUN, --after RUN or --put-back."),
        (["queue", "--before", "fast"], 2, "Name the run to move first: queue run-9 --before run-8."),
        (["queue", "nobody", "--put-back"], 1, "There is no run 'nobody'"),
        (["queue", "fast", "--put-back"], 1, "fast is queued: only a run removed from the queue can return to it."),
    ],
)
def test_what_makes_no_sense_is_refused(
    arguments: list[str], code: int, problem: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == code
    assert problem in capsys.readouterr().err


def test_an_empty_queue_says_so(store: RunStore, capsys: pytest.CaptureFixture[str]) -> None:
    for run in store.queries.list_queued_runs():
        store.commands.request_stop(run.id)
    assert main(["queue"]) == 0
    assert capsys.readouterr().out == "The queue is empty.\n"
