"""Checkpoints: training continues from them bit for bit, and which are kept."""

import dataclasses
import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from mnist_core.checkpoints.files import load, save
from mnist_core.config import TrainConfig
from mnist_core.data.datasets import Dataset
from mnist_core.errors import CheckpointError, ConfigError
from mnist_core.records import Adjustment
from mnist_core.system.paths import ROOT
from mnist_core.system.processes import own_identity
from mnist_core.training.engine import train
from mnist_core.training.train_state import TrainState
from tests.support.training import SMALL, file_names, load_newest, save_small, timeless

EVENTS = 2 * (5 + 2) + 1
# Before and after a validation; an epoch is complete; mid-epoch; validation, then test are due; nothing is left.
SAVED_AFTER = (3, 4, 7, 9, 13, 14, 15)


def a_config(model: str, optimizer: str) -> TrainConfig:
    return TrainConfig(
        model=model,
        optimizer=optimizer,
        momentum=0.9,
        weight_decay=0.001,
        label_smoothing=0.1,
        max_shift=2,
        schedule="one-cycle",
        batch_size=20,
        epochs=2,
        dataset="mnist",
        device="cpu",
    )


EVERY_NETWORK_AND_OPTIMIZER = [
    pytest.param("classic", "adam", marks=pytest.mark.fault),
    pytest.param("example", "adadelta", marks=pytest.mark.fault),
    ("compact", "sgd"),
    ("mlp", "sgd"),
    ("softmax", "nesterov"),
]


def remaining(config: TrainConfig, data: Dataset, state: TrainState) -> list[dict[str, Any]]:
    return [timeless(event) for event in train(config, data, state=state)]


# ------------------------------------------------------------ continuing


@pytest.mark.parametrize(("model", "optimizer"), EVERY_NETWORK_AND_OPTIMIZER)
def test_a_loaded_run_continues_bit_for_bit_wherever_it_was_saved(
    few_digits: Dataset, tmp_path: Path, model: str, optimizer: str
) -> None:
    config = a_config(model, optimizer)
    uninterrupted = [timeless(event) for event in train(config, few_digits)]
    assert len(uninterrupted) == EVENTS
    state = TrainState.initial(config)
    saved = {}
    for number, _event in enumerate(train(config, few_digits, state=state), start=1):
        if number in SAVED_AFTER:
            saved[number] = save(tmp_path / str(number), config, state, dataset=few_digits.name)
    for number, path in saved.items():
        loaded = load(path)
        assert loaded.config == config
        assert remaining(config, few_digits, loaded.state) == uninterrupted[number:], f"after {number} events"


@pytest.mark.fault
def test_another_process_continues_bit_for_bit(small_mnist: Dataset, tmp_path: Path) -> None:
    config = dataclasses.replace(a_config("example", "adam"), epochs=1)
    state = TrainState.initial(config)
    events = train(config, small_mnist, state=state)
    for _ in range(4):
        next(events)
    path = save(tmp_path, config, state, dataset="MNIST")
    code = (
        "import json, sys; from pathlib import Path; import torch\n"
        "from mnist_core import load_dataset, train\n"
        "from mnist_core.checkpoints import files\n"
        "from mnist_core.system import paths\n"
        "loaded = files.load(Path(sys.argv[1]))\n"
        "torch.set_num_threads(loaded.threads)\n"
        "data = load_dataset(loaded.config.dataset, runs_dir=paths.runs_dir())\n"
        "print(json.dumps([event.loss for event in train(loaded.config, data, state=loaded.state)]))"
    )
    ended = subprocess.run([sys.executable, "-c", code, path], cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout) == [event.loss for event in events]


def test_an_adjusted_run_continues_as_adjusted(few_digits: Dataset, tmp_path: Path) -> None:
    config = a_config("classic", "sgd")
    state = TrainState.initial(config)
    events = train(config, few_digits, state=state)
    next(events)
    events.send(Adjustment(lr=0.05, momentum=0.3, batch_size=24))
    loaded = load(save(tmp_path, config, state, dataset=few_digits.name))
    assert (loaded.state.lr, loaded.state.momentum, loaded.state.batch_size) == (0.05, 0.3, 24)
    assert loaded.config == config
    assert remaining(config, few_digits, loaded.state) == [timeless(event) for event in events]


def test_a_checkpoint_is_not_changed_by_further_training(few_digits: Dataset, tmp_path: Path) -> None:
    config = a_config("softmax", "sgd")
    state = TrainState.initial(config)
    events = train(config, few_digits, state=state)
    next(events)
    path = save(tmp_path, config, state, dataset=few_digits.name)
    before = load(path).state.model.state_dict()["fc.weight"].clone()
    next(events)
    assert torch.equal(load(path).state.model.state_dict()["fc.weight"], before)
    assert not torch.equal(state.model.state_dict()["fc.weight"], before)


def test_step_times_dataset_and_interventions_come_back(tmp_path: Path) -> None:
    state = TrainState.initial(SMALL)
    state.step, state.epoch, state.elapsed_seconds = 844, 2, 0.1 + 0.2
    changes = [{"step": 3, "lr": 0.05, "by": "owner", "momentum": None}]
    loaded = load(save(tmp_path / "new" / "folder", SMALL, state, dataset="MNIST-5k", interventions=changes))
    assert loaded.path == tmp_path / "new" / "folder" / "step-00000844.ckpt"
    assert (loaded.dataset, loaded.interventions) == ("MNIST-5k", changes)
    assert loaded.threads == torch.get_num_threads()
    assert (loaded.state.step, loaded.state.epoch, loaded.state.elapsed_seconds) == (844, 2, 0.1 + 0.2)


def test_an_intervention_that_could_not_be_read_back_is_refused_when_saving(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="Adjustment is not JSON serializable"):
        save(
            tmp_path, SMALL, TrainState.initial(SMALL), dataset="MNIST", interventions=[{"change": Adjustment(lr=0.1)}]
        )
    assert file_names(tmp_path) == []


def test_a_run_can_continue_on_another_device(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    elsewhere = dataclasses.replace(SMALL, device="cuda")
    path = save(tmp_path, elsewhere, TrainState.initial(SMALL), dataset="MNIST")
    loaded = load(path, "cpu")
    assert (loaded.state.device.type, loaded.config) == ("cpu", elsewhere)
    with pytest.raises(ConfigError, match="Device cuda is not available"):
        load(path)


# ------------------------------------------------------------ files


def test_the_last_two_and_the_best_are_kept(tmp_path: Path) -> None:
    for step in (90, 100, 110, 120):
        save_small(tmp_path, step, best=step == 100)
    assert file_names(tmp_path) == ["best-00000100.ckpt", "step-00000110.ckpt", "step-00000120.ckpt"]
    assert load(tmp_path / "best-00000100.ckpt").state.step == 100
    save_small(tmp_path, 130, best=True)
    assert file_names(tmp_path) == ["best-00000130.ckpt", "step-00000120.ckpt", "step-00000130.ckpt"]


def test_saving_the_same_step_again_replaces_it(tmp_path: Path) -> None:
    state = TrainState.initial(SMALL)
    save_small(tmp_path, 1)
    for validations in (0, 1):
        state.step, state.validations = 2, validations
        path = save(tmp_path, SMALL, state, dataset="MNIST")
    assert file_names(tmp_path) == ["step-00000001.ckpt", "step-00000002.ckpt"]
    assert load(path).state.validations == 1


def test_steps_past_the_hundred_millionth_sort_as_numbers(tmp_path: Path) -> None:
    for step in (99_999_998, 99_999_999, 100_000_000):
        save_small(tmp_path, step)
    assert load_newest(tmp_path).state.step == 100_000_000
    assert file_names(tmp_path) == ["step-100000000.ckpt", "step-99999999.ckpt"]


def test_saving_an_earlier_step_removes_later_checkpoints(tmp_path: Path) -> None:
    save_small(tmp_path, 100)
    damaged = save_small(tmp_path, 200)
    damaged.write_bytes(b"")
    save_small(tmp_path, 110)
    assert file_names(tmp_path) == ["step-00000100.ckpt", "step-00000110.ckpt"]


def test_leftovers_are_removed_only_if_their_writer_is_gone(tmp_path: Path) -> None:
    own = own_identity()
    place = f"{own.host}.{own.pid_namespace}"
    alive = tmp_path / f"step-00000009.ckpt.{own.pid}.{own.start_ticks}.{own.boot_id}.{place}.tmp"
    another_start = tmp_path / f"step-00000009.ckpt.{own.pid}.{own.start_ticks - 1}.{own.boot_id}.{place}.tmp"
    another_boot = tmp_path / f"step-00000009.ckpt.{own.pid}.{own.start_ticks}.0.{place}.tmp"
    foreign = tmp_path / "notes.ckpt.by.hand.tmp"
    for leftover in (alive, another_start, another_boot, foreign):
        leftover.touch()
    save_small(tmp_path, 1)
    assert file_names(tmp_path) == sorted([foreign.name, "step-00000001.ckpt", alive.name])


def test_each_file_is_announced_with_its_hash_before_it_takes_its_place(tmp_path: Path) -> None:
    announced: dict[Path, str] = {}

    def confirm(path: Path, sha256: str) -> None:
        assert not path.exists()
        announced[path] = sha256

    save(tmp_path, SMALL, TrainState.initial(SMALL), dataset="MNIST", best=True, confirm=confirm)
    assert sorted(path.name for path in announced) == file_names(tmp_path)
    for path, sha256 in announced.items():
        assert hashlib.sha256(path.read_bytes()).hexdigest() == sha256


def test_a_file_that_is_refused_by_its_caller_is_not_decoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = save_small(tmp_path, 1)
    monkeypatch.setattr(torch, "load", lambda *_args, **_options: pytest.fail("torch read a file of another run"))

    def refuse(path: Path, content: bytes) -> None:
        assert content == path.read_bytes()
        raise CheckpointError("another run's")

    with pytest.raises(CheckpointError, match="another run's"):
        load(path, check=refuse)


def test_a_checkpoint_from_before_early_stopping_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def without_new_facts(facts: dict[str, Any]) -> str:
        facts = {**facts, "position": {name: value for name, value in facts["position"].items() if name != "waited"}}
        facts.pop("best")
        return json.dumps(facts)

    with monkeypatch.context() as earlier:
        earlier.setattr("mnist_core.checkpoints.format.encode_json", without_new_facts)
        path = save_small(tmp_path, 7)
    state = load(path).state
    assert (state.step, state.waited, state.best) == (7, 0, None)


def test_a_best_that_does_not_fit_its_network_is_refused(tmp_path: Path) -> None:
    state = TrainState.initial(dataclasses.replace(SMALL, patience=2))
    state.keep_best(0.5)
    state.step = 3
    assert state.best
    first, *others = state.best.tensors.items()
    state.best = dataclasses.replace(state.best, tensors={first[0]: first[1][:1], **dict(others)})
    path = save(tmp_path, dataclasses.replace(SMALL, patience=2), state, dataset="MNIST")
    with pytest.raises(CheckpointError, match="holds best weights that do not fit the network softmax with sgd"):
        load(path)
