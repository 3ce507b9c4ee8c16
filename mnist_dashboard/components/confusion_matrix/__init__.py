"""The confusion matrix of a run: live, or of one evaluation."""

from __future__ import annotations

from mnist_dashboard.components.registry import register

_render = register("confusion_matrix", "confusion_matrix/confusion_matrix.css")


def confusion_matrix(
    run: int | None,
    *,
    empty: str | None = None,
    height: int = 372,
    key: str = "confusion",
) -> None:
    """Draw the confusion matrix of the last batches or of one evaluation, and name the most frequent mistakes.

    The component itself offers the choice, and keeps it in the browser: a run that has ended shows its test by default.
    It shows the text `empty` while there is no data. `height` is in pixels.
    """
    _render(key=key, data={"run": run, "empty": empty, "height": height})
