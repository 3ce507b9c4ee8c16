"""The sentence of a run in the live feed: it follows the run without a rerun of the page, and costs little."""

from pathlib import Path

import numpy as np
import pytest

from mnist_core.config import TrainConfig
from mnist_core.records import EvalMetrics, Progress, Run, RunStatus, StepMetrics
from mnist_core.store import RunStore
from mnist_core.system.processes import own_identity
from mnist_dashboard.feed import cached_run
from mnist_dashboard.feed.cached_run import CachedRun
from tests.support.factories import NO_CONFUSION
from tests.support.web.feed_reader import Reader, run_scenario, running_hub


@pytest.fixture
def writer(places: Path, store: RunStore) -> RunStore:
    return RunStore.open(places / "runs")


def training_run(store: RunStore) -> Run:
    run = store.commands.create_run(TrainConfig(lr=0.5, momentum=0.9), trainer=own_identity())
    store.trainer_writes.begin_training(
        run,
        dataset="MNIST",
        notice="",
        train_images=54_000,
        validation_images=6_000,
        test_images=10_000,
        device="cpu",
        threads=1,
    )
    return run


def commit(store: RunStore, run: Run, losses: list[float], first: int, *evaluations: EvalMetrics) -> None:
    steps = [
        StepMetrics(step, 1, loss, 0.9, 0.5, 0.9, 1000.0, step / 100, NO_CONFUSION)
        for step, loss in enumerate(losses, first)
    ]
    store.trainer_writes.append_steps(run, Progress(step=first + len(losses) - 1), steps, evaluations)


def test_it_follows_the_run(store: RunStore, writer: RunStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cached_run, "EXAMINATION_SECONDS", 0.0)
    run = training_run(writer)
    commit(writer, run, [0.5] * 100, 1)

    async def scenario() -> None:
        async with running_hub(store) as hub:
            reader = Reader(hub, [run.id])

            async def sentence(tone: str) -> str:
                while True:
                    summary = await reader.event("run")
                    if summary["id"] == run.id and summary["sentence"]["tone"] == tone:
                        return str(summary["sentence"]["text"])

            assert await sentence("progress") == "Training. The first evaluation comes at step 422."
            commit(writer, run, [9.0] * 60, 101)
            text = "Loss jumps to 9.00: the learning rate 0.5 with momentum 0.9 is too high."
            assert await sentence("doctor") == text
            commit(writer, run, [0.4] * 240, 161)
            confusion = tuple(tuple(20 if (t, p) == (5, 3) else 0 for p in range(10)) for t in range(10))
            test = EvalMetrics(400, 1, "test", 0.1, 0.97, confusion, np.zeros(1, np.uint8), 1.0)
            writer.trainer_writes.append_steps(run, Progress(step=400), [], [test])
            writer.trainer_writes.finish_run(run, RunStatus.COMPLETED)
            text = "97.00\u202f% of 10\u202f000 unseen digits right. Hardest: 5 read as 3 (20)."
            assert await sentence("result") == text

    run_scenario(scenario)


def test_its_progress_is_compared_with_the_run_before(store: RunStore, writer: RunStore) -> None:
    confusion, predictions = NO_CONFUSION, np.zeros(1, np.uint8)
    for accuracy in (0.9, 0.95):
        run = training_run(writer)
        validation = EvalMetrics(50, 1, "validation", 0.1, accuracy, confusion, predictions, 1.0)
        commit(writer, run, [0.4] * 50, 1, validation)

    async def scenario() -> None:
        async with running_hub(store) as hub:
            reader = Reader(hub, [run.id])
            while (summary := await reader.event("run"))["id"] != run.id:
                pass
            assert summary["sentence"]["text"].endswith(" images right, 5.00 points ahead of run-1 at this step.")

    run_scenario(scenario)


def test_a_list_of_runs_has_no_sentences(store: RunStore, writer: RunStore) -> None:
    run = training_run(writer)

    async def scenario() -> None:
        async with running_hub(store) as hub:
            summary = await Reader(hub, []).event("run")
            assert summary["id"] == run.id
            assert "sentence" not in summary

    run_scenario(scenario)


def test_curves_are_examined_once_a_second_while_a_run_trains(store: RunStore, writer: RunStore) -> None:
    run = training_run(writer)
    commit(writer, run, [0.5] * 50, 1)
    cached = CachedRun(store.queries.get_run(run.id), store.queries.read_steps(run.id), [])
    assert cached.needs_examination(None, 0.0)
    cached.examine(None, 0.0, ())
    assert not cached.needs_examination(None, 0.9)
    assert cached.needs_examination(None, 1.0)
    cached.evaluations.append({})
    assert cached.needs_examination(None, 0.1)
    cached.evaluations.clear()
    writer.trainer_writes.finish_run(run, RunStatus.STOPPED)
    cached.update(store.queries.get_run(run.id))
    assert cached.needs_examination(None, 0.1)
    cached.examine(None, 0.1, ())
    assert not cached.needs_examination(None, 1e9)


def test_a_finding_keeps_its_words_until_something_else_changes(store: RunStore, writer: RunStore) -> None:
    run = training_run(writer)
    commit(writer, run, [0.5] * 100 + [9.0] * 60, 1)
    cached = CachedRun(store.queries.get_run(run.id), store.queries.read_steps(run.id), [])
    cached.examine(None, 0.0, ())
    sentence = cached.sentence
    assert sentence
    assert sentence["text"].startswith("Loss jumps to 9.00")
    commit(writer, run, [12.0] * 60, 161)
    cached.series.extend(1, store.queries.read_steps(run.id))
    cached.examine(None, 1.0, ())
    assert cached.sentence == sentence
    commit(writer, run, [0.5] * 300, 221)
    cached.series.extend(1, store.queries.read_steps(run.id))
    cached.examine(None, 2.0, ())
    assert cached.sentence != sentence


def test_an_examination_of_three_million_steps_reads_few_of_them() -> None:
    """At most two epochs and the blocks: an examination must not cost more as a run grows."""

    class CountedValues(np.ndarray):
        read = 0

        def __array_finalize__(self, obj: object) -> None:
            CountedValues.read += self.size if obj is not None and self.base is None else 0

    from mnist_core.analysis.doctor import Evidence, diagnose
    from tests.analysis.test_sentence import RUN

    losses = np.full(3_000_000, 0.3).view(CountedValues)
    CountedValues.read = 0
    running = Run(**{name: getattr(RUN, name) for name in RUN.__slots__} | {"status": RunStatus.RUNNING})
    assert diagnose(Evidence(running, losses, losses, losses)) is None
    assert CountedValues.read < 50_000
