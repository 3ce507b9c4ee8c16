"""Carries out the remedies that the training doctor offers, after checking that they still apply."""

from __future__ import annotations

from mnist_core.analysis.doctor.evidence import Evaluated, Evidence
from mnist_core.analysis.doctor.findings import Remedy
from mnist_core.analysis.doctor.sentence import Sentence, describe_run
from mnist_core.errors import RunStateError
from mnist_core.records import Command, Run
from mnist_core.runs.actions import RunActions
from mnist_core.runs.lineage import fork_points
from mnist_core.store.queries import Queries


def apply_remedy(actions: RunActions, queries: Queries, run: Run, remedy_id: str, by: str) -> Run | None:
    """Carry out the remedy `remedy_id` of a run, and return the new run to show, if that makes one.

    The run is examined again, so that two people who press the same button do not act twice. `by` names the sender in
    the change log. Raises `RunStateError` if the doctor no longer offers this remedy, and `MnistError` as the actions.
    """
    run = queries.get_run(run.id)
    sentence = examine(queries, run)
    if sentence is None or sentence.remedy is None or sentence.remedy.id != remedy_id:
        raise RunStateError(f"{run.name} has changed meanwhile: this remedy no longer applies.")
    return _carry_out(actions, run, sentence.remedy, by)


def examine(queries: Queries, run: Run) -> Sentence | None:
    """Return the sentence of a run, from everything that is stored of it. Takes up to a second for a long run."""
    steps = queries.read_steps(run.id)
    evidence = Evidence(
        run,
        steps["loss"],
        steps["accuracy"],
        steps["lr"],
        tuple(map(Evaluated.from_metrics, queries.list_evaluations(run.id))),
        checkpoint_steps(queries, run),
    )
    return describe_run(evidence)


def checkpoint_steps(queries: Queries, run: Run) -> tuple[int, ...]:
    """Return the checkpoints from which an ended run can be continued. No remedy needs them while it trains."""
    return tuple(fork_points(queries, run)) if run.status.is_finished else ()


def _carry_out(actions: RunActions, run: Run, remedy: Remedy, by: str) -> Run | None:
    if remedy.adjustment:
        actions.send_command(run.id, Command.ADJUST, remedy.adjustment, by=by)
        return None
    if remedy.id == "stop":
        actions.request_stop(run.id)
        return None
    assert remedy.config is not None, "every other remedy starts a run"
    if remedy.id == "train_again":
        return actions.submit(remedy.config)
    return actions.fork(run, remedy.config, remedy.step)
