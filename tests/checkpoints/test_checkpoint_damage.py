"""Checkpoints that are damaged, foreign or hostile: refused, named, and never executed."""

import dataclasses
import hashlib
import io
import os
import struct
from pathlib import Path
from typing import Any

import pytest
import torch

from mnist_core.checkpoints.envelope import VERSION
from mnist_core.checkpoints.files import load, save
from mnist_core.errors import CheckpointError
from mnist_core.training.train_state import TrainState
from tests.support.training import SMALL, save_small


def sealed(payload: bytes, version: int = VERSION) -> bytes:
    """Return a file with a valid header, as the module's docstring describes it."""
    prefix = b"MNISTCKP" + struct.pack("<IQ", version, len(payload))
    return prefix + hashlib.sha256(prefix + payload).digest() + payload


@pytest.fixture
def unread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail the test if torch reads anything."""
    monkeypatch.setattr(torch, "load", lambda *_args, **_kwargs: pytest.fail("torch read a damaged file"))


@pytest.mark.usefixtures("unread")
@pytest.mark.parametrize(
    ("kept", "problem"),
    [
        *((kept, "it ends within its header") for kept in (0, 3, 8, 19, 20, 51)),
        (52, r"it holds 0 of \d+ bytes"),
        (1000, r"it holds 948 of \d+ bytes"),
        (-1, r"it holds \d+ of \d+ bytes"),
    ],
)
def test_a_truncated_file_is_named_as_such(tmp_path: Path, kept: int, problem: str) -> None:
    path = save_small(tmp_path, 1)
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(CheckpointError, match=rf"step-00000001.ckpt is damaged: {problem}\."):
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
        with pytest.raises(CheckpointError, match="is not a checkpoint" if bit < 8 * 8 else "is damaged"):
            load(path)


@pytest.mark.usefixtures("unread")
def test_extra_bytes_at_the_end_are_found(tmp_path: Path) -> None:
    path = save_small(tmp_path, 1)
    path.write_bytes(path.read_bytes() + b"\0")
    with pytest.raises(CheckpointError, match="is damaged: its checksum does not match"):
        load(path)


@pytest.mark.usefixtures("unread")
def test_another_kind_of_file_is_refused_as_no_checkpoint(tmp_path: Path) -> None:
    weights = tmp_path / "weights.pt"
    torch.save(TrainState.initial(SMALL).model.state_dict(), weights)
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
    """An object that creates a folder when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.path),)


def test_code_in_a_file_is_refused_and_not_executed(tmp_path: Path) -> None:
    folder = tmp_path / "made by the code"
    payload = io.BytesIO()
    torch.save({"tensors": Code(folder), "facts": "{}"}, payload)
    path = tmp_path / "code.ckpt"
    path.write_bytes(sealed(payload.getvalue()))
    with pytest.raises(CheckpointError, match="such as code; none was executed"):
        load(path)
    assert not folder.exists()
    torch.load(io.BytesIO(payload.getvalue()), weights_only=False)  # shows that the code works
    assert folder.exists()


@pytest.mark.parametrize("content", [[], {}, {"tensors": 1, "facts": "{}"}, {"tensors": {}, "facts": "{"}])
def test_a_checkpoint_with_other_content_is_refused(tmp_path: Path, content: Any) -> None:
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
    path = save(tmp_path, dataclasses.replace(SMALL, **changed), TrainState.initial(SMALL), dataset="MNIST")
    with pytest.raises(CheckpointError, match=f"do not fit the network {fitting}"):
        load(path)
