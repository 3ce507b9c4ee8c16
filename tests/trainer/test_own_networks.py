"""Runs that train a user's own network: recorded, repeatable, and built from the recorded source alone."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from mnist_core.checkpoints.recorded_networks import provide_network
from mnist_core.config import TrainConfig
from mnist_core.data.datasets import Dataset
from mnist_core.errors import ConfigError, ImportRefusedError
from mnist_core.exports import archive, weights
from mnist_core.records import MAX_SOURCE_BYTES, NetworkSource, Run, RunStatus
from mnist_core.runs import lineage
from mnist_core.runs.own_networks import record_network, with_recorded_network
from mnist_core.store import RunStore
from mnist_core.system.processes import own_identity
from mnist_core.trainer.worker import train_run
from mnist_core.training.engine import train
from mnist_core.training.networks.own.files import read_network_file
from tests.support.files.archives import Change, changed, set_field
from tests.support.networks import TINY, TINY_PARAMETERS, tiny_source, with_forward, write_network
from tests.support.training import act_at_step, claimed_run, resume, timeless

pytestmark = pytest.mark.usefixtures("checked_here", "signals_restored")

CONFIG = TrainConfig(dataset="mnist", batch_size=30, epochs=2, momentum=0.9, device="cpu")


def source_member(members: dict[str, bytes]) -> str:
    return next(name for name in members if name.startswith("networks/"))


def replace_source(content: bytes) -> Change:
    return lambda members: members.update({source_member(members): content})


@pytest.fixture
def file(places: Path) -> Path:
    return write_network(places / "networks")


@pytest.fixture
def config(store: RunStore, file: Path) -> TrainConfig:
    return with_recorded_network(store, replace(CONFIG, model="tiny.py:Tiny"))


@pytest.fixture
def trained(store: RunStore, small_mnist: Dataset, config: TrainConfig) -> Run:
    return train_run(store, claimed_run(store, config))


def losses(store: RunStore, run: Run) -> list[float]:
    values: list[float] = store.queries.read_steps(run.id)["loss"].tolist()
    return values


def test_file_class_checksum_and_size_are_recorded_with_the_run(store: RunStore, trained: Run, file: Path) -> None:
    source = store.queries.find_network(trained.config.model)
    assert source == NetworkSource("tiny.py", TINY, str(file))
    assert trained.config.model == f"tiny.py:Tiny@{source.sha256[:12]}"
    assert trained.provenance is not None
    assert trained.provenance.network_checksum == source.sha256
    assert trained.provenance.parameters == TINY_PARAMETERS
    assert (trained.status, trained.notice) == (RunStatus.COMPLETED, "")


def test_a_built_in_network_has_no_source(store: RunStore, small_mnist: Dataset) -> None:
    run = train_run(store, claimed_run(store, replace(CONFIG, model="softmax")))
    assert store.queries.find_network("softmax") is None
    assert run.provenance is not None
    assert (run.provenance.network_checksum, run.provenance.parameters) == ("", 7850)


def test_a_run_with_dropout_repeats_to_the_bit_whatever_its_consumer_draws(
    store: RunStore, config: TrainConfig, few_digits: Dataset
) -> None:
    provide_network(store.queries, config.model)
    undisturbed = [timeless(event) for event in train(config, few_digits)]
    disturbed = []
    for number, event in enumerate(train(config, few_digits)):
        torch.manual_seed(number)
        drawn = torch.rand(3)
        disturbed.append(timeless(event))
        torch.manual_seed(number)
        assert torch.equal(torch.rand(3), drawn)
    assert disturbed == undisturbed
    other_seed = [timeless(event) for event in train(replace(config, seed=2), few_digits)]
    assert other_seed != undisturbed


def test_an_interrupted_run_resumes_to_the_bit_although_its_file_has_changed(
    store: RunStore, small_mnist: Dataset, config: TrainConfig, trained: Run, file: Path
) -> None:
    import os
    import signal

    stop = act_at_step(7, lambda: os.kill(os.getpid(), signal.SIGTERM))
    interrupted = train_run(store, claimed_run(store, config), stop)
    assert interrupted.status is RunStatus.INTERRUPTED
    file.write_text("raise RuntimeError('not this one')")
    resumed = resume(store, interrupted)
    assert resumed.status is RunStatus.COMPLETED
    assert losses(store, resumed) == losses(store, trained)
    assert resumed.notice == ("tiny.py has changed since; runs of this version use the recorded source.")


def test_a_run_is_continued_and_replayed_from_the_recorded_source(store: RunStore, trained: Run, file: Path) -> None:
    file.unlink()
    replayed = train_run(store, lineage.repeat(store, trained, trainer=own_identity()))
    assert losses(store, replayed) == losses(store, trained)
    more = lineage.with_more_epochs(trained, 1)
    continued = train_run(store, lineage.fork(store, trained, more, trainer=own_identity()))
    assert (continued.status, continued.progress.step) == (RunStatus.COMPLETED, 27)
    assert continued.notice == ("tiny.py is gone; runs of this version use the recorded source.")


def test_a_new_version_is_another_network(store: RunStore, trained: Run, file: Path) -> None:
    file.write_text(TINY.replace("16", "8"))
    changed = with_recorded_network(store, replace(CONFIG, model="tiny.py:Tiny"))
    assert changed.model != trained.config.model
    with pytest.raises(ConfigError, match="Network cannot be changed in a run that continues another"):
        lineage.fork(store, trained, replace(trained.config, model=changed.model, epochs=3))


def test_what_a_network_prints_stays_off_standard_output(
    store: RunStore, small_mnist: Dataset, places: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = with_forward("print('forward')", "return F.log_softmax(self.out(x), dim=1)")
    model = record_network(store, read_network_file(write_network(places / "loud", text)), "Tiny")
    run = train_run(store, claimed_run(store, replace(CONFIG, model=model)))
    assert run.status is RunStatus.COMPLETED
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("forward") > 18


def test_weights_are_exported_and_load_into_the_class(store: RunStore, trained: Run, tmp_path: Path) -> None:
    weights.write_state_dict(store.queries, trained, tmp_path / "tiny.pt")
    weights.write_safetensors(store.queries, trained, tmp_path / "tiny.safetensors")
    saved = torch.load(tmp_path / "tiny.pt", weights_only=True)
    assert {name: tuple(weight.shape) for name, weight in saved.items()} == {
        "hidden.weight": (16, 784),
        "hidden.bias": (16,),
        "out.weight": (10, 16),
        "out.bias": (10,),
    }


def test_tied_weights_are_exported(store: RunStore, small_mnist: Dataset, places: Path, tmp_path: Path) -> None:
    text = TINY.replace(
        "        self.out =",
        "        self.tied = nn.Linear(784, 16)\n        self.tied.weight = self.hidden.weight\n        self.out =",
    ).replace(
        "self.hidden(images.view(-1, 784))", "self.hidden(images.view(-1, 784)) + self.tied(images.view(-1, 784))"
    )
    model = record_network(store, tiny_source(text), "Tiny")
    run = train_run(store, claimed_run(store, replace(CONFIG, model=model)))
    weights.write_safetensors(store.queries, run, tmp_path / "tied.safetensors")
    assert (tmp_path / "tied.safetensors").stat().st_size > 2 * 16 * 784 * 4


# ---------------------------------------------------------------------- what is never run


@pytest.fixture
def imported(store: RunStore, trained: Run, tmp_path: Path) -> tuple[RunStore, Run]:
    """The run on another machine, whose store has its source from the archive alone."""
    archive.write_archive(store.queries, [trained], tmp_path / "runs.zip")
    other = RunStore.open(tmp_path / "elsewhere")
    (run,) = archive.import_archive(other, tmp_path / "runs.zip")
    return other, run


def test_an_imported_network_is_shown_and_never_run(
    imported: tuple[RunStore, Run], trained: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    other, run = imported
    source = other.queries.find_network(run.config.model)
    assert source == NetworkSource("tiny.py", TINY, "", is_own=False)
    assert run.provenance == trained.provenance
    refused = (
        r"The code of Tiny \(tiny.py, \w{8}\) came with an imported run, and such code is never run here. Read it "
        "under Details; if you trust it, save it as a file of your own and train that."
    )
    for act in (
        lambda: lineage.repeat(other, run),
        lambda: lineage.fork(other, run, lineage.with_more_epochs(run, 1)),
        lambda: lineage.repeat_with_new_seeds(other, run, 1),
        lambda: other.commands.create_run(run.config),
        lambda: provide_network(other.queries, run.config.model),
        lambda: weights.write_onnx(other.queries, run, tmp_path / "tiny.onnx"),
    ):
        with pytest.raises(ConfigError, match=refused):
            act()
    assert len(other.queries.list_runs()) == 1
    other.close()


def test_code_that_the_user_gives_here_becomes_the_users_own(imported: tuple[RunStore, Run]) -> None:
    other, run = imported
    other.commands.record_network(tiny_source())
    lineage.repeat(other, run)
    other.close()


def test_an_import_does_not_take_the_users_own_away(store: RunStore, trained: Run, tmp_path: Path) -> None:
    archive.write_archive(store.queries, [trained], tmp_path / "runs.zip")
    (run,) = archive.import_archive(store, tmp_path / "runs.zip")
    source = store.queries.find_network(run.config.model)
    assert source is not None
    assert source.is_own


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (replace_source(b"import os\n"), "the source of tiny.py does not have the checksum"),
        (replace_source(b"\xff"), "damaged"),
        (replace_source(b"#" * (MAX_SOURCE_BYTES + 1)), "unpacks to more than 200,000 bytes"),
        (set_field("run", "config", "model", value="tiny.py:Tiny@0123456789ab"), "it was made with another one"),
        (set_field("run", "config", "model", value="mlp"), "it was made with another one"),
        (set_field("run", "config", "model", value="../tiny.py:Tiny@0123456789ab"), "Network must be one of"),
        (set_field("run", "config", "model", value="tiny.py:Tiny"), "it was made with another one"),
        (set_field("run", "provenance", "network_checksum", value=""), "is no SHA-256 checksum"),
    ],
)
def test_a_forged_source_is_refused(
    store: RunStore, trained: Run, tmp_path: Path, change: Change, problem: str
) -> None:
    archive.write_archive(store.queries, [trained], tmp_path / "runs.zip")
    with pytest.raises(ImportRefusedError, match=problem):
        archive.import_archive(store, changed(tmp_path / "runs.zip", change))
    assert len(store.queries.list_runs()) == 1


def test_an_archive_without_the_source_is_imported(store: RunStore, trained: Run, tmp_path: Path) -> None:
    archive.write_archive(store.queries, [trained], tmp_path / "runs.zip")
    without = changed(tmp_path / "runs.zip", lambda members: members.pop(source_member(members)))
    other = RunStore.open(tmp_path / "elsewhere")
    (run,) = archive.import_archive(other, without)
    assert other.queries.find_network(run.config.model) is None
    with pytest.raises(ConfigError, match="is not recorded here"):
        lineage.repeat(other, run)
    other.close()


def test_a_run_whose_code_is_not_recorded_is_refused(store: RunStore) -> None:
    for model in ("tiny.py:Tiny", "tiny.py:Tiny@0123456789ab"):
        with pytest.raises(ConfigError, match=r"The code of Tiny \(tiny.py.*\) is not recorded here"):
            store.commands.create_run(replace(CONFIG, model=model))
    assert store.queries.list_runs() == []


def test_a_run_whose_code_is_no_longer_the_users_own_fails_with_a_sentence(
    store: RunStore, small_mnist: Dataset, config: TrainConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = claimed_run(store, config)
    with store._engine.begin() as connection:
        connection.exec_driver_sql("UPDATE networks SET is_own = 0")
    with pytest.raises(ConfigError, match="came with an imported run"):
        train_run(store, run)
    ended = store.queries.get_run(run.id)
    assert ended.status is RunStatus.FAILED
    assert "such code is never run here" in ended.reason
