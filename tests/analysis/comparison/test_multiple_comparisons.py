"""Which of more than two runs, or groups of seeds, is the best."""

import pytest

from mnist_core.analysis.comparison.comparability import CompareError
from mnist_core.analysis.comparison.multiple_comparisons import compare_several, pair_row
from mnist_core.config import TrainConfig
from mnist_core.store import RunStore
from tests.support.factories import finished_run, seed_runs

SLOW, FAST = 0.01, 0.1


def test_each_pair_of_several_runs_is_compared_with_corrected_p_values(store: RunStore) -> None:
    sides = [
        [finished_run(store, TrainConfig(lr=lr), name=name, right=range(right)).id]
        for lr, name, right in ((0.1, "good", 950), (0.05, "fair", 942), (0.01, "poor", 941))
    ]
    verdict = compare_several(store.queries, sides)
    assert verdict.sentence.startswith("good is the best of these 3, with 95.00 % of the test images right: it")
    assert verdict.best == "good"
    assert [(pair.a, pair.b, pair.winner) for pair in verdict.pairs] == [
        ("good", "fair", "a"),
        ("good", "poor", "a"),
        ("fair", "poor", ""),
    ]
    p_values = [pair.verdict.p_value for pair in verdict.pairs]
    assert p_values == pytest.approx([2 / 2**8, 2 / 2**9, 1])
    assert [pair.corrected_p for pair in verdict.pairs] == pytest.approx([4 / 2**8, 6 / 2**9, 1])
    assert verdict.warnings[0].startswith("3 pairs are compared, so each p-value is corrected for that (Holm)")


def test_a_leader_that_only_leads_by_chance_is_not_the_best(store: RunStore) -> None:
    """Six images against none have p = 0.03 alone, and 0.06 as the smallest of three."""
    sides = [
        [finished_run(store, TrainConfig(lr=lr), right=range(right)).id]
        for lr, right in ((0.1, 906), (0.05, 900), (0.01, 901))
    ]
    verdict = compare_several(store.queries, sides)
    assert verdict.best == ""
    assert verdict.sentence == (
        "It cannot be told which of these 3 is best. No difference is larger than chance makes it."
    )


def test_the_best_is_the_side_that_wins_every_pair_not_the_highest_mean(store: RunStore) -> None:
    """The first seed of A is far above its others, but B has no such seed, so the pairs leave it out."""
    sides = [
        seed_runs(store, 0.51, [999, 950, 951, 952]),
        seed_runs(store, 0.52, [960, 961, 962], first=2),
        seed_runs(store, 0.53, [900, 901, 902], first=2),
    ]
    verdict = compare_several(store.queries, sides)
    assert [pair.winner for pair in verdict.pairs] == ["b", "a", "a"]
    assert verdict.best == "lr 0.52, 3 seeds"
    assert any(
        note.startswith("lr 0.51, 4 seeds against lr 0.52, 3 seeds: Only the 3 seeds") for note in verdict.warnings
    )


def test_sides_that_lose_no_pair_are_named(store: RunStore) -> None:
    sides = [
        [finished_run(store, TrainConfig(lr=lr), name=name, right=range(right)).id]
        for lr, name, right in ((0.1, "x", 950), (0.05, "y", 948), (0.01, "z", 900))
    ]
    sentence = compare_several(store.queries, sides).sentence
    assert sentence.endswith("None is shown to be better than x and y.")


def test_identical_runs_count_as_one(store: RunStore) -> None:
    """The run and its repeat cannot beat each other: that must not keep them from being the best."""
    sides = [
        [finished_run(store, TrainConfig(lr=lr), name=name, right=range(right)).id]
        for lr, name, right in ((0.1, "x", 950), (0.1, "repeat", 950), (0.01, "z", 900))
    ]
    verdict = compare_several(store.queries, sides)
    assert verdict.pairs[0].verdict.is_identical
    assert verdict.best == "x"
    assert verdict.sentence == (
        "x and repeat, which are identical, are the best of these 3, with 95.00 % of the test images right: "
        "they are better than every other."
    )


def test_repeats_of_one_run_are_all_identical(store: RunStore) -> None:
    sides = [[finished_run(store, TrainConfig(), name=name).id] for name in ("x", "y", "z")]
    assert compare_several(store.queries, sides).sentence == (
        "Identical: x, y and z have the same settings, the same seed and the same results, to the last bit."
    )


def test_corrected_p_values_are_not_printed_below_what_seeds_support(store: RunStore) -> None:
    sides = [seed_runs(store, lr, [right] * 3) for lr, right in ((0.1, 990), (0.05, 900), (0.01, 700))]
    rows = [pair_row(pair) for pair in compare_several(store.queries, sides).pairs]
    assert {row["p, corrected"] for row in rows} == {"below 0.003"}


def test_pairs_without_enough_seeds_are_not_counted(store: RunStore) -> None:
    sides = [
        seed_runs(store, FAST, [950, 952, 951]),
        seed_runs(store, SLOW, [930, 931, 932]),
        seed_runs(store, 0.05, [940, 941]),
    ]
    verdict = compare_several(store.queries, sides)
    first, *others = verdict.pairs
    assert first.winner == "a"
    assert first.corrected_p == first.verdict.p_value
    assert [pair.corrected_p for pair in others] == [None, None]
    assert [pair_row(pair)["p, corrected"] for pair in others] == ["–", "–"]
    assert verdict.warnings == ("It takes at least 3 seeds of each to tell. Train more seeds of “lr 0.05, 2 seeds”.",)


def test_too_many_and_overlapping_sides_are_refused(store: RunStore) -> None:
    ids = seed_runs(store, FAST, [900] * 11)
    with pytest.raises(CompareError, match="At most 10 runs or groups of seeds can be compared at once, got 11"):
        compare_several(store.queries, [[run_id] for run_id in ids])
    with pytest.raises(CompareError, match="cannot be compared with itself"):
        compare_several(store.queries, [[1], [2], [1]])
