"""A search while it goes on: what trains now, its trials, and its winner, live."""

from __future__ import annotations

from mnist_dashboard.components.registry import register

_render = register("sweep_board", "sweep_board/sweep_board.css")


def sweep_board(sweep_id: int, *, key: str = "sweep_board") -> None:
    """Draw what stands below the row of actions: slots, winner and baseline, leaderboard, best so far, all curves."""
    _render(key=key, data={"sweep": sweep_id})
