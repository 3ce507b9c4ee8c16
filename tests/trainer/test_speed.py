"""The estimate of the time per epoch before a run begins."""

import json
from pathlib import Path

import pytest
import torch

from mnist_core.config import MODELS, TrainConfig
from mnist_core.system.machine import has_bf16
from mnist_core.trainer import calibration, speed
from mnist_core.trainer.speed import epoch_seconds, is_calibrated, speed_key

SPEEDS = {speed_key("classic", "fp32"): [0.002, 0.02]}


def test_no_time_is_estimated_before_the_first_measurement() -> None:
    assert not is_calibrated()
    assert epoch_seconds(TrainConfig(), 60_000) is None


@pytest.mark.parametrize(("batch_size", "step_seconds"), [(16, 0.002), (256, 0.02), (136, 0.011), (1, 0.001)])
def test_a_step_has_a_fixed_cost_and_a_cost_for_each_image(batch_size: int, step_seconds: float) -> None:
    speed.save_speeds(SPEEDS, "cpu")
    assert is_calibrated()
    estimate = epoch_seconds(TrainConfig(batch_size=batch_size), 60_000)
    assert estimate == pytest.approx(60_000 / batch_size * step_seconds)


@pytest.mark.parametrize(
    "config", [TrainConfig(model="mlp"), TrainConfig(precision="bf16"), TrainConfig(device="cuda")]
)
def test_no_time_is_estimated_for_settings_that_were_not_measured(config: TrainConfig) -> None:
    speed.save_speeds(SPEEDS, "cpu")
    assert epoch_seconds(config, 60_000) is None


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"conditions": ["another", 1, "1.0"]}'])
def test_a_damaged_measurement_or_one_of_another_machine_is_ignored(places: Path, content: str) -> None:
    path = places / "runs" / "derived" / "speed.json"
    path.parent.mkdir()
    path.write_text(content)
    assert not is_calibrated()
    assert epoch_seconds(TrainConfig(), 60_000) is None


@pytest.mark.fault
def test_calibration_measures_every_network_and_precision(places: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calibration, "MEASURED_SECONDS", 0.0)
    threads = torch.get_num_threads()
    calibration.calibrate(threads=1)
    torch.set_num_threads(threads)
    written = json.loads((places / "runs" / "derived" / "speed.json").read_text())
    precisions = ["fp32", "bf16"] if has_bf16() else ["fp32"]
    assert set(written["step_seconds"]) == {speed_key(model, kind) for model in MODELS for kind in precisions}
    assert all(0 < seconds < 60 for pair in written["step_seconds"].values() for seconds in pair)
    assert epoch_seconds(TrainConfig(model="example"), 60_000)
