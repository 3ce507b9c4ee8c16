"""Which of two runs, or of two groups of seeds, is better, and what cannot be compared."""

import re
from collections.abc import Sequence
from dataclasses import replace

import pytest

from mnist_core.analysis.comparability import CompareError
from mnist_core.analysis.compare import compare_runs
from mnist_core.analysis.importance import setting_importance
from mnist_core.analysis.seed_groups import group_by_seed
from mnist_core.analysis.verdict import Verdict
from mnist_core.config import TrainConfig
from mnist_core.records import Intervention, Run, RunStatus
from mnist_core.store import RunStore
from tests.support.factories import PROVENANCE, finished_run

SLOW, FAST = 0.01, 0.1


def seeds(store: RunStore, lr: float, rights: Sequence[int], first: int = 1) -> list[int]:
    """Return the ids of finished runs that differ only in seed, each right about this many of 1,000 images."""
    runs = [
        finished_run(store, TrainConfig(lr=lr, seed=first + number), right=range(right))
        for number, right in enumerate(rights)
    ]
    return [run.id for run in runs]


def details(verdict: Verdict) -> dict[str, str]:
    return {detail.label: detail.value for detail in verdict.details}


# One run against one


def test_the_run_that_gets_more_of_the_same_images_right_is_better(store: RunStore) -> None:
    good = finished_run(store, name="good", right=range(950))
    bad = finished_run(store, name="bad", right=range(900))
    verdict = compare_runs(store.queries, [good.id], [bad.id])
    assert verdict.winner == "a"
    assert verdict.sentence.startswith(
        "good is better than bad: it is right about 95.00 % against 90.00 % of 1,000 test"
    )
    assert verdict.difference == pytest.approx(0.05)
    assert 0.03 < verdict.low < 0.05 < verdict.high < 0.07
    assert verdict.sentence.endswith("one as large less than once in 1,000,000 times (p below 0.000001).")
    assert details(verdict)["Only good is right"] == "50"
    assert details(verdict)["good minus bad, 95 % interval"].startswith("+5.00 points (+")
    assert details(verdict)["Both right / both wrong"] == "900 / 50"
    mirrored = compare_runs(store.queries, [bad.id], [good.id])
    assert (mirrored.winner, mirrored.p_value, mirrored.difference) == ("b", verdict.p_value, -verdict.difference)
    assert mirrored.sentence.startswith("good is better than bad")
    assert "a difference of +5.00 points (+" in verdict.sentence
    assert "a difference of +5.00 points (+" in mirrored.sentence


def test_a_difference_that_chance_explains_gives_no_winner(store: RunStore) -> None:
    a = finished_run(store, name="a", right=range(905))
    b = finished_run(store, name="b", right=[*range(880), *range(905, 926)])
    verdict = compare_runs(store.queries, [a.id], [b.id])
    assert verdict.winner == ""
    assert verdict.sentence.startswith(
        "It cannot be told which is better: a is right about 90.50 % and b about 90.10 %"
    )
    assert verdict.sentence.endswith("one as large 66 times in 100 (p = 0.66).")
    assert verdict.p_value == pytest.approx(0.659, abs=0.001)  # 25 against 21, exact
    assert verdict.low < 0 < verdict.high


def test_equal_predictions_make_no_difference(store: RunStore) -> None:
    a, b = finished_run(store), finished_run(store, TrainConfig(lr=FAST))
    verdict = compare_runs(store.queries, [a.id], [b.id])
    assert (verdict.p_value, verdict.low, verdict.high) == (1, 0, 0)
    assert "nearly always" in verdict.sentence


def test_comparing_one_seed_each_warns_that_settings_are_not_compared(store: RunStore) -> None:
    a, b = finished_run(store), finished_run(store, TrainConfig(lr=FAST))
    assert any("several seeds of each" in warning for warning in compare_runs(store.queries, [a.id], [b.id]).warnings)


def test_the_last_test_counts(store: RunStore) -> None:
    """Without validation images the test set is evaluated after every epoch."""
    runs = [finished_run(store, TrainConfig(validation_fraction=0, lr=lr), validation=None) for lr in (SLOW, FAST)]
    verdict = compare_runs(store.queries, [runs[0].id], [runs[1].id])
    assert any(warning.startswith("run-1 and run-2 trained without validation images") for warning in verdict.warnings)


# Seeds against seeds


def test_seeds_are_paired_and_the_better_settings_are_named(store: RunStore) -> None:
    a = seeds(store, FAST, [950, 952, 949, 955])
    b = seeds(store, SLOW, [930, 933, 931, 934])
    verdict = compare_runs(store.queries, a, b)
    assert verdict.winner == "a"
    assert verdict.sentence.startswith(
        "run-1 (4 seeds) is better than run-5 (4 seeds): it is right about 95.15 % against"
    )
    assert "on average of 4 and 4 seeds" in verdict.sentence
    assert details(verdict)["Seeds"] == "4 and 4"
    assert not verdict.warnings


def test_with_too_few_seeds_the_verdict_says_how_many_are_needed(store: RunStore) -> None:
    verdict = compare_runs(store.queries, seeds(store, FAST, [940, 960]), seeds(store, SLOW, [939, 941]))
    assert verdict.winner == ""
    assert verdict.seeds_needed is not None
    assert f"about {verdict.seeds_needed} seeds of each would tell" in verdict.sentence
    assert details(verdict)["Seeds needed to tell"] == str(verdict.seeds_needed)


def test_six_pairs_are_also_compared_by_rank(store: RunStore) -> None:
    a = seeds(store, FAST, [950, 951, 952, 953, 954, 955])
    b = seeds(store, SLOW, [940, 942, 944, 941, 943, 945])
    assert details(compare_runs(store.queries, a, b))["p, without assuming a normal distribution"] == "0.031"


def test_seeds_that_only_one_side_has_are_left_out_with_a_warning(store: RunStore) -> None:
    a, b = seeds(store, FAST, [950, 951, 953]), seeds(store, SLOW, [940, 942], first=2)
    verdict = compare_runs(store.queries, a, b)
    assert details(verdict)["Seeds"] == "2 and 2"
    assert any("Only the 2 seeds that both have are compared; 1 runs" in warning for warning in verdict.warnings)


def test_different_seeds_are_compared_without_pairing(store: RunStore) -> None:
    verdict = compare_runs(store.queries, seeds(store, FAST, [950, 951, 953]), seeds(store, SLOW, [900, 904], first=7))
    assert verdict.winner == "a"
    assert any("Welch" in detail.help for detail in verdict.details)


# Refused


def test_runs_of_different_datasets_are_refused(store: RunStore) -> None:
    a, b = finished_run(store), finished_run(store, dataset="Fashion-MNIST")
    with pytest.raises(CompareError, match=r"run-1 learned MNIST and run-2 Fashion-MNIST: .* Choose runs of one"):
        compare_runs(store.queries, [a.id], [b.id])


def test_runs_of_different_test_sets_are_refused(store: RunStore) -> None:
    a = finished_run(store)
    b = finished_run(store, provenance=replace(PROVENANCE, test_checksum="f" * 64))
    with pytest.raises(CompareError, match="were tested on different images, although both sets are called MNIST"):
        compare_runs(store.queries, [a.id], [b.id])


def test_runs_without_a_record_of_their_test_set_are_refused(store: RunStore) -> None:
    a, b = finished_run(store), finished_run(store, provenance=None)
    for pair in ([a.id], [b.id]), ([b.id], [a.id]):
        with pytest.raises(CompareError, match="run-2 was recorded before runs kept which images"):
            compare_runs(store.queries, *pair)


def test_a_run_that_has_not_ended_is_refused(store: RunStore) -> None:
    a, b = finished_run(store), finished_run(store, status=RunStatus.INTERRUPTED)
    with pytest.raises(CompareError, match=re.escape("run-2 is interrupted and has no final test result.")):
        compare_runs(store.queries, [a.id], [b.id])


def test_invalid_groups_are_refused(store: RunStore) -> None:
    a, b = seeds(store, FAST, [950, 951]), seeds(store, SLOW, [940])
    with pytest.raises(CompareError, match="differ in more than their seed"):
        compare_runs(store.queries, [a[0], b[0]], [a[1]])
    with pytest.raises(CompareError, match=r"run-3 is one run and run-1 \(2 seeds\) several"):
        compare_runs(store.queries, a, b)
    with pytest.raises(CompareError, match="cannot be compared with itself"):
        compare_runs(store.queries, a, [a[1]])
    with pytest.raises(CompareError, match="nothing to compare"):
        compare_runs(store.queries, a, [])
    twin = finished_run(store, TrainConfig(lr=SLOW))
    with pytest.raises(CompareError, match="have the same seed"):
        compare_runs(store.queries, a, [b[0], twin.id])


def test_a_run_that_was_stopped_early_is_compared_with_a_warning(store: RunStore) -> None:
    a, b = finished_run(store), finished_run(store, TrainConfig(lr=FAST), status=RunStatus.STOPPED)
    assert "run-2 did not train to the end." in compare_runs(store.queries, [a.id], [b.id]).warnings


# Groups of seeds


def test_runs_that_differ_only_in_seed_are_one_group(store: RunStore) -> None:
    seeds(store, FAST, [950, 952])
    alone = finished_run(store, dataset="KMNIST")
    group, single = group_by_seed(reversed(store.queries.list_runs()))
    assert ([run.id for run in group.runs], group.name) == ([1, 2], "run-1 and 1 more seed")
    accuracy = group.metrics["test_accuracy"]
    assert accuracy.count == 2
    assert accuracy.mean == pytest.approx(0.951)
    assert accuracy.sd == pytest.approx(0.002 / 2**0.5)
    assert accuracy.low == pytest.approx(0.951 - 12.7062 * 0.001, abs=1e-6)  # t of one degree of freedom
    assert (single.runs, single.metrics["test_accuracy"].low) == ((alone,), None)


def test_a_seed_that_was_trained_twice_counts_once(store: RunStore) -> None:
    """A rerun repeats the first result exactly, so counting it would narrow the interval."""
    seeds(store, FAST, [950, 952])
    before = group_by_seed(store.queries.list_runs())[0]
    seeds(store, FAST, [950])
    (group,) = group_by_seed(store.queries.list_runs())
    assert len(group.runs) == 3
    assert (group.metrics, group.name) == (before.metrics, before.name)


def test_runs_that_were_steered_differently_are_separate_groups(store: RunStore) -> None:
    run = finished_run(store)
    steered = replace(
        run, id=2, interventions=(Intervention(3, "lr", 0.01, 0.1, run.created_at, "page"),), config=TrainConfig(seed=2)
    )
    assert len(group_by_seed([run, steered])) == 2
    again = replace(steered, id=3, config=TrainConfig(seed=3))
    assert len(group_by_seed([run, steered, again])) == 2


# Importance


def search(store: RunStore, count: int) -> list[Run]:
    """Runs whose accuracy depends on the learning rate and hardly on the momentum."""
    settings = [(lr, momentum) for lr in (0.001, 0.01, 0.03, 0.1) for momentum in (0.0, 0.5, 0.9)][:count]
    return [
        finished_run(
            store,
            TrainConfig(lr=lr, momentum=momentum, seed=number),
            right=range(round(600 + 3000 * lr + momentum)),
        )
        for number, (lr, momentum) in enumerate(settings)
    ]


@pytest.mark.fault
def test_the_setting_that_matters_most_is_the_most_important(store: RunStore) -> None:
    first, second = setting_importance(search(store, 12), "test_accuracy")
    assert (first.name, first.label, second.name) == ("lr", "Learning rate", "momentum")
    assert first.share > 0.9
    assert first.share + second.share == pytest.approx(1)
    assert setting_importance(store.queries.list_runs(), "test_accuracy") == (first, second)


@pytest.mark.parametrize(
    ("count", "metric", "message"),
    [
        (9, "test_accuracy", "at least 10 runs with a test accuracy, got 9"),
        (12, "beauty", "There is no metric 'beauty'. Choose one of test_accuracy"),
    ],
)
def test_too_few_runs_and_unknown_metrics_are_refused(store: RunStore, count: int, metric: str, message: str) -> None:
    with pytest.raises(CompareError, match=re.escape(message)):
        setting_importance(search(store, count), metric)


def test_runs_without_differences_or_of_several_datasets_are_refused(store: RunStore) -> None:
    same = [finished_run(store, TrainConfig(seed=seed)) for seed in range(10)]
    with pytest.raises(CompareError, match="differ in no setting but the seed"):
        setting_importance(same, "test_accuracy")
    with pytest.raises(CompareError, match="different datasets: KMNIST, MNIST"):
        setting_importance([*same, finished_run(store, dataset="KMNIST")], "test_accuracy")
