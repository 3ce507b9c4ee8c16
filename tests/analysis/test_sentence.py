"""The one sentence of a run: a fault, else a finding of the doctor, else the result, else the progress."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from mnist_core.analysis.doctor import Evaluated, Evidence
from mnist_core.analysis.doctor.evidence import Earlier
from mnist_core.analysis.doctor.sentence import Sentence, describe_run, hardest_cell
from mnist_core.config import TrainConfig
from mnist_core.records import Confusion, Progress, Run, RunStatus

RUN = Run(
    id=7,
    name="run-7",
    status=RunStatus.COMPLETED,
    config=TrainConfig(epochs=2),
    attempt=1,
    created_at=datetime(2026, 1, 1, tzinfo=UTC),
    started_at=datetime(2026, 1, 1, tzinfo=UTC),
    dataset="MNIST",
    train_images=54_000,
    validation_images=6_000,
    test_images=10_000,
    total_steps=1_688,
    progress=Progress(step=1_688),
)


def confusion(*mistakes: tuple[int, int, int]) -> Confusion:
    counts = np.diag(np.full(10, 980))
    for true, predicted, count in mistakes:
        counts[true, predicted] = count
    return tuple(map(tuple, counts.tolist()))


TEST = Evaluated(1_688, 2, "test", 0.05, 0.9831, confusion((5, 3, 21), (9, 4, 20)))
VALIDATIONS = (
    Evaluated(422, 1, "validation", 0.2, 0.95),
    Evaluated(844, 1, "validation", 0.1, 0.9742),
)


def sentence(
    *evaluations: Evaluated, checkpoints: tuple[int, ...] = (), after: str | None = None, **fields: Any
) -> str:
    described = describe(*evaluations, checkpoints=checkpoints, after=after, **fields)
    return described.text if described else ""


def describe(
    *evaluations: Evaluated, checkpoints: tuple[int, ...] = (), after: str | None = None, **fields: Any
) -> Sentence | None:
    evidence = Evidence(replace(RUN, **fields), evaluations=evaluations, checkpoints=checkpoints)
    return describe_run(evidence, after)


def test_a_finished_run_says_how_many_unseen_digits_are_right_and_which_are_hardest() -> None:
    described = describe(*VALIDATIONS, TEST)
    assert described == Sentence(
        "98.31\u202f% of 10\u202f000 unseen digits right. Hardest: 5 read as 3 (21).", "result", cell=(5, 3)
    )
    assert described.to_json() == {"text": described.text, "tone": "result", "remedy": None, "cell": [5, 3]}


def test_images_that_are_no_digits_are_called_images() -> None:
    assert sentence(TEST, dataset="Fashion-MNIST").startswith("98.31\u202f% of 10\u202f000 unseen images right.")


def test_a_test_whose_matrix_was_not_recorded_names_no_mistake() -> None:
    assert sentence(replace(TEST, confusion=((0,) * 10,) * 10)) == "98.31\u202f% of 10\u202f000 unseen digits right."
    assert hardest_cell(replace(TEST, confusion=confusion())) is None


@pytest.mark.parametrize(
    ("fields", "text", "tone"),
    [
        ({"status": RunStatus.FAILED, "reason": "Out of memory."}, "Out of memory.", "fault"),
        ({"status": RunStatus.INTERRUPTED, "reason": "The server was closed."}, "The server was closed.", "fault"),
        ({"damage": "Its steps cannot be read."}, "Its steps cannot be read.", "fault"),
        ({"status": RunStatus.PREPARING, "notice": "Downloading MNIST: 40 %."}, "Downloading MNIST: 40 %.", "progress"),
        ({"status": RunStatus.PREPARING}, "Loading the dataset.", "progress"),
        ({"status": RunStatus.STOPPING}, "Stopping after the current batch.", "progress"),
        ({"status": RunStatus.QUEUED}, "Starts next.", "progress"),
        (
            {"status": RunStatus.STOPPED, "progress": Progress(), "started_at": None},
            "Removed from the queue.",
            "progress",
        ),
        ({"status": RunStatus.STOPPED, "progress": Progress()}, "Stopped before the first batch.", "progress"),
    ],
)
def test_a_state_has_its_sentence(fields: dict[str, Any], text: str, tone: str) -> None:
    described = describe(**fields)
    assert described
    assert (described.text, described.tone) == (text, tone)


def test_an_interrupted_run_leaves_resuming_to_the_actions_on_it() -> None:
    described = describe(status=RunStatus.INTERRUPTED)
    assert described
    assert described.to_json()["remedy"] is None


def test_a_queued_run_says_what_it_waits_for() -> None:
    assert sentence(status=RunStatus.QUEUED, after="run-6") == "Waiting for run-6 to finish."


def test_a_running_run_says_how_well_it_does_and_before_that_when_it_will_be_known() -> None:
    running: dict[str, Any] = {"status": RunStatus.RUNNING, "progress": Progress(step=900)}
    assert sentence(**running) == "Training. The first evaluation comes at step 422."
    assert sentence(*VALIDATIONS, **running) == "Learning steadily: 97.42\u202f% of the validation images right."
    assert sentence(*reversed(VALIDATIONS), **running) == "Learning: 95.00\u202f% of the validation images right."
    poor = Evaluated(422, 1, "validation", 2.2, 0.21)
    assert sentence(poor, **running) == "Learning: 21.00\u202f% of the validation images right."
    paused = running | {"status": RunStatus.PAUSED}
    assert sentence(*VALIDATIONS, **paused) == "Paused at step 900: 97.42\u202f% of the validation images right."


@pytest.mark.parametrize(
    ("accuracy", "lead"),
    [
        (0.9798, "0.56 points behind run-6 at this step"),
        (0.97, "0.42 points ahead of run-6 at this step"),
        (0.9742, "as many as run-6 at this step"),
    ],
)
def test_a_running_run_is_compared_with_the_one_before_it_at_the_same_step(accuracy: float, lead: str) -> None:
    running = replace(RUN, status=RunStatus.RUNNING, progress=Progress(step=900))
    earlier = Earlier("run-6", (Evaluated(844, 1, "validation", 0.1, accuracy), Evaluated(844, 1, "test", 0.1, 0.5)))
    described = describe_run(Evidence(running, evaluations=VALIDATIONS, earlier=earlier))
    assert described
    assert described.text == f"Learning steadily: 97.42\u202f% of the validation images right, {lead}."
    elsewhere = Earlier("run-6", (Evaluated(843, 1, "validation", 0.1, accuracy),))
    described = describe_run(Evidence(running, evaluations=VALIDATIONS, earlier=elsewhere))
    assert described
    assert "run-6" not in described.text


def test_without_validation_the_first_evaluation_is_the_test_after_an_epoch() -> None:
    classic: dict[str, Any] = {
        "config": TrainConfig(validation_fraction=0),
        "validation_images": 0,
        "train_images": 60_000,
    }
    running: dict[str, Any] = {"status": RunStatus.RUNNING, **classic}
    assert sentence(**running) == "Training. The first evaluation comes at step 938."
    assert sentence(TEST, **running) == "Learning steadily: 98.31\u202f% of 10\u202f000 unseen digits right."


def test_a_run_that_early_stopping_ended_says_where_after_its_result() -> None:
    reason = (
        "Stopped at step 900: validation loss had not improved for 2 evaluations. The weights are those of step 844."
    )
    stopped: dict[str, Any] = {"reason": reason, "config": TrainConfig(patience=2)}
    assert sentence(TEST, **stopped) == f"98.31\u202f% of 10\u202f000 unseen digits right. {reason}"


def test_a_run_that_skips_its_test_says_so() -> None:
    skipped: dict[str, Any] = {"config": TrainConfig(skip_test=True)}
    right = "97.42\u202f% of the validation images right. Not tested, as its settings ask."
    assert sentence(*VALIDATIONS, **skipped) == right
    assert describe(**skipped) is None


def test_a_stopped_run_was_not_tested_and_can_be_continued_to_its_planned_end() -> None:
    stopped: dict[str, Any] = {"status": RunStatus.STOPPED, "progress": Progress(step=900)}
    described = describe(*VALIDATIONS, checkpoints=(422, 900), **stopped)
    assert described
    assert described.text == (
        "97.42\u202f% of the validation images right. Not tested yet: stopped at step 900 of 1\u202f688."
    )
    assert described.remedy
    assert (described.remedy.id, described.remedy.label) == ("finish", "Continue to the planned end")
    assert described.remedy.config == RUN.config
    without = describe(*VALIDATIONS, **stopped)
    assert without
    assert without.remedy is None
    assert sentence(**stopped) == "Stopped at step 900 of 1\u202f688, before the first evaluation."


def test_results_that_were_imported_say_so() -> None:
    assert sentence(TEST, unverified=True).endswith(" Imported, and not checked here.")


def test_a_finding_comes_before_the_result_and_with_it() -> None:
    losses = np.linspace(2.3, 0.2, 1_688)
    validations = [Evaluated(844, 1, "validation", 0.4, 0.88), Evaluated(1_688, 2, "validation", 0.3, 0.92)]
    evidence = Evidence(RUN, losses, 1 - losses / 3, np.full(1_688, 0.01), (*validations, TEST), (1_688,))
    described = describe_run(evidence)
    assert described
    assert (described.tone, described.text) == (
        "doctor",
        "98.31\u202f% of 10\u202f000 unseen digits right; still improving at the end, by 4.0 points in the last epoch.",
    )
    assert described.remedy
    assert described.remedy.label == "Continue for 2 epochs"


def test_the_gain_of_a_run_of_one_epoch_is_dated_by_the_evaluation_it_is_measured_from() -> None:
    run = replace(RUN, config=replace(RUN.config, epochs=1), progress=Progress(step=844, epoch=1))
    losses = np.linspace(2.3, 0.2, 844)
    validations = (Evaluated(422, 1, "validation", 0.8, 0.75), Evaluated(844, 1, "validation", 0.3, 0.895))
    described = describe_run(Evidence(run, losses, 1 - losses / 3, np.full(844, 0.01), (*validations, TEST), (844,)))
    assert described
    assert described.text.endswith("; still improving at the end, by 14.5 points since step 422.")


def test_a_diverged_run_is_a_fault() -> None:
    losses = np.array([*np.full(40, 0.4), np.nan])
    diverged = replace(RUN, status=RunStatus.DIVERGED, progress=Progress(step=41), config=TrainConfig(lr=0.9))
    described = describe_run(Evidence(diverged, losses, np.full(41, 0.9), np.full(41, 0.9)))
    assert described
    assert (described.tone, described.text) == (
        "fault",
        "Loss became NaN at step 41: the learning rate 0.9 is too high.",
    )
