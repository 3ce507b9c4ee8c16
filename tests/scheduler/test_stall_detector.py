"""Which processes have stopped working, by their signs of life and a scripted clock."""

from mnist_core.scheduler.stall_detector import StallDetector


def test_a_process_is_stalled_once_its_sign_of_life_stays_the_same() -> None:
    now = [100.0]
    detector = StallDetector(3.0, clock=lambda: now[0])

    def observe(**signs: int) -> set[int]:
        now[0] += 1.0
        return detector.observe({int(name[1:]): sign for name, sign in signs.items()})

    assert [observe(r1=1, r2=1), observe(r1=1, r2=2), observe(r1=1, r2=2)] == [set(), set(), set()]
    assert observe(r1=1, r2=2) == {1}
    assert observe(r1=2, r2=2) == {2}
    assert observe(r2=2) == {2}
    assert [observe(r1=2), observe(r1=2), observe(r1=2)] == [set(), set(), set()], "a newcomer, though known before"


def test_time_in_which_the_observer_was_suspended_does_not_count() -> None:
    now = [0.0]
    detector = StallDetector(30.0, longest_gap=2.0, clock=lambda: now[0])
    assert detector.observe({1: "here"}) == set()
    now[0] += 3600.0
    assert detector.observe({1: "here"}) == set()
