"""The confusion matrix of a run, live or of one evaluation."""

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
    """Draw which digit was read as which, over the last batches or in one evaluation, and name the worst mix-ups.

    Which of these, and counts or shares of a row, is chosen in the component itself. `empty` is written into it as long
    as it has no data.
    """
    data = {"run": run, "empty": empty, "height": height}
    _render(key=key, data=data)
