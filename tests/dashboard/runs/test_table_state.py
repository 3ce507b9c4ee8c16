"""The address of the Runs page."""

from __future__ import annotations

import pytest

from mnist_dashboard.runs.table_state import MAX_IN_ADDRESS, TableState, selected_runs, unreadable_parameters

CHOSEN = TableState(
    sort="-test_accuracy",
    search="first try",
    where={"lr": ">0.01", "name": "a:b,c"},
    group="optimizer",
    columns=("name", "lr"),
    pinned=(3, 4),
    baseline=7,
    differs=True,
    archived=True,
)


def as_parameters(address: dict[str, str | list[str]]) -> dict[str, list[str]]:
    return {name: [value] if isinstance(value, str) else value for name, value in address.items()}


def test_the_address_holds_the_whole_view_and_the_selection() -> None:
    parameters = as_parameters(CHOSEN.to_address([5, 2]))
    assert TableState.from_address(parameters) == CHOSEN
    assert selected_runs(parameters) == [5, 2]
    assert unreadable_parameters(parameters) == []


def test_the_browser_returns_the_whole_view() -> None:
    assert TableState.from_browser(CHOSEN.for_browser() | {"filters": True}) == CHOSEN


def test_the_default_view_adds_nothing_to_the_address() -> None:
    assert TableState().to_address([]) == {}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("sort", "test accuracy"),
        ("base", "seven"),
        ("runs", "0,-1,1e3,<script>"),
        ("q", "a\x00b"),
        ("where", "no colon"),
        ("where", "__proto__1:3"),
        ("group", "a" * 41),
        ("columns", "A;B"),
        ("pin", "99999999999"),
        ("differs", "yes"),
    ],
)
def test_invalid_parameters_are_left_out_and_named(name: str, value: str) -> None:
    parameters = {name: [value], "archived": ["1"]}
    assert TableState.from_address(parameters) == TableState(archived=True)
    assert selected_runs(parameters) == []
    assert unreadable_parameters(parameters) == [name]


@pytest.mark.parametrize(
    "state",
    [
        {"sort": 3, "search": None, "where": [1], "group": {}, "columns": "L R", "pinned": 4, "baseline": True},
        {"where": {"lr": 1, "constructor()": "x"}, "pinned": [True, None, -2], "differs": "true"},
        {},
    ],
)
def test_invalid_data_from_the_browser_gives_the_default_view(state: dict[str, object]) -> None:
    assert TableState.from_browser(state) == TableState()


def test_the_address_names_no_more_runs_than_it_can_hold() -> None:
    parameters = as_parameters(TableState().to_address(list(range(1, 2001))))
    assert len(selected_runs(parameters)) == MAX_IN_ADDRESS
    assert len(selected_runs({"runs": [",".join(map(str, range(1, 2001)))]})) == MAX_IN_ADDRESS
