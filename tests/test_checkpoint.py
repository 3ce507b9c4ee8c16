"""Checkpoints: going on bit for bit, and surviving kills, full disks and damage."""

import dataclasses
import errno
import hashlib
import io
import json
import os
import resource
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import pytest
import torch

from mnist_core import checkpoint
from mnist_core.checkpoint import load, load_latest, save
from mnist_core.config import TrainConfig
from mnist_core.data import Dataset
from mnist_core.engine import TrainState, train
from mnist_core.errors import CheckpointError, ConfigError
from mnist_core.places import ROOT
from mnist_core.processes import own_identity
from mnist_core.records import Adjustment
from tests.test_engine_control import EVENTS, timeless

# Before and after a validation; an epoch is complete; mid-epoch; validation, then test are due; nothing is left.
SAVED_AFTER = (3, 4, 7, 9, 13, 14, 15)
SMALL = TrainConfig(model="softmax", device="cpu")
KILLS = 20
DEADLINE_SECONDS = 30.0


def a_config(model: str, optimizer: str) -> TrainConfig:
    return TrainConfig(
        model=model,
        optimizer=optimizer,
        momentum=0.9,
        weight_decay=0.001,
        schedule="one-cycle",
        epochs=2,
        dataset="mnist",
        device="cpu",
    )


EVERY_NETWORK_AND_OPTIMIZER = [
    a_config("classic", "adam"),
    a_config("example", "adadelta"),
    a_config("mlp", "sgd"),
    a_config("softmax", "nesterov"),
]


def save_small(folder: Path, step: int, *, best: bool = False) -> Path:
    state = TrainState.fresh(SMALL)
    state.step = step
    return save(folder, SMALL, state, dataset="MNIST", best=best)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def sealed(payload: bytes, version: int = checkpoint.VERSION) -> bytes:
    """A file with a header in order, as the module's docstring states it."""
    prefix = b"MNISTCKP" + struct.pack("<IQ", version, len(payload))
    return prefix + hashlib.sha256(prefix + payload).digest() + payload


def remaining(config: TrainConfig, data: Dataset, state: TrainState) -> list[dict[str, Any]]:
    return [timeless(event) for event in train(config, data, state=state)]


# ------------------------------------------------------------ going on


@pytest.mark.parametrize("config", EVERY_NETWORK_AND_OPTIMIZER, ids=lambda config: f"{config.model}-{config.optimizer}")
def test_a_loaded_run_goes_on_bit_for_bit_wherever_it_was_saved(
    digits: Dataset, tmp_path: Path, config: TrainConfig
) -> None:
    uninterrupted = [timeless(event) for event in train(config, digits)]
    assert len(uninterrupted) == EVENTS
    state = TrainState.fresh(config)
    saved = {}
    for number, _event in enumerate(train(config, digits, state=state), start=1):
        if number in SAVED_AFTER:
            saved[number] = save(tmp_path / str(number), config, state, dataset=digits.name)
    for number, path in saved.items():
        loaded = load(path)
        assert loaded.config == config
        assert remaining(config, digits, loaded.state) == uninterrupted[number:], f"after {number} events"


def test_another_process_goes_on_bit_for_bit(small_mnist: Dataset, tmp_path: Path) -> None:
    config = dataclasses.replace(a_config("example", "adam"), epochs=1)
    state = TrainState.fresh(config)
    events = train(config, small_mnist, state=state)
    for _ in range(4):
        next(events)
    path = save(tmp_path, config, state, dataset="MNIST")
    code = (
        "import json, sys; from pathlib import Path; import torch\n"
        "from mnist_core import checkpoint, load_dataset, places, train\n"
        "loaded = checkpoint.load(Path(sys.argv[1]))\n"
        "torch.set_num_threads(loaded.threads)\n"
        "data = load_dataset(loaded.config.dataset, runs_dir=places.runs_dir())\n"
        "print(json.dumps([event.loss for event in train(loaded.config, data, state=loaded.state)]))"
    )
    ended = subprocess.run([sys.executable, "-c", code, path], cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout) == [event.loss for event in events]


def test_an_adjusted_run_goes_on_as_adjusted(digits: Dataset, tmp_path: Path) -> None:
    config = a_config("classic", "sgd")
    state = TrainState.fresh(config)
    events = train(config, digits, state=state)
    next(events)
    events.send(Adjustment(lr=0.05, momentum=0.3, batch_size=24))
    loaded = load(save(tmp_path, config, state, dataset=digits.name))
    assert (loaded.state.lr, loaded.state.momentum, loaded.state.batch_size) == (0.05, 0.3, 24)
    assert loaded.config == config
    assert remaining(config, digits, loaded.state) == [timeless(event) for event in events]


def test_a_checkpoint_is_not_changed_by_further_training(digits: Dataset, tmp_path: Path) -> None:
    config = a_config("softmax", "sgd")
    state = TrainState.fresh(config)
    events = train(config, digits, state=state)
    next(events)
    path = save(tmp_path, config, state, dataset=digits.name)
    before = load(path).state.model.state_dict()["fc.weight"].clone()
    next(events)
    assert torch.equal(load(path).state.model.state_dict()["fc.weight"], before)
    assert not torch.equal(state.model.state_dict()["fc.weight"], before)


def test_what_goes_with_a_run_comes_back(tmp_path: Path) -> None:
    state = TrainState.fresh(SMALL)
    state.step, state.epoch, state.elapsed_seconds = 844, 2, 0.1 + 0.2
    changes = [{"step": 3, "lr": 0.05, "by": "owner", "momentum": None}]
    loaded = load(save(tmp_path / "new" / "folder", SMALL, state, dataset="MNIST-5k", interventions=changes))
    assert loaded.path == tmp_path / "new" / "folder" / "step-00000844.ckpt"
    assert (loaded.dataset, loaded.interventions, loaded.skipped) == ("MNIST-5k", changes, ())
    assert loaded.threads == torch.get_num_threads()
    assert (loaded.state.step, loaded.state.epoch, loaded.state.elapsed_seconds) == (844, 2, 0.1 + 0.2)


def test_an_intervention_that_could_not_be_read_back_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="Adjustment is not JSON serializable"):
        save(tmp_path, SMALL, TrainState.fresh(SMALL), dataset="MNIST", interventions=[{"change": Adjustment(lr=0.1)}])
    assert names(tmp_path) == []


def test_a_run_can_go_on_on_another_device(tmp_path: Path) -> None:
    elsewhere = dataclasses.replace(SMALL, device="cuda")
    path = save(tmp_path, elsewhere, TrainState.fresh(SMALL), dataset="MNIST")
    loaded = load(path, "cpu")
    assert (loaded.state.device.type, loaded.config) == ("cpu", elsewhere)
    if not torch.cuda.is_available():
        with pytest.raises(ConfigError, match="Device cuda is not available"):
            load_latest(tmp_path)


# ------------------------------------------------------------ which files there are


def test_the_last_two_and_the_best_are_kept(tmp_path: Path) -> None:
    for step in (90, 100, 110, 120):
        save_small(tmp_path, step, best=step == 100)
    assert names(tmp_path) == ["best-00000100.ckpt", "step-00000110.ckpt", "step-00000120.ckpt"]
    assert load(tmp_path / "best-00000100.ckpt").state.step == 100
    save_small(tmp_path, 130, best=True)
    assert names(tmp_path) == ["best-00000130.ckpt", "step-00000120.ckpt", "step-00000130.ckpt"]


def test_saving_the_same_step_again_replaces_it(tmp_path: Path) -> None:
    state = TrainState.fresh(SMALL)
    save_small(tmp_path, 1)
    for validations in (0, 1):
        state.step, state.validations = 2, validations
        path = save(tmp_path, SMALL, state, dataset="MNIST")
    assert names(tmp_path) == ["step-00000001.ckpt", "step-00000002.ckpt"]
    assert load(path).state.validations == 1


def test_steps_past_the_hundred_millionth_sort_as_numbers(tmp_path: Path) -> None:
    for step in (99_999_998, 99_999_999, 100_000_000):
        save_small(tmp_path, step)
    latest = load_latest(tmp_path)
    assert latest is not None
    assert latest.state.step == 100_000_000
    assert names(tmp_path) == ["step-100000000.ckpt", "step-99999999.ckpt"]


def test_a_run_that_went_back_leaves_no_checkpoint_of_its_abandoned_future(tmp_path: Path) -> None:
    save_small(tmp_path, 100)
    damaged = save_small(tmp_path, 200)
    damaged.write_bytes(b"")
    save_small(tmp_path, 110)
    assert names(tmp_path) == ["step-00000100.ckpt", "step-00000110.ckpt"]


def test_leftovers_are_removed_only_if_their_writer_is_gone(tmp_path: Path) -> None:
    own = own_identity()
    alive = tmp_path / f"step-00000009.ckpt.{own.pid}.{own.start_ticks}.{own.boot_id}.tmp"
    another_start = tmp_path / f"step-00000009.ckpt.{own.pid}.{own.start_ticks - 1}.{own.boot_id}.tmp"
    another_boot = tmp_path / f"step-00000009.ckpt.{own.pid}.{own.start_ticks}.0.tmp"
    foreign = tmp_path / "notes.ckpt.by.hand.tmp"
    for leftover in (alive, another_start, another_boot, foreign):
        leftover.touch()
    save_small(tmp_path, 1)
    assert names(tmp_path) == sorted([foreign.name, "step-00000001.ckpt", alive.name])


# ------------------------------------------------------------ the newest good one


@pytest.mark.parametrize("exists", [False, True])
def test_without_checkpoints_there_is_no_latest(tmp_path: Path, exists: bool) -> None:
    assert load_latest(tmp_path if exists else tmp_path / "missing") is None


def test_the_latest_is_the_one_of_the_highest_step(tmp_path: Path) -> None:
    for step in (5, 20):
        save_small(tmp_path, step, best=step == 5)
    latest = load_latest(tmp_path)
    assert latest is not None
    assert (latest.state.step, latest.skipped) == (20, ())


def test_a_damaged_latest_falls_back_to_the_one_before_then_to_the_best_and_says_so(tmp_path: Path) -> None:
    before, newest = (save_small(tmp_path, step, best=step == 10) for step in (10, 20))
    newest.write_bytes(newest.read_bytes()[:-1])
    latest = load_latest(tmp_path)
    assert latest is not None
    assert (latest.path, latest.state.step) == (before, 10)
    assert len(latest.skipped) == 1
    assert "step-00000020.ckpt is damaged: it holds" in latest.skipped[0]
    before.write_bytes(b"not one")
    latest = load_latest(tmp_path)
    assert latest is not None
    assert (latest.path, len(latest.skipped)) == (tmp_path / "best-00000010.ckpt", 2)


def test_if_all_are_damaged_that_is_an_error_and_not_a_new_start(tmp_path: Path) -> None:
    for step in (1, 2):
        save_small(tmp_path, step).write_bytes(b"")
    with pytest.raises(CheckpointError, match=r"No checkpoint in .* can be used.*00000002.*00000001"):
        load_latest(tmp_path)


# ------------------------------------------------------------ damage


@pytest.fixture
def unread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fails the test if torch is given anything to read."""
    monkeypatch.setattr(torch, "load", lambda *_args, **_kwargs: pytest.fail("torch read a damaged file"))


@pytest.mark.usefixtures("unread")
@pytest.mark.parametrize("kept", [0, 3, 8, 19, 20, 51, 52, 1000, -1])
def test_a_truncated_file_is_named_as_such(tmp_path: Path, kept: int) -> None:
    path = save_small(tmp_path, 1)
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(
        CheckpointError, match=r"step-00000001.ckpt is damaged: it (holds \d+ of \d+ bytes|ends within)"
    ):
        load(path)


@pytest.mark.usefixtures("unread")
def test_every_flipped_bit_is_found(tmp_path: Path) -> None:
    path = save_small(tmp_path, 1)
    content = path.read_bytes()
    bits = [*range(60 * 8), *range(60 * 8, 8 * len(content), 8 * 1009 + 1), 8 * len(content) - 1]
    for bit in bits:
        damaged = bytearray(content)
        damaged[bit // 8] ^= 1 << bit % 8
        path.write_bytes(damaged)
        with pytest.raises(CheckpointError, match=r"is damaged|is not a checkpoint"):
            load(path)


@pytest.mark.usefixtures("unread")
def test_bytes_behind_the_end_are_found(tmp_path: Path) -> None:
    path = save_small(tmp_path, 1)
    path.write_bytes(path.read_bytes() + b"\0")
    with pytest.raises(CheckpointError, match="is damaged: its checksum does not match"):
        load(path)


@pytest.mark.usefixtures("unread")
def test_what_is_no_checkpoint_is_said_to_be_none(tmp_path: Path) -> None:
    weights = tmp_path / "weights.pt"
    torch.save(TrainState.fresh(SMALL).model.state_dict(), weights)
    with pytest.raises(CheckpointError, match=r"weights.pt is not a checkpoint"):
        load(weights)
    with pytest.raises(CheckpointError, match=r"cannot be read \(Is a directory\)\. Choose another checkpoint"):
        load(tmp_path)
    with pytest.raises(CheckpointError, match=r"nowhere.ckpt does not exist\. Choose another checkpoint"):
        load(tmp_path / "nowhere.ckpt")


@pytest.mark.usefixtures("unread")
def test_a_newer_version_asks_for_a_newer_program(tmp_path: Path) -> None:
    path = tmp_path / "newer.ckpt"
    path.write_bytes(sealed(b"who knows", version=2))
    with pytest.raises(CheckpointError, match=r"version 2, and this program reads 1\. Update the program"):
        load(path)


class Code:
    """Unpickled without care, it makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.path),)


def test_code_in_a_file_is_refused_and_not_executed(tmp_path: Path) -> None:
    made = tmp_path / "made by the code"
    payload = io.BytesIO()
    torch.save({"tensors": Code(made), "facts": "{}"}, payload)
    path = tmp_path / "code.ckpt"
    path.write_bytes(sealed(payload.getvalue()))
    with pytest.raises(CheckpointError, match="such as code; none was executed"):
        load(path)
    assert not made.exists()
    torch.load(io.BytesIO(payload.getvalue()), weights_only=False)  # it would have been
    assert made.exists()


@pytest.mark.parametrize("content", [[], {}, {"tensors": 1, "facts": "{}"}, {"tensors": {}, "facts": "{"}])
def test_a_file_of_something_else_is_refused(tmp_path: Path, content: Any) -> None:
    payload = io.BytesIO()
    torch.save(content, payload)
    path = tmp_path / "other.ckpt"
    path.write_bytes(sealed(payload.getvalue()))
    with pytest.raises(CheckpointError, match="does not hold what a checkpoint holds"):
        load(path)


@pytest.mark.parametrize(
    ("changed", "fitting"), [({"model": "mlp"}, "mlp with sgd"), ({"optimizer": "adam"}, "softmax with adam")]
)
def test_weights_of_another_network_or_optimizer_are_refused(
    tmp_path: Path, changed: dict[str, Any], fitting: str
) -> None:
    path = save(tmp_path, dataclasses.replace(SMALL, **changed), TrainState.fresh(SMALL), dataset="MNIST")
    with pytest.raises(CheckpointError, match=f"do not fit the network {fitting}"):
        load(path)


# ------------------------------------------------------------ full disks and kills


@contextmanager
def files_limited_to(size: int) -> Iterator[None]:
    """The kernel refuses to let any file grow beyond `size`, as a full disk does: mid-write, with an `OSError`."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("best", [False, True])
def test_a_save_cut_off_by_a_full_disk_leaves_what_was_there(tmp_path: Path, best: bool) -> None:
    save_small(tmp_path, 1, best=True)
    save_small(tmp_path, 2)
    before = names(tmp_path)
    remedy = r"step-00000003.ckpt could not be saved: File too large\. Free some disk space; the checkpoint before is"
    with files_limited_to(40_000), pytest.raises(CheckpointError, match=remedy):
        save_small(tmp_path, 3, best=best)
    assert names(tmp_path) == before
    latest = load_latest(tmp_path)
    assert latest is not None
    assert (latest.state.step, latest.skipped) == (2, ())
    save_small(tmp_path, 3)
    assert "step-00000003.ckpt" in names(tmp_path)


def test_a_disk_found_full_while_flushing_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_file: int) -> None:
        assert any(path.suffix == ".tmp" for path in tmp_path.iterdir())
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    save_small(tmp_path, 1)
    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(CheckpointError, match=r"No space left on device\. Free some disk space"):
        save_small(tmp_path, 2)
    assert names(tmp_path) == ["step-00000001.ckpt"]


def test_older_checkpoints_are_removed_only_once_the_new_one_is_on_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for step in (1, 2):
        save_small(tmp_path, step)
    seen = []
    monkeypatch.setattr(os, "fsync", lambda _file: seen.append(names(tmp_path)))
    save_small(tmp_path, 3)
    while_written, renamed = seen
    old = ["step-00000001.ckpt", "step-00000002.ckpt"]
    assert [name for name in while_written if not name.endswith(".tmp")] == old
    assert len(while_written) == 3
    assert renamed == [*old, "step-00000003.ckpt"]
    assert names(tmp_path) == renamed[1:]


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CheckpointError, match=r"could not be saved: File exists\. Make .*file a folder that can be"):
        save_small(tmp_path / "file", 1)


SAVERS = """
import os, sys
from pathlib import Path
from mnist_core import checkpoint
from mnist_core.config import TrainConfig
from mnist_core.engine import TrainState

config = TrainConfig(device="cpu")
for line in sys.stdin:
    if pid := os.fork():
        os.waitpid(pid, 0)
        os.write(1, b"dead\\n")
        continue
    os.write(1, b"%d\\n" % os.getpid())
    state = TrainState.fresh(config)
    for state.step in range(int(line), int(line) + 1000):
        checkpoint.save(Path(sys.argv[1]), config, state, dataset="MNIST", best=state.step % 2 == 0)
        os.write(1, b"%d\\n" % state.step)  # a broken pipe ends it, should the test be gone
    os._exit(0)
"""
"""Starts, for each line of input, a process that saves without end from that step on, and reports every step saved."""


def test_killed_at_any_moment_of_a_save_the_last_saved_or_a_later_one_loads(tmp_path: Path) -> None:
    config = TrainConfig(device="cpu")
    state = TrainState.fresh(config)
    size = save(tmp_path, config, state, dataset="MNIST").stat().st_size
    left_over = 0

    def moment(kill: int, writer: int, reported: int) -> Callable[[], bool]:
        """What to await before a kill: a temporary file begun, or written to a certain part; a new name."""
        if kill % 3 == 0:
            return lambda: any(path.name > f"step-{reported:08}.ckpt" for path in tmp_path.glob("step-*.ckpt"))
        part = size * kill // KILLS if kill % 3 == 1 else 0
        return lambda: any(path_size(path) >= part for path in tmp_path.glob(f"*.ckpt.{writer}.*.tmp"))

    with subprocess.Popen(
        [sys.executable, "-c", SAVERS, tmp_path], cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as savers:
        assert savers.stdin
        assert savers.stdout
        for kill in range(KILLS):
            print(state.step + 1, file=savers.stdin, flush=True)
            writer = int(savers.stdout.readline())
            reported = int(savers.stdout.readline())
            spin_until(moment(kill, writer, reported))
            os.kill(writer, signal.SIGKILL)
            for line in until_dead(savers.stdout):
                reported = int(line)
            latest = load_latest(tmp_path)
            assert latest is not None
            assert latest.state.step >= reported > state.step
            assert latest.skipped == ()
            state = latest.state
            left_over += len(list(tmp_path.glob("*.tmp")))
        savers.stdin.close()
    assert left_over > 0, "no kill fell into a save"
    save(tmp_path, config, state, dataset="MNIST")
    assert not list(tmp_path.glob("*.tmp"))


def path_size(path: Path) -> int:
    """-1 once it is renamed or removed."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return -1


def spin_until(condition: Callable[[], bool]) -> None:
    """Without sleeping: what is awaited lasts a few milliseconds."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "did not happen"


def until_dead(lines: IO[str]) -> Iterator[str]:
    return iter(lines.readline, "dead\n")
