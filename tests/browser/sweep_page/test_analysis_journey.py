"""A person sees what the trials of a search say about its settings, while it goes on."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence

import pytest
from playwright.sync_api import Page, expect

from mnist_core.records import Sweep, TrialRole, TrialStatus
from mnist_core.store import RunStore
from mnist_core.sweeps.space import Range, Values
from mnist_core.sweeps.spec import SweepSpec
from mnist_core.system.processes import own_identity
from tests.support.processes import Eventually, Server, running_server

TRIALS = 40
SPEC = SweepSpec(
    parameters=(
        Range("lr", 1e-3, 1.0, log=True),
        Range("momentum", 0.0, 0.95),
        Values("optimizer", ("sgd", "adam")),
    ),
    trials=60,
    pruner="median",
)


def add_trials(store: RunStore, sweep: Sweep, numbers: Sequence[int]) -> None:
    """Add ended trials, every eighth of them pruned; their result depends on the learning rate alone, best near 0.1."""
    for number in numbers:
        lr = 10 ** (-3 * (number * 0.618034 % 1))
        values = {"lr": lr, "momentum": 0.95 * (number * 0.414214 % 1), "optimizer": ("sgd", "adam")[number % 2]}
        trial = store.sweeps.add_trial(sweep, TrialRole.SEARCH, values, {})
        is_pruned = number % 8 == 7
        status = TrialStatus.PRUNED if is_pruned else TrialStatus.COMPLETED
        value = None if is_pruned else 0.95 - 0.1 * abs(math.log10(lr) + 1)
        store.sweeps.end_trial(sweep, trial, status, value=value)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, eventually: Eventually) -> Iterator[Server]:
    """A server without images: nothing is trained here."""
    folder = tmp_path_factory.mktemp("server")
    with running_server(folder, tmp_path_factory.mktemp("no_images"), eventually) as started:
        yield started


@pytest.fixture
def sweep(server: Server) -> Sweep:
    """A search that this process seems to carry out."""
    sweep = server.store.sweeps.create_sweep(SPEC.to_json())
    claimed = server.store.sweeps.claim_sweep(sweep.id, own_identity())
    add_trials(server.store, claimed, range(TRIALS))
    return claimed


def test_trials_settings_that_matter_and_good_ranges_follow_a_search(page: Page, server: Server, sweep: Sweep) -> None:
    page.goto(f"{server.url}/sweep?sweep={sweep.id}")
    lines = page.locator(".mt-parallel-lines polyline")
    expect(lines).to_have_count(TRIALS)
    expect(page.locator(".mt-parallel-lines .mt-parallel-pruned")).to_have_count(TRIALS // 8)
    expect(page.locator(".mt-parallel-lines .mt-parallel-best")).to_have_count(1)
    first_bar = page.locator(".mt-matters-bars li").first
    expect(first_bar).to_contain_text(re.compile(r"Learning rate\d+\s%$"))
    expect(page.get_by_text(f"after {TRIALS} trials")).to_be_visible()
    expect(page.get_by_label("Good range")).to_contain_text(re.compile(r"Learning rate0\.0\d+ to 0\.\d+"))
    expect(page.get_by_role("button", name="Narrow the search to it")).to_be_visible()
    add_trials(server.store, sweep, range(TRIALS, TRIALS + 4))
    expect(lines).to_have_count(TRIALS + 4)
    expect(page.get_by_text(f"after {TRIALS + 4} trials")).to_be_visible()


def test_a_range_of_an_axis_is_kept_with_the_keyboard_while_trials_end(
    page: Page, server: Server, sweep: Sweep
) -> None:
    page.goto(f"{server.url}/sweep?sweep={sweep.id}")
    axis = page.get_by_role("slider", name="Range of Learning rate")
    axis.press("ArrowUp")
    expect(page.get_by_text(re.compile(rf"^\d+ of {TRIALS} trials lie in the ranges\.$"))).to_be_visible()
    add_trials(server.store, sweep, [TRIALS])
    expect(page.get_by_text(re.compile(rf"^\d+ of {TRIALS + 1} trials lie in the ranges\.$"))).to_be_visible()
    expect(axis).to_be_focused()
    axis.press("Escape")
    expect(page.locator(".mt-parallel-lines .mt-parallel-out")).to_have_count(0)


def test_two_settings_can_be_chosen_and_stay_two(page: Page, server: Server, sweep: Sweep) -> None:
    page.goto(f"{server.url}/sweep?sweep={sweep.id}")
    right, up = page.get_by_label("Setting to the right"), page.get_by_label("Setting upwards")
    expect(page.get_by_text(re.compile(r"^Best near .*learning rate 0\.\d+"))).to_be_visible()
    expect(right).to_have_value("lr")  # the most important one, as soon as that is known
    right.select_option("optimizer")
    up.select_option("optimizer")
    expect(right).not_to_have_value("optimizer")
    expect(page.get_by_role("img", name=re.compile("^Trials over .* and optimizer"))).to_be_visible()
    expect(page.locator(".mt-landscape-trial")).to_have_count(TRIALS)


def test_before_the_first_trial_and_before_the_tenth_it_says_so(page: Page, server: Server) -> None:
    created = server.store.sweeps.create_sweep(SPEC.to_json())
    sweep = server.store.sweeps.claim_sweep(created.id, own_identity())
    page.goto(f"{server.url}/sweep?sweep={sweep.id}")
    expect(page.get_by_text("No trial has ended yet.").last).to_be_visible()
    expect(page.get_by_text("What matters shows after 10 trials.")).to_be_visible()
    add_trials(server.store, sweep, range(2))
    expect(page.locator(".mt-parallel-lines polyline")).to_have_count(2)
    expect(page.get_by_text("What matters shows after 10 trials.")).to_be_visible()
