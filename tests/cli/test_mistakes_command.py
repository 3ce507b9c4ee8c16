"""The command `mistakes`, as typed into a terminal."""

import pytest

from mnist_core.cli.main import main
from mnist_core.config import TrainConfig
from mnist_core.store import RunStore
from mnist_core.store.schema import evaluations
from tests.support.factories import finished_run
from tests.support.terminal import CapturedOutput

TABLE = """\
wide gets 90.00 % of 1,000 test images right after step 5.

  Class          Precision   Recall       F1  Images  Most read as
  0                90.20 %  90.20 %  90.20 %     102  1 (10 times)
"""


@pytest.fixture(autouse=True)
def _run(store: RunStore) -> None:
    finished_run(store, name="wide", right=range(900))


def test_it_prints_every_class_and_the_means(capsys: CapturedOutput) -> None:
    assert main(["mistakes", "wide"]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith(TABLE)
    lines = printed.splitlines()
    assert lines[12].split() == ["9", *["89.80", "%"] * 3, "98", "0", "(10", "times)"]
    assert lines[13].split() == ["Mean", *["90.00", "%"] * 3, "1,000"]
    assert lines[14].split() == ["Weighted", "mean", *["90.00", "%"] * 3, "1,000"]
    assert lines[16] == (
        "Its confidence differs from its accuracy by 10.00 % on average (expected calibration error, 15 bins)."
    )
    assert lines[18] == "Without the 10 % of the images that it is least certain about, it gets 90.00 % right."


def test_labels_alone_and_a_missing_dataset_are_said(store: RunStore, capsys: CapturedOutput) -> None:
    with store._engine.begin() as connection:
        connection.execute(evaluations.update().where(evaluations.c.split == "test").values(probabilities=None))
    assert main(["mistakes", "wide", "--split", "test"]) == 0
    assert "Its probabilities are unknown: it was recorded before runs kept them." in capsys.readouterr().out
    assert main(["mistakes", "wide", "--split", "validation"]) == 1
    assert "MNIST is not on this machine" in capsys.readouterr().err


def test_a_run_without_an_evaluation_is_refused(store: RunStore, capsys: CapturedOutput) -> None:
    store.commands.create_run(TrainConfig(), "waiting")
    assert main(["mistakes", "waiting"]) == 1
    assert capsys.readouterr().err == ("waiting is queued and has no evaluation. Choose a run that has one.\n")
