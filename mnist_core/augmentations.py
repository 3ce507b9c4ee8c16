"""Which augmentation goes with a random shift, and which shift with an augmentation."""

USUAL_SHIFT = 2
"""Pixels that images move when somebody chooses an augmentation but no shift. At 1, runs on MNIST do best on its test
images; digits that people draw are centred less well."""


def augmentation_with(max_shift: int, augmentation: str) -> str:
    """Return the augmentation of a run with this shift: none does not shift, and shift moves something.

    So settings with a shift alone, as they were before `augmentation`, keep their meaning.
    """
    if augmentation == "affine":
        return augmentation
    return "shift" if max_shift else "none"


def shift_with(augmentation: str, max_shift: int) -> int:
    """Return the shift that goes with an augmentation somebody has chosen; `max_shift` is the shift before that."""
    return 0 if augmentation == "none" else max_shift or USUAL_SHIFT
