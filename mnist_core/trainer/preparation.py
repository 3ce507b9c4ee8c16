"""Prepares a run for training: its network, its dataset, and where it starts, at step 0 or at a checkpoint."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial

import torch

from mnist_core.checkpoints import files
from mnist_core.checkpoints.format import Checkpoint
from mnist_core.checkpoints.index import checkpoints_dir
from mnist_core.checkpoints.ownership import check_checkpoint, recorded_checkpoints, set_aside_other_files
from mnist_core.checkpoints.recorded_networks import provide_network
from mnist_core.data.datasets import Dataset, load_dataset
from mnist_core.data.splits import split_training
from mnist_core.errors import CheckpointError, DatasetError, StoreLockedError
from mnist_core.network_names import OwnNetwork
from mnist_core.records import Adjustment, FileKind, NetworkSource, Run, RunStatus
from mnist_core.store import RunStore
from mnist_core.system.paths import display_path, runs_dir
from mnist_core.trainer.provenance import collect_provenance
from mnist_core.training.devices import choose_device
from mnist_core.training.epoch_ends import EVALUATIONS_PER_EPOCH
from mnist_core.training.networks.own.checking import check_network
from mnist_core.training.networks.own.files import describe_changes
from mnist_core.training.train_state import TrainState


def prepare(
    store: RunStore, run: Run, should_end: Callable[[], bool], data: Dataset | None = None
) -> tuple[Dataset, TrainState, Run] | None:
    """Return the data, the state to train from, and the run as it is recorded then; None if the run must end.

    `data` is its dataset if that is loaded already. Raises what `prepare_start` does, and `ConfigError` if the network
    may not be run here or the batch is larger than the training split.
    """
    source = _check_own_network(store, run)
    network_notice = describe_changes(source) if source else ""
    data = _load_data(store, run, should_end, data, notice=network_notice)
    if data is None:
        return None
    state, run = prepare_start(store, run, replace(data, notice=_join(data.notice, network_notice)))
    provenance = collect_provenance(
        run.config,
        data,
        device=run.device,
        threads=torch.get_num_threads(),
        network_checksum=source.sha256 if source else "",
        parameters=sum(parameter.numel() for parameter in state.model.parameters() if parameter.requires_grad),
    )
    store.trainer_writes.write_provenance(run, provenance, data.test.labels)
    return data, state, run


def _check_own_network(store: RunStore, run: Run) -> NetworkSource | None:
    """Let this process build the run's network. Returns its source if it is the user's own.

    Raises `ConfigError` if that may not be run here, or does not pass the check, which another process makes once.
    """
    source = provide_network(store.queries, run.config.model)
    if source and (network := OwnNetwork.parse(run.config.model)):
        check_network(source, network.class_name)
    return source


def _load_data(
    store: RunStore, run: Run, should_end: Callable[[], bool], data: Dataset | None, *, notice: str
) -> Dataset | None:
    """Load the dataset, unless `data` is it, with its progress as the run's notice; `notice` follows that of the data.

    Returns None if the run must end before it trains.
    """

    class CancelledError(Exception):
        pass

    def report_progress(notice: str) -> None:
        status = None
        with suppress(StoreLockedError):  # the next report may get through
            status = store.trainer_writes.set_notice(run, notice)
        if status is RunStatus.STOPPING or should_end():
            raise CancelledError

    try:
        data = data or load_dataset(run.config.dataset, runs_dir=runs_dir(), progress=report_progress)
    except CancelledError:
        return None
    config = run.config
    training, validation = split_training(data.train.labels, config.validation_fraction, config.train_fraction)
    run.config.check_fits(len(training))
    device = choose_device(run.config.device)
    status = store.trainer_writes.begin_training(
        run,
        dataset=data.name,
        notice=_join(data.notice, notice),
        train_images=len(training),
        validation_images=len(validation),
        test_images=len(data.test),
        device=device.type,
        threads=torch.get_num_threads(),
    )
    return None if status is RunStatus.STOPPING or should_end() else data


def _join(*sentences: str) -> str:
    return " ".join(filter(None, sentences))


def prepare_start(store: RunStore, run: Run, data: Dataset) -> tuple[TrainState, Run]:
    """Return the state to train from, and the run, rewound to it.

    The state comes from the latest checkpoint, which may be a copy from the run that this one continues. Without a
    checkpoint, training starts at step 0. The rewind deletes later metrics and plans later interventions again. A run
    that repeats or continues another uses its number of threads: only then are results identical to the last bit.
    Files in this run's places that are not its own are set aside, so that training overwrites none of them.
    Raises `DatasetError` if the checkpoint belongs to another dataset, and `CheckpointError` if none can be used.
    """
    saved, skipped = _load_latest_recorded(store, run)
    if saved is not None and saved.dataset != data.name:
        raise DatasetError(
            f"{run.name} was trained on {saved.dataset}, and the dataset here is {data.name}. "
            f"Put {saved.dataset} back into the data folder and resume the run."
        )
    skipped += [
        f"A file that this run did not save, or that has changed, is kept as {display_path(path)}."
        for path in set_aside_other_files(store.queries, run)
    ]
    if skipped:
        start = f"Continued from step {saved.state.step}" if saved else "Began again"
        store.trainer_writes.set_notice(
            run, " ".join([*([data.notice] if data.notice else []), *skipped, f"{start} instead."])
        )
    _remove_snapshots_after(store, run, saved.state.step if saved else 0)
    if saved is None:
        if run.parent_id is not None:
            torch.set_num_threads(store.queries.get_run(run.parent_id).threads or torch.get_num_threads())
        if run.attempt > 1:
            store.trainer_writes.rewind(run, 0, 0.0)
        return TrainState.initial(run.config), store.queries.get_run(run.id)
    torch.set_num_threads(saved.threads)
    store.trainer_writes.rewind(run, saved.state.step, saved.state.elapsed_seconds)
    run = store.queries.get_run(run.id)
    if saved.state.step == run.parent_step:
        saved.state.begin_as_new_run()
    for change in run.interventions:  # The checkpoint lacks changes made at its own step after it was saved.
        saved.state.adjust(Adjustment(**{change.field: change.new}))  # type: ignore[arg-type]
    return saved.state, run


def _remove_snapshots_after(store: RunStore, run: Run, step: int) -> None:
    """Remove the snapshots of steps that will be trained again; a run saves several between two checkpoints.

    The rewind forgets them, and then nothing would show whose they are.
    """
    for later, path in recorded_checkpoints(store.queries, run, FileKind.SNAPSHOT).items():
        if later > step:
            with suppress(OSError):
                path.unlink()


def _load_latest_recorded(store: RunStore, run: Run) -> tuple[Checkpoint | None, list[str]]:
    """Load the newest checkpoint that is intact and not ahead of the store.

    Returns it with a sentence on each checkpoint that was skipped. It is None if the run has none, or all are
    ahead of the store: the run then starts over. A power cut can lose the last commits to the database but not the
    checkpoint saved after them, and resuming from that would leave a gap in the metrics.
    Raises `CheckpointError` if no checkpoint can be used, and either one is damaged, which starting over would
    overwrite, or the run continues another one and so cannot start over.
    """
    recent, best = (recorded_checkpoints(store.queries, run, kind) for kind in (FileKind.STEP, FileKind.BEST))
    skipped: list[str] = []
    is_any_damaged = False
    for path in [*reversed(recent.values()), *best.values()]:
        try:
            saved = files.load(path, settings=run.config, check=partial(check_checkpoint, store.queries, run))
        except CheckpointError as error:
            is_any_damaged = True
            skipped.append(str(error).removesuffix(" Choose another checkpoint, or start the run again."))
            continue
        if _is_recorded(store, run, saved.state):
            return saved, skipped
        skipped.append(f"Checkpoint {display_path(path)} is ahead of what was recorded of the run.")
    if is_any_damaged:
        raise CheckpointError(
            f"No checkpoint in {display_path(checkpoints_dir(run))} can be used. {' '.join(skipped)} "
            "Start the run again as a new one."
        )
    if run.parent_step is not None:
        raise CheckpointError(
            f"{run.name} continues another run from step {run.parent_step}, and that checkpoint is gone. "
            "Continue the other run once more."
        )
    return None, skipped


def _is_recorded(store: RunStore, run: Run, state: TrainState) -> bool:
    """Whether the store has every step up to `state`, and the evaluations that would not be made again after it."""
    if state.step > store.queries.count_steps(run.id):
        return False
    evaluations = store.queries.list_evaluations(run.id)
    splits_at_step = {evaluation.split for evaluation in evaluations if evaluation.step == state.step}
    if state.tested and "test" not in splits_at_step:
        return False
    if state.validations == EVALUATIONS_PER_EPOCH and "validation" not in splits_at_step:
        return False
    validated_epochs = {evaluation.epoch for evaluation in evaluations if evaluation.split == "validation"}
    return not state.validations or state.epoch in validated_epochs
