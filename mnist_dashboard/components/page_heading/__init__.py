"""The heading of a page for screen readers, and the title of its window, live."""

from __future__ import annotations

from mnist_dashboard.components.registry import register
from mnist_dashboard.feed.summaries.run_summary import RunSummary

_render = register("page_heading")


def page_heading(page: str, run: RunSummary | None, *, key: str = "page_heading") -> None:
    """Draw the heading of the page called `page`, visually hidden, and set the window's title.

    With a run both say its state.
    """
    _render(key=key, data={"page": page, "run": run})
