"""The command `range-test`, as typed into a terminal."""

import json
from pathlib import Path

import pytest

from mnist_core.cli.main import main
from mnist_core.config import TrainConfig
from mnist_core.store import RunStore
from mnist_core.sweeps.rate_zones import find_zones_of
from tests.support.networks import write_network
from tests.support.terminal import CapturedOutput

pytestmark = pytest.mark.usefixtures("small_mnist")

FLAGS = ["--dataset", "mnist", "--model", "softmax", "--batch-size", "30", "--momentum", "0.9"]
CONFIG = TrainConfig(dataset="mnist", model="softmax", batch_size=30, momentum=0.9)


def test_it_prints_the_curve_the_zones_and_a_suggestion(capsys: CapturedOutput) -> None:
    assert main(["range-test", *FLAGS]) == 0
    lines = capsys.readouterr().out.splitlines()
    zones = find_zones_of(CONFIG)
    assert zones is not None
    assert lines[0] == "Rate      Loss"
    assert lines[1].startswith("0.0001    2.")
    assert lines[-3:] == [
        zones.describe_all(),
        f"Suggested: {zones.suggested:g}",
        f"{len(zones.rates)} batches, {zones.seconds:.1f} s",
    ]


def test_json_has_zones_and_curve(capsys: CapturedOutput, store: RunStore) -> None:
    assert main(["range-test", *FLAGS, "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    zones = find_zones_of(CONFIG)
    assert zones is not None
    assert (printed["safe_up_to"], printed["suggested"]) == (zones.safe_up_to, zones.suggested)
    assert len(printed["rates"]) == len(printed["losses"]) > 10
    assert store.queries.list_runs() == [], "a test is no run"


def test_an_own_network_is_tested(tmp_path: Path, capsys: CapturedOutput) -> None:
    file = write_network(tmp_path)
    assert main(["range-test", *FLAGS, "--model", f"{file}:Tiny"]) == 0
    assert "Suggested: " in capsys.readouterr().out


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        (["--batch-size", "1024"], "Batch size must be between 1 and 270, the number of training images"),
        (
            ["--optimizer", "nesterov", "--momentum", "0"],
            "Momentum must be above 0 with the optimizer nesterov, got 0.",
        ),
    ],
)
def test_settings_that_do_not_go_together_are_refused_in_a_sentence(
    flags: list[str], sentence: str, capsys: CapturedOutput
) -> None:
    assert main(["range-test", *FLAGS, *flags]) == 2
    assert capsys.readouterr().err.splitlines()[-1].startswith(sentence)


def test_settings_without_effect_on_the_zones_have_no_flag(capsys: CapturedOutput) -> None:
    with pytest.raises(SystemExit):
        main(["range-test", "--lr", "0.1"])
    assert "unrecognized arguments: --lr" in capsys.readouterr().err
