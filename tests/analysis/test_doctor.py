"""The training doctor, on recorded curves of real runs and on made ones.

`benchmarks/statistics/doctor.py --record` recorded the curves; without flags it prints what the doctor says of each.
"""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from benchmarks.statistics import recorded_runs
from benchmarks.statistics.recorded_runs import HEALTHY, SICK
from mnist_core.analysis.doctor import Evidence, Finding, diagnose
from mnist_core.config import TrainConfig
from mnist_core.records import Adjustment, Intervention, Progress, Run, RunStatus

RECORDED = recorded_runs.read(Path(__file__).with_name("recorded_runs.npz"))
MOMENTS = 40
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def findings(name: str) -> list[Finding]:
    """What the doctor says of a recorded run at many moments and at its end, which comes last."""
    run = RECORDED[name]
    moments = [*range(1, run.steps, max(1, run.steps // MOMENTS)), None]
    return [finding for steps in moments if (finding := diagnose(run.evidence(steps)))]


def evidence(
    losses: np.ndarray, status: RunStatus = RunStatus.RUNNING, config: TrainConfig | None = None, **fields: object
) -> Evidence:
    config = config or TrainConfig(lr=0.1, momentum=0.9, epochs=1)
    run = Run(
        id=1,
        name="run-1",
        status=status,
        config=config,
        attempt=1,
        created_at=NOW,
        train_images=54_000,
        validation_images=6_000,
        total_steps=844,
        progress=Progress(step=len(losses)),
    )
    accuracies = np.where(losses < 1, 0.9, 0.1)
    checkpoints = fields.pop("checkpoints", ())
    return Evidence(
        replace(run, **fields),  # type: ignore[arg-type]
        losses,
        accuracies,
        np.full(len(losses), config.lr),
        checkpoints=checkpoints,  # type: ignore[arg-type]
    )


def test_the_recorded_runs_are_those_of_the_catalogue() -> None:
    assert len(HEALTHY) >= 30
    assert len(SICK) >= 12
    assert {name: run.config for name, run in RECORDED.items()} == HEALTHY | {
        name: sick.config for name, sick in SICK.items()
    }


@pytest.mark.parametrize("name", HEALTHY)
def test_it_is_silent_on_a_healthy_run_at_every_moment(name: str) -> None:
    assert findings(name) == []


@pytest.mark.parametrize("name", SICK)
def test_it_names_the_fault_of_a_sick_run(name: str) -> None:
    rules = {finding.rule for finding in findings(name)}
    assert SICK[name].rules[0] in rules
    assert rules <= set(SICK[name].rules)


@pytest.mark.parametrize("name", SICK)
def test_every_finding_is_a_sentence_with_at_most_one_short_remedy(name: str) -> None:
    for finding in findings(name):
        assert finding.text.endswith(".")
        assert len(finding.text) < 150
        assert finding.remedy is None or 0 < len(finding.remedy.label) < 50


@pytest.mark.parametrize("rule", ["overfitting", "plateau"])
def test_what_early_stopping_sees_to_is_no_finding(rule: str) -> None:
    names = [name for name in SICK if rule in {finding.rule for finding in findings(name)}]
    assert names
    for name in names:
        for steps in range(1, RECORDED[name].steps, RECORDED[name].steps // MOMENTS):
            found = RECORDED[name].evidence(steps)
            patient = replace(found, run=replace(found.run, config=replace(found.run.config, patience=9)))
            assert (finding := diagnose(patient)) is None or finding.rule != rule


def test_it_names_every_setting_at_fault() -> None:
    found = diagnose(RECORDED["lr 1, weight decay 0.1"].evidence())
    assert found
    assert "the learning rate 1 with momentum 0.99 and weight decay 0.1 is too high" in found.text
    assert found.remedy
    assert found.remedy.config
    assert (found.remedy.config.momentum, found.remedy.config.weight_decay) == (0.9, 0)


def test_a_run_that_was_broken_by_a_change_starts_again_from_before_it() -> None:
    run = RECORDED["raised to lr 1"]
    found = diagnose(run.evidence())
    assert found
    assert found.remedy
    assert (found.remedy.id, found.remedy.step) == ("restart", 112)
    change = run.interventions[0].step
    assert 112 <= change < min(step for step in run.evidence().checkpoints if step > 112 or step == run.steps) + 40


def test_it_offers_no_checkpoint_whose_loss_is_bad() -> None:
    losses = np.concatenate([np.linspace(2.3, 0.3, 200), np.full(200, 0.3), np.full(100, 9.0), [np.nan]])
    offered = diagnose(evidence(losses, RunStatus.DIVERGED, checkpoints=(150, 380, 420, 490)))
    assert offered
    assert offered.remedy
    assert (offered.remedy.step, offered.remedy.label) == (380, "Start again from step 380 at a tenth of the rate")
    for bad in ((420, 490), (40,), ()):
        again = diagnose(evidence(losses, RunStatus.DIVERGED, checkpoints=bad))
        assert again
        assert again.remedy
        assert (again.remedy.id, again.remedy.label) == ("train_again", "Train again at 0.01")


def test_a_checkpoint_just_after_the_first_bad_update_is_not_offered() -> None:
    losses = np.concatenate([np.linspace(2.3, 0.3, 200), np.full(200, 0.3), np.full(100, 9.0), [np.nan]])
    found = diagnose(evidence(losses, RunStatus.DIVERGED, checkpoints=(200, 400)))
    assert found
    assert found.remedy
    assert found.remedy.step == 200


def test_a_rising_loss_is_halved_and_the_change_gets_time_to_help() -> None:
    losses = np.concatenate([np.linspace(2.3, 0.3, 200), np.full(40, 4.0)])
    found = diagnose(evidence(losses))
    assert found
    assert (found.rule, found.text) == (
        "diverging",
        "Loss jumps to 4.00: the learning rate 0.1 with momentum 0.9 is too high.",
    )
    assert found.remedy
    assert (found.remedy.label, found.remedy.adjustment) == ("Halve it now", Adjustment(lr=0.05))
    halved = Intervention(240, "lr", 0.1, 0.05, NOW, "page")
    assert diagnose(evidence(losses, interventions=(halved,))) is None
    still = evidence(np.concatenate([losses, np.full(60, 4.0)]), interventions=(halved,))
    again = diagnose(still)
    assert again
    assert again.remedy
    assert again.remedy.adjustment == Adjustment(lr=0.025)


def test_extreme_momentum_is_lowered_with_the_rate() -> None:
    config = TrainConfig(lr=0.5, momentum=0.99)
    found = diagnose(evidence(np.full(60, 9.0), config=config))
    assert found
    assert found.remedy
    assert (found.remedy.label, found.remedy.adjustment) == (
        "Halve it, with momentum 0.9",
        Adjustment(lr=0.25, momentum=0.9),
    )


def test_at_the_lowest_rate_nothing_lower_is_offered() -> None:
    found = diagnose(evidence(np.full(60, 9.0), config=TrainConfig(lr=0.0001, momentum=0)))
    assert found
    assert found.remedy is None


def test_a_rate_that_is_too_low_is_raised_in_proportion_to_the_momentum() -> None:
    losses = np.linspace(2.31, 2.29, 300)
    remedies = []
    for momentum in (0.0, 0.9):
        found = diagnose(evidence(losses, config=TrainConfig(lr=0.0001, momentum=momentum)))
        assert found
        assert found.text == "Still at chance after 300 steps: the learning rate 0.0001 is too low."
        assert found.remedy
        remedies.append(found.remedy.adjustment)
    assert remedies == [Adjustment(lr=0.02), Adjustment(lr=0.002)]


def test_settings_that_no_longer_fit_together_are_no_obstacle() -> None:
    config = TrainConfig(optimizer="nesterov", lr=0.5, momentum=0.9)
    slowed = Intervention(10, "momentum", 0.9, 0.0, NOW, "page")
    assert diagnose(evidence(np.full(100, 9.0), config=config, interventions=(slowed,)))


@pytest.mark.parametrize("steps", [0, 1, 7, 30])
def test_a_run_that_has_just_begun_has_no_finding(steps: int) -> None:
    assert diagnose(evidence(np.full(steps, 2.4))) is None


def test_infinite_losses_before_the_end_are_no_obstacle() -> None:
    found = diagnose(evidence(np.concatenate([np.full(100, 0.5), np.full(60, np.inf)])))
    assert found
    assert found.text.startswith("Loss jumps to infinity")
