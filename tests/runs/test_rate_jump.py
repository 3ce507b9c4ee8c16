"""A jump of the learning rate where a run is continued is announced, with the rates that the new run then takes."""

import re
from dataclasses import replace
from typing import Any

import pytest

from mnist_core.config import TrainConfig
from mnist_core.records import Run
from mnist_core.runs import lineage
from mnist_core.runs.rate_jump import describe_rate_jump
from mnist_core.store import RunStore
from mnist_core.system.processes import own_identity
from mnist_core.trainer.worker import train_run

pytestmark = pytest.mark.usefixtures("signals_restored", "small_mnist")

CONFIG = TrainConfig(
    dataset="mnist", model="softmax", batch_size=10, epochs=2, lr=0.05, schedule="one-cycle", device="cpu"
)
STEPS = 54


def trained(store: RunStore, **settings: Any) -> Run:
    return train_run(store, store.commands.create_run(replace(CONFIG, **settings), trainer=own_identity()))


def announced_rates(text: str) -> list[str]:
    match = re.search(r"from (\S+) to ([\d.e-]*\d)", text)
    assert match
    return list(match.groups())


@pytest.mark.parametrize("changes", [{"epochs": 4}, {"epochs": 3, "batch_size": 20}, {"schedule": "constant"}])
def test_the_announced_rates_are_those_around_the_jump(store: RunStore, changes: dict[str, Any]) -> None:
    parent = trained(store)
    config = replace(parent.config, **{"epochs": 3, **changes})
    text = describe_rate_jump(parent, config, STEPS)
    assert text.startswith("At step 54 the learning rate jumps from 2e-07 to ")
    assert text.endswith(" A lower learning rate makes the jump smaller.")
    continued = train_run(store, lineage.fork(store, parent, config, trainer=own_identity()))
    assert announced_rates(text) == [f"{rate:.2g}" for rate in store.queries.read_rates_at(continued.id, STEPS)]


def test_a_run_that_goes_on_mid_way_announces_the_rate_of_its_next_update(store: RunStore) -> None:
    parent = trained(store)
    step = min(lineage.fork_points(store.queries, parent))
    config = replace(parent.config, epochs=6)
    before, after = announced_rates(describe_rate_jump(parent, config, step))
    forked = train_run(store, lineage.fork(store, parent, config, step=step, trainer=own_identity()))
    assert before == f"{store.queries.read_steps(parent.id)['lr'][step]:.2g}"
    assert after == f"{store.queries.read_steps(forked.id)['lr'][step]:.2g}"


def test_a_rate_that_falls_is_not_called_a_jump(store: RunStore) -> None:
    parent = replace(store.commands.create_run(CONFIG), train_images=270)
    text = describe_rate_jump(parent, replace(CONFIG, epochs=10), 14)
    assert re.fullmatch(
        r"At step 14 the learning rate drops from \S+ to \S+, because the one-cycle schedule spans all 10 epochs of "
        r"the new run\.",
        text,
    )


@pytest.mark.parametrize(
    ("schedule", "changes"),
    [
        ("constant", {"epochs": 4}),
        ("constant", {"lr": 0.5}),
        ("step", {"epochs": 4}),
        ("one-cycle", {}),
        ("one-cycle", {"lr": 0.001, "momentum": 0.9}),
        ("one-cycle", {"batch_size": 100}),
    ],
)
@pytest.mark.parametrize("step", [1, 14, 27, 40, 54])
def test_a_schedule_that_goes_on_is_not_announced(
    store: RunStore, schedule: str, changes: dict[str, Any], step: int
) -> None:
    parent = replace(store.commands.create_run(replace(CONFIG, schedule=schedule)), train_images=270)
    assert describe_rate_jump(parent, replace(parent.config, **changes), step) == ""
