"""The feed shows a damaged run as such and goes on with the others."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mnist_core.records import Intervention, Run, StepMetrics
from mnist_core.store import RunStore
from mnist_dashboard.feed.hub import LiveHub
from mnist_dashboard.feed.summaries.run_summary import MAX_INTERVENTIONS, summarize_run
from tests.support.factories import finished_run
from tests.support.files.damage import RECORD_DAMAGE, ROW_DAMAGE, damage_row, execute
from tests.support.web.feed_reader import Reader, listed_runs, run_scenario, running_hub

Step = Callable[..., StepMetrics]


@pytest.fixture
def runs(store: RunStore, a_step: Step) -> list[Run]:
    """Three finished runs; tests damage the second."""
    return [finished_run(store, name=name, steps=[a_step(step) for step in range(1, 6)]) for name in ("a", "b", "c")]


async def summaries_of(hub: LiveHub) -> dict[int, dict[str, Any]]:
    """Return what `/runs.json` holds, by id."""
    return listed_runs((await hub.summaries()).compress()[1])


async def first_events(hub: LiveHub) -> list[dict[str, Any]]:
    """Return the events that a new stream of the three runs gets at once."""
    reader = Reader(hub, [1, 2, 3])
    events: list[dict[str, Any]] = []
    while not events or events[-1]["kind"] != "audience":
        events.append(await reader.event("run", "history", "audience"))
    await reader.close()
    return events


@pytest.mark.parametrize("assignment", ROW_DAMAGE.values(), ids=ROW_DAMAGE)
def test_a_damaged_row_is_in_the_list_with_its_name(
    store: RunStore, places: Path, runs: list[Run], assignment: str
) -> None:
    damage_row(places / "runs", runs[1].id, assignment)

    async def scenario() -> None:
        async with running_hub(store) as hub:
            summaries = await summaries_of(hub)
            assert [summaries[run_id]["status"] for run_id in (1, 2, 3)] == ["completed", "damaged", "completed"]
            assert summaries[2]["name"] == ("run-2" if assignment.startswith("name") else "b")
            assert summaries[2].keys() == summaries[1].keys()
            assert summaries[2]["settings"].keys() == summaries[1]["settings"].keys()
            histories = [event["run"] for event in await first_events(hub) if event["kind"] == "history"]
            assert {1, 3} <= set(histories)

    run_scenario(scenario)


@pytest.mark.parametrize("statement", RECORD_DAMAGE.values(), ids=RECORD_DAMAGE)
def test_a_run_that_cannot_be_drawn_is_shown_as_damaged(
    store: RunStore, places: Path, runs: list[Run], statement: str
) -> None:
    execute(places / "runs", statement, runs[1].id)

    async def scenario() -> None:
        async with running_hub(store) as hub:
            await summaries_of(hub)
            events = await first_events(hub)
            assert [event["run"] for event in events if event["kind"] == "history"] == [1, 3]
            assert {event["id"]: event["status"] for event in events if event["kind"] == "run"}[2] == "damaged"
            shown = (await summaries_of(hub))[2]
            assert shown["status"] == "damaged"
            assert "cannot be read" in shown["reason"]

    run_scenario(scenario)


def test_a_row_that_becomes_damaged_does_not_stop_the_feed(store: RunStore, places: Path, runs: list[Run]) -> None:
    async def scenario() -> None:
        async with running_hub(store) as hub:
            reader = Reader(hub, [])
            await reader.event("audience")
            damage_row(places / "runs", runs[1].id, "config = '{'")
            store.commands.edit_run(runs[2].id, notes="later")
            events: dict[int, str] = {}
            while events.keys() != {2, 3}:
                event = await reader.event("run")
                events[event["id"]] = event["status"]
            assert events == {2: "damaged", 3: "completed"}

    run_scenario(scenario)


def test_a_summary_holds_only_the_latest_changes(runs: list[Run]) -> None:
    changes = tuple(
        Intervention(1, "lr", 0.1, 0.2, runs[0].created_at, f"person {number}")
        for number in range(MAX_INTERVENTIONS + 5)
    )
    summary = summarize_run(replace(runs[0], interventions=changes))
    assert len(summary["interventions"]) == MAX_INTERVENTIONS
    assert summary["interventions"][-1]["by"] == f"person {MAX_INTERVENTIONS + 4}"
    assert summary["earlier_interventions"] == 5
