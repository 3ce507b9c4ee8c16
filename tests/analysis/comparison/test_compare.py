"""Which of two runs, or of two groups of seeds, is better."""

import pytest

from mnist_core.analysis.comparison.compare import compare_runs
from mnist_core.analysis.comparison.verdict import Verdict, format_interval, format_p
from mnist_core.config import TrainConfig
from mnist_core.store import RunStore
from tests.support.factories import finished_run, seed_runs

SLOW, FAST = 0.01, 0.1


def interval(verdict: Verdict) -> tuple[float, float]:
    assert verdict.low is not None
    assert verdict.high is not None
    return verdict.low, verdict.high


def details(verdict: Verdict) -> dict[str, str]:
    return {detail.label: detail.value for detail in verdict.details}


# One run against one


def test_the_run_that_gets_more_of_the_same_images_right_is_better(store: RunStore) -> None:
    good = finished_run(store, TrainConfig(lr=FAST), name="good", right=range(950))
    bad = finished_run(store, name="bad", right=range(900))
    verdict = compare_runs(store.queries, [good.id], [bad.id])
    assert verdict.winner == "a"
    assert verdict.sentence.startswith(
        "good is better than bad: it gets 95.00 % against 90.00 % of 1,000 test images right, a"
    )
    assert verdict.difference == pytest.approx(0.05)
    low, high = interval(verdict)
    assert 0.03 < low < 0.05 < high < 0.07
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
    a = finished_run(store, TrainConfig(lr=FAST), name="a", right=range(905))
    b = finished_run(store, name="b", right=[*range(880), *range(905, 926)])
    verdict = compare_runs(store.queries, [a.id], [b.id])
    assert verdict.winner == ""
    assert verdict.sentence.startswith("It cannot be told which is better: a gets 90.50 % and b 90.10 %")
    assert verdict.sentence.endswith("one as large 66 times in 100 (p = 0.66).")
    assert verdict.p_value == pytest.approx(0.659, abs=0.001)  # 25 against 21, exact
    low, high = interval(verdict)
    assert low < 0 < high


def test_equal_predictions_do_not_prove_that_the_runs_are_equal(store: RunStore) -> None:
    a, b = finished_run(store), finished_run(store, TrainConfig(lr=FAST))
    verdict = compare_runs(store.queries, [a.id], [b.id])
    assert verdict.p_value == 1
    assert interval(verdict) == pytest.approx((-0.0038, 0.0038), abs=5e-5)
    assert "one as large always" in verdict.sentence


def test_five_images_against_none_cannot_be_told_and_the_interval_agrees(store: RunStore) -> None:
    a, b = finished_run(store, right=range(905)), finished_run(store, TrainConfig(lr=FAST), right=range(900))
    verdict = compare_runs(store.queries, [a.id], [b.id])
    assert (verdict.winner, verdict.low) == ("", 0)
    assert "+0.50 points (+0.00 to +1.17)" in verdict.sentence


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
    a = seed_runs(store, FAST, [950, 952, 949, 955])
    b = seed_runs(store, SLOW, [930, 933, 931, 934])
    verdict = compare_runs(store.queries, a, b)
    assert verdict.winner == "a"
    assert verdict.sentence.startswith(
        "“lr 0.1, 4 seeds” is better than “lr 0.01, 4 seeds”: it gets 95.15 % against 93.20 % of the test"
    )
    assert "right on average of 4 seeds, a difference" in verdict.sentence
    assert details(verdict)["Seeds"] == "4 and 4"
    assert not verdict.warnings


def test_without_a_winner_the_verdict_says_how_many_seeds_are_needed(store: RunStore) -> None:
    verdict = compare_runs(
        store.queries, seed_runs(store, FAST, [940, 960, 951]), seed_runs(store, SLOW, [939, 941, 945])
    )
    assert verdict.winner == ""
    assert verdict.seeds_needed is not None
    needed = verdict.seeds_needed
    assert f"about {needed.count} ({needed.low} to {needed.high}) new seeds of each would tell." in verdict.sentence
    assert details(verdict)["Seeds needed to show it"] == f"about {needed.count} ({needed.low} to {needed.high})"


def test_a_difference_too_small_for_any_number_of_seeds_is_said_in_plain_words(store: RunStore) -> None:
    verdict = compare_runs(
        store.queries, seed_runs(store, FAST, [940, 990, 921]), seed_runs(store, SLOW, [921, 980, 949])
    )
    assert verdict.sentence.endswith("it takes more than 1,000 seeds of each to tell.")
    assert details(verdict)["Seeds needed to show it"] == "more than 1,000"


@pytest.mark.parametrize(("a_seeds", "b_seeds"), [([950, 950], [900, 900]), ([950] * 5, [900, 900])])
def test_two_seeds_get_no_verdict(store: RunStore, a_seeds: list[int], b_seeds: list[int]) -> None:
    verdict = compare_runs(store.queries, seed_runs(store, FAST, a_seeds), seed_runs(store, SLOW, b_seeds))
    assert (verdict.winner, verdict.p_value, verdict.low, verdict.high) == ("", None, None, None)
    assert verdict.sentence.startswith("It takes at least 3 seeds of each to tell which is better: “lr 0.1, ")
    assert "p" not in details(verdict)


def test_a_p_value_smaller_than_a_few_seeds_can_support_is_not_printed(store: RunStore) -> None:
    verdict = compare_runs(store.queries, seed_runs(store, FAST, [950] * 3), seed_runs(store, SLOW, [700] * 3))
    assert verdict.winner == "a"
    assert verdict.sentence.endswith("less than once in 1,000 times (p below 0.001).")
    assert details(verdict)["p"] == "below 0.001"


def test_accuracies_are_compared_as_whole_images(store: RunStore) -> None:
    """In floating point 0.903 - 0.900 and 0.908 - 0.905 differ, and their spread of 1e-17 makes p tiny."""
    verdict = compare_runs(
        store.queries, seed_runs(store, FAST, [903, 908, 905]), seed_runs(store, SLOW, [902, 907, 904])
    )
    assert verdict.p_value == pytest.approx(0.0513, abs=1e-4)  # one image each: t = 1 / (sqrt(1 / 6) / sqrt(3))


def test_six_pairs_are_also_compared_by_rank(store: RunStore) -> None:
    a = seed_runs(store, FAST, [950, 951, 952, 953, 954, 955])
    b = seed_runs(store, SLOW, [940, 942, 944, 941, 943, 945])
    assert details(compare_runs(store.queries, a, b))["p, without assuming a normal distribution"] == "0.031"


def test_a_seed_that_only_one_side_has_is_left_out_with_a_warning(store: RunStore) -> None:
    a, b = seed_runs(store, FAST, [990, 950, 951, 953]), seed_runs(store, SLOW, [940, 942, 941], first=2)
    verdict = compare_runs(store.queries, a, b)
    assert details(verdict)["Seeds"] == "3 and 3"
    assert "Only the 3 seeds that both have are compared; 1 run is left out." in verdict.warnings
    assert "it gets 95.13 % against 94.10 %" in verdict.sentence  # without the one that was left out


def test_all_runs_count_if_few_seeds_are_shared(store: RunStore) -> None:
    """Ten against ten of which three are shared: a paired test would throw fourteen runs away."""
    a = seed_runs(store, FAST, [950, 951, 953, 950, 949, 951, 952, 950, 951, 953])
    b = seed_runs(store, SLOW, [940, 942, 941, 943, 940, 941, 939, 942, 940, 941], first=8)
    verdict = compare_runs(store.queries, a, b)
    assert details(verdict)["Seeds"] == "10 and 10"
    assert any("Welch" in detail.help for detail in verdict.details)
    assert not verdict.warnings


def test_different_seeds_are_compared_without_pairing(store: RunStore) -> None:
    a, b = seed_runs(store, FAST, [950, 951, 953]), seed_runs(store, SLOW, [900, 904, 901], first=7)
    verdict = compare_runs(store.queries, a, b)
    assert verdict.winner == "a"
    assert any("Welch" in detail.help for detail in verdict.details)


def test_without_any_difference_no_number_of_seeds_is_advised(store: RunStore) -> None:
    verdict = compare_runs(
        store.queries, seed_runs(store, FAST, [940, 950] * 2), seed_runs(store, SLOW, [950, 940] * 2)
    )
    assert verdict.sentence.endswith("always (p = 1).")


def test_the_range_of_seeds_is_given_even_if_their_number_is_too_large(store: RunStore) -> None:
    verdict = compare_runs(store.queries, seed_runs(store, FAST, [912, 891, 901]), seed_runs(store, SLOW, [900] * 3))
    assert "214 to more than 1,000 new seeds of each would tell." in verdict.sentence


def test_small_differences_get_more_digits() -> None:
    assert format_interval(0.0002, -0.0001, 0.0005) == "+0.020 points (-0.010 to +0.050)"
    assert format_interval(0.012, -0.0000001, 0.03) == "+1.20 points (+0.00 to +3.00)"


@pytest.mark.parametrize(
    ("p", "text"),
    [
        (1, "1"),
        (0.0497, "0.0497"),
        (0.0501, "0.0501"),
        (0.0625, "0.062"),
        (0.66, "0.66"),
        (0.0000019, "0.0000019"),
        (1e-7, "below 0.000001"),
    ],
)
def test_p_values_are_written_without_exponents(p: float, text: str) -> None:
    assert format_p(p, 1e-6) == text
