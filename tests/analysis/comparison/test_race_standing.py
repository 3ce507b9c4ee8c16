"""Who leads a race at which moment, and when that is more than noise."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from mnist_core.analysis.comparison.race_standing import Standing, find_standing, list_moments
from mnist_core.analysis.seed_groups import describe_differences
from mnist_core.config import TrainConfig
from mnist_core.records import EvalMetrics, Run, RunStatus
from tests.support.factories import LABELS, NO_CONFUSION, predictions

Lane = tuple[Run, list[EvalMetrics]]


def validation(step: int, right: int, epoch: int = 1) -> EvalMetrics:
    return EvalMetrics(step, epoch, "validation", 0.3, right / 1000, NO_CONFUSION, predictions(range(right)), 1.0)


def lane(number: int, *evaluations: EvalMetrics, status: RunStatus = RunStatus.RUNNING, batch_size: int = 30) -> Lane:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    config = TrainConfig(lr=number / 10, batch_size=batch_size)
    run = Run(
        id=number, name=f"run-{number}", status=status, config=config, attempt=1, created_at=now, train_images=270
    )
    return run, list(evaluations)


def standing(*lanes: Lane) -> Standing:
    found = find_standing(lanes, LABELS)
    assert found
    return found


def order(found: Standing) -> list[int]:
    return [result.run.id for result in found.lanes]


def test_there_is_no_standing_before_all_were_evaluated() -> None:
    assert find_standing([lane(1, validation(5, 900)), lane(2)], LABELS) is None
    assert find_standing([lane(1), lane(2)], LABELS) is None


def test_lanes_are_compared_after_the_same_images_also_with_other_batch_sizes() -> None:
    """270 images are 9 batches of 30, evaluated after 5 and 9, and 3 of 90, evaluated after 2 and 3."""
    first = lane(1, validation(5, 900), validation(9, 950))
    second = lane(2, validation(2, 920), batch_size=90)
    found = standing(first, second)
    assert (found.epochs, order(found), round(found.lead, 9)) == (0.5, [2, 1], 0.02)
    second[1].append(validation(3, 930))
    assert (standing(first, second).epochs, order(standing(first, second))) == (1.0, [1, 2])


def test_evaluations_that_somebody_asked_for_do_not_count() -> None:
    first = lane(1, validation(2, 100), validation(5, 900), validation(6, 100))
    found = standing(first, lane(2, validation(5, 800)))
    assert [result.accuracy for result in found.lanes] == [0.9, 0.8]


def test_a_lane_that_ended_earlier_is_left_out_and_the_last_common_moment_stays() -> None:
    stopped = lane(3, validation(5, 999), status=RunStatus.STOPPED)
    racing = lane(1, validation(5, 900), validation(9, 950)), lane(2, validation(5, 800), validation(9, 960))
    assert order(standing(*racing, stopped)) == [2, 1]
    ended = [(replace(run, status=RunStatus.COMPLETED), evaluations) for run, evaluations in racing]
    longer = lane(4, *(validation(9 * epoch - 9 + step, 970, epoch) for epoch in (1, 2) for step in (5, 9)))
    assert (standing(*ended, longer).epochs, order(standing(*ended, stopped, longer))) == (1.0, [4, 2, 1])


@pytest.mark.parametrize(
    ("right", "behind", "is_level", "is_real", "sentence"),
    [
        (
            range(900),
            range(850),
            False,
            True,
            "lr 0.1 leads lr 0.2 by 5.00 points of validation after 0.5 epochs, which so far is more than noise "
            "(p below 0.000001).",
        ),
        (
            range(900),
            range(898),
            False,
            False,
            "lr 0.1 leads lr 0.2 by 0.20 points of validation after 0.5 epochs, which may be noise (p 0.5).",
        ),
        (range(900), range(900), True, False, "lr 0.1 and lr 0.2 are level after 0.5 epochs: 90.00 % of"),
    ],
)
def test_a_lead_is_level_noise_or_real(
    right: range, behind: range, is_level: bool, is_real: bool, sentence: str
) -> None:
    lanes = lane(1, validation(5, len(right))), lane(2, validation(5, len(behind)))
    found = standing(*lanes)
    assert (found.is_level, found.is_real) == (is_level, is_real)
    assert found.describe(describe_differences([run for run, _ in lanes])).startswith(sentence)


def test_a_lead_is_more_than_noise_without_reservation_once_all_lanes_have_ended() -> None:
    first, second = lane(1, validation(5, 900)), lane(2, validation(5, 850), status=RunStatus.STOPPED)
    names = describe_differences([first[0], second[0]])
    assert "which so far is more than noise" in standing(first, second).describe(names)
    ended = replace(first[0], status=RunStatus.COMPLETED), first[1]
    assert "after 0.5 epochs, which is more than noise" in standing(ended, second).describe(names)


def test_a_tenth_of_a_point_is_a_lead_and_many_lanes_need_more_evidence() -> None:
    two = standing(lane(1, validation(5, 901)), lane(2, validation(5, 900)))
    assert not two.is_level
    six_more = [lane(1, validation(5, 906)), lane(2, validation(5, 900))]
    assert standing(*six_more).p == pytest.approx(0.03125)
    assert standing(*six_more).is_real
    assert not standing(*six_more, lane(3, validation(5, 100))).is_real


def test_lanes_are_named_by_what_differs() -> None:
    runs = [lane(number)[0] for number in (1, 2)]
    other = replace(runs[1], config=replace(runs[1].config, optimizer="adam"))
    assert describe_differences(runs) == {1: "lr 0.1", 2: "lr 0.2"}
    assert describe_differences([runs[0], other]) == {1: "lr 0.1, sgd", 2: "lr 0.2, adam"}
    assert describe_differences(runs[:1]) == {1: "run-1"}


def test_moments_are_those_after_the_same_images_and_a_level_lane_takes_no_lead() -> None:
    """The first moments of lanes with batches of 30 and of 90 are their steps 5 and 2."""
    first = lane(1, *(validation(9 * epoch - 9 + step, 900, epoch) for epoch in (1, 2) for step in (5, 9)))
    second = lane(2, validation(2, 890), validation(3, 900), validation(5, 910, 2), batch_size=90)
    found = list_moments([first, second])
    assert [moment.epochs for moment in found] == [0.5, 1.0, 1.5]
    assert [moment.leader for moment in found] == [1, 1, 2]
    assert found[0].steps == {1: 5, 2: 2}
    assert found[2].accuracies == {1: 0.9, 2: 0.91}


def test_a_leader_that_has_ended_leaves_the_lead_to_the_others() -> None:
    stopped = lane(1, validation(5, 990), status=RunStatus.STOPPED)
    racing = (lane(number, validation(5, 900), validation(9, 900 + number)) for number in (2, 3))
    assert [moment.leader for moment in list_moments([stopped, *racing])] == [1, 3]
    assert list_moments([lane(1), lane(2)]) == []
