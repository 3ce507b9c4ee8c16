"""The route for norms by layer."""

import math

from mnist_core.config import TrainConfig
from mnist_core.records import LayerNorms, Progress, Run
from mnist_core.store import RunStore
from mnist_core.system.processes import own_identity
from tests.dashboard.inspection.conftest import Get, json_of


def test_norms_are_listed_by_step(get: Get, store: RunStore, trained: Run) -> None:
    content = json_of(get(f"/norms.json?run={trained.id}"))
    measured = store.queries.list_layer_norms(trained.id)
    assert content["layers"] == ["fc"]
    assert content["steps"] == [entry.step for entry in measured] == list(range(1, 10))
    assert [len(row) for row in content["weights"]] == [len(row) for row in content["gradients"]] == [1] * 9
    assert math.isclose(content["weights"][0][0], measured[0].weights[0], rel_tol=1e-5)


def test_a_norm_that_is_not_finite_is_null(get: Get, store: RunStore) -> None:
    run = store.commands.create_run(TrainConfig(), trainer=own_identity())
    norms = LayerNorms(1, ("fc",), (math.inf,), (math.nan,))
    store.trainer_writes.append_steps(run, Progress(), norms=[norms])
    assert json_of(get(f"/norms.json?run={run.id}")) == {
        "layers": ["fc"],
        "steps": [1],
        "weights": [[None]],
        "gradients": [[None]],
    }


def test_a_run_without_norms_has_empty_lists(get: Get, store: RunStore) -> None:
    run = store.commands.create_run(TrainConfig())
    empty: dict[str, list[object]] = {"layers": [], "steps": [], "weights": [], "gradients": []}
    assert json_of(get(f"/norms.json?run={run.id}")) == empty


def test_bad_queries_get_a_sentence(get: Get) -> None:
    assert get("/norms.json?run=x").status == 400
    missing = get("/norms.json?run=99")
    assert (missing.status, missing.body) == (404, b"There is no run 99.\n")
