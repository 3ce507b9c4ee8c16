"""Runs that differ only in their seed: which they are, and what they come to together."""

from __future__ import annotations

import dataclasses
from collections.abc import Hashable, Iterable

from mnist_core.records import Run


def group_key(run: Run) -> Hashable:
    """The same for runs that differ only in seed: same settings, changes on the way, dataset and beginning."""
    steered = tuple((one.step, one.field, one.new) for one in run.interventions or run.plan)
    beginning = run.parent_step and (run.parent_id, run.parent_step)
    settings = dataclasses.replace(run.config, seed=0, save_model=False)
    return settings, steered, run.dataset or run.config.dataset, beginning


def unused_seeds(run: Run, others: Iterable[Run], count: int) -> list[int]:
    """The next `count` seeds that neither the run nor any of `others` like it was trained with."""
    key = group_key(run)
    used = {run.config.seed} | {one.config.seed for one in others if group_key(one) == key}
    return [seed for seed in range(1, len(used) + count + 1) if seed not in used][:count]
