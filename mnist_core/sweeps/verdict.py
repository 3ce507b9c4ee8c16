"""The verdict on a sweep: whether its winner is better than other settings, tested with seeds that no trial used."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from mnist_core.analysis.comparison.comparability import CompareError
from mnist_core.analysis.comparison.compare import compare_runs
from mnist_core.analysis.comparison.significance import holm
from mnist_core.analysis.comparison.verdict import Verdict, find_winner, format_p
from mnist_core.analysis.seed_groups import Summary, summarize
from mnist_core.config import TrainConfig
from mnist_core.formatting import format_percent
from mnist_core.records import Run, Sweep, Trial, TrialRole, TrialStatus
from mnist_core.store import RunStore
from mnist_core.sweeps.spec import FRESH_SEEDS, SweepSpec
from mnist_core.sweeps.trials.finals import final_trials
from mnist_core.sweeps.trials.results import ranked

OUTCOMES = {"a": "better than", "": "not clearly better than", "b": "worse than"}
"""Words for the winner of a comparison in which the winner of the sweep is A."""

RIVAL_NAMES = {TrialRole.BASELINE: "the defaults", TrialRole.COMPARED: "your settings"}


@dataclass(frozen=True)
class Rival:
    """Settings that the winner is compared with, and how that ended."""

    role: TrialRole
    runs: tuple[Run, ...]
    """Its runs with fresh seeds, tested; empty if that has not happened."""
    summary: Summary | None
    """Test accuracies of its runs, 0 to 1, with the 95 % interval of their mean."""
    comparison: Verdict | None
    """As if only these two had been compared. A is the winner of the sweep. None if they cannot be compared."""
    outcome: str
    """`better than`, `not clearly better than` or `worse than`; empty if the two cannot be compared."""
    words: str
    """`better than the defaults (95.10 %), p = 0.002`, or why they cannot be compared."""
    p_value: float | None = None
    """Corrected for the number of rivals (Holm), as of several pairs on Compare; None if there is no test."""

    @property
    def named(self) -> str:
        """`the defaults (95.10 %)`."""
        return RIVAL_NAMES[self.role] + (f" ({format_percent(self.summary.mean)})" if self.summary else "")


@dataclass(frozen=True)
class SweepVerdict:
    """The winner of a sweep, and how it did on the test images."""

    winner: Trial
    """The best trial of the search, chosen by validation alone."""
    runs: tuple[Run, ...]
    """The winner again, with fresh seeds and tested; empty if that has not happened."""
    summary: Summary | None
    """Test accuracies of these runs, 0 to 1, with the 95 % interval of their mean."""
    rivals: tuple[Rival, ...]
    sentence: str
    """How many digits it gets right, and what it is better than; empty if it has not been tested."""
    training: str = ""
    """How long all of them have trained: ` after 2 epochs on 10 % of the training images`."""
    same: str = ""
    """Which rivals the winner itself is, and so is not compared with: `these are your settings`; empty if none."""

    @property
    def short_sentence(self) -> str:
        """The sentence without interval, seeds and p, for where the numbers stand beside it."""
        if self.summary is None:
            return ""
        parts = [f"{format_percent(self.summary.mean)} of test digits right{self.training}"]
        named = {word: [rival.named for rival in self.rivals if rival.outcome == word] for word in OUTCOMES.values()}
        parts += [f"{outcome} {' and '.join(names)}" for outcome, names in named.items() if names]
        parts += [rival.words for rival in self.rivals if not rival.outcome]
        parts += [self.same] if self.same else []
        return "; ".join(parts) + "."


def conclude(store: RunStore, sweep: Sweep) -> SweepVerdict | None:
    """Return the verdict on a sweep as it is now; None if no trial has a result."""
    spec, trials = SweepSpec.of(sweep), store.sweeps.list_trials(sweep.id)
    best = ranked(spec, trials)
    if not best:
        return None
    winner = best[0]
    finals = {
        role: next((trial for trial in reversed(trials) if (trial.role, trial.values) == (role, values)), None)
        for role, values in final_trials(spec, winner.values)
    }
    own = _runs(store, finals.pop(TrialRole.WINNER))
    rivals = _judge(_compare(store, own, role, theirs) for role, theirs in finals.items())
    summary = _summarize(own)
    same = _same(spec, winner)
    sentence = _sentence(spec, summary, rivals, same) if summary else ""
    return SweepVerdict(winner, own, summary, rivals, sentence, _training(spec), same)


def _same(spec: SweepSpec, winner: Trial) -> str:
    """Say which of the settings that it had to beat the winner has."""
    seed = spec.first_seed
    config = spec.winner_config(winner.values, seed)
    roles = [TrialRole.BASELINE] if config == spec.baseline_config(seed) else []
    if spec.compare_with is not None and config == spec.compared_config(seed):
        roles.append(TrialRole.COMPARED)
    return f"these are {' and '.join(RIVAL_NAMES[role] for role in roles)}" if roles else ""


def _training(spec: SweepSpec) -> str:
    """Say how long winner and rivals train, which a person must know who trains longer; not if that is searched."""
    settings = {"epochs": TrainConfig.epochs, "train_fraction": TrainConfig.train_fraction} | dict(spec.fixed)
    epochs, fraction = settings["epochs"], settings["train_fraction"]
    if any(parameter.name == "epochs" for parameter in spec.parameters):
        return ""
    part = f" on {100 * fraction:.3g} % of the training images" if fraction < 1 else ""
    return f" after {epochs} epoch{'' if epochs == 1 else 's'}{part}"


def _compare(store: RunStore, own: Sequence[Run], role: TrialRole, trial: Trial | None) -> Rival:
    runs = _runs(store, trial)
    name, summary = RIVAL_NAMES[role], _summarize(runs)
    if trial and trial.status is TrialStatus.DIVERGED:
        return Rival(role, runs, summary, None, "", f"{name} cannot be tested: with them the training diverges")
    if trial and trial.status is TrialStatus.RUNNING:
        return Rival(role, runs, summary, None, "", f"{name} are being tested")
    if not own or summary is None:
        return Rival(role, runs, summary, None, "", f"{name} have not been tested")
    try:
        verdict = compare_runs(store.queries, [run.id for run in own], [run.id for run in runs])
    except CompareError as error:
        return Rival(role, runs, summary, None, "", f"not compared with {name}: {str(error).rstrip('.')}")
    return Rival(role, runs, summary, verdict, "", "")


def _judge(rivals: Iterable[Rival]) -> tuple[Rival, ...]:
    """Say of each rival that can be compared whether the winner is better. More comparisons make each p larger."""
    compared = list(rivals)
    comparisons = [rival.comparison for rival in compared if rival.comparison]
    tested = [comparison.p_value for comparison in comparisons if comparison.p_value is not None]
    corrected = iter(holm(tested))
    judged = []
    for rival in compared:
        if rival.comparison is None:
            judged.append(rival)
            continue
        p = None if rival.comparison.p_value is None else next(corrected)
        outcome = OUTCOMES[find_winner(rival.comparison.difference, p)]
        words = f"{outcome} {rival.named}{_p(p, rival.comparison.smallest_p * max(len(tested), 1))}"
        judged.append(replace(rival, outcome=outcome, words=words, p_value=p))
    return tuple(judged)


def _p(p: float | None, smallest_p: float) -> str:
    """Return how sure a verdict is, as it follows its words."""
    if p is None:
        return ": too few seeds to tell"
    text = format_p(p, smallest_p)
    return f", p {text}" if text.startswith("below") else f", p = {text}"


def _sentence(spec: SweepSpec, summary: Summary, rivals: Sequence[Rival], same: str) -> str:
    right = f"{format_percent(summary.mean)} of test digits right{_training(spec)} ({summary.count} seeds)"
    if summary.low is not None and summary.high is not None:
        right += f", 95 % interval {format_percent(summary.low)} to {format_percent(min(summary.high, 1.0))}"
    parts = [right, *(rival.words for rival in rivals)]
    if sum(rival.p_value is not None for rival in rivals) > 1:
        parts.append("each p is corrected for two comparisons")
    parts += [same] if same else []
    return "; ".join(parts) + "."


def _summarize(runs: Sequence[Run]) -> Summary | None:
    """Return the test accuracies of runs with fresh seeds; None unless all of them were tested."""
    accuracies = [run.results.test_accuracy for run in runs if run.results.test_accuracy is not None]
    if len(accuracies) < FRESH_SEEDS:
        return None
    return summarize(accuracies, resolution=1 / (runs[0].test_images or 1))


def _runs(store: RunStore, trial: Trial | None) -> tuple[Run, ...]:
    """Return the runs of a trial, if it has completed."""
    if trial is None or trial.status is not TrialStatus.COMPLETED:
        return ()
    return tuple(store.sweeps.list_runs(trial.sweep_id, [trial.number]))
