"""Tables and curves, read back by the programs that they are for."""

import csv
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from mnist_core.config import TrainConfig
from mnist_core.exports.export_worker import export
from mnist_core.records import Run, RunStatus, StepMetrics
from mnist_core.store import RunStore
from tests.support.factories import finished_run

Step = Callable[..., StepMetrics]


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\uff1d", "\t", "\n"])
def test_text_that_begins_like_a_formula_stays_text_in_a_spreadsheet(
    store: RunStore, tmp_path: Path, start: str
) -> None:
    run = finished_run(store, name="=1+1")
    notes = f"{start}HYPERLINK(1)"
    store.commands.edit_run(run.id, notes=notes, tags=["-1", "<b>"])
    export(store.queries, store.queries.list_runs(), "csv", tmp_path / "t.csv")
    with (tmp_path / "t.csv").open(newline="", encoding="utf-8") as file:
        (row,) = csv.DictReader(file)
    assert (row["Run"], row["Notes"], row["Tags"]) == ("'=1+1", f"'{notes}", "'-1, <b>")


def test_numbers_stay_numbers_in_csv(store: RunStore, tmp_path: Path) -> None:
    finished_run(store, TrainConfig(lr=0.025, weight_decay=0.001))
    finished_run(store, validation=None)
    export(store.queries, store.queries.list_runs(), "csv", tmp_path / "t.csv")
    table = pd.read_csv(tmp_path / "t.csv")
    assert table["Learning rate"].tolist() == [0.025, 0.01]
    assert table["Test accuracy"].tolist() == [0.9, 0.9]
    assert table["Validation accuracy"].isna().tolist() == [False, True]
    assert table["Batch size (images)"].dtype.kind == "i"


def test_parquet_holds_the_same_table_with_its_types(store: RunStore, recorded: Run, tmp_path: Path) -> None:
    export(store.queries, [recorded], "parquet", tmp_path / "t.parquet")
    table = pd.read_parquet(tmp_path / "t.parquet")
    assert table["name"].tolist() == ["=1+1"]
    assert table["lr"].tolist() == [0.01]
    assert str(table["starred"].dtype) == "boolean"


@pytest.mark.parametrize("name", ["curves-csv", "curves-parquet"])
def test_curves_have_a_row_for_each_step_and_evaluation(
    store: RunStore, recorded: Run, tmp_path: Path, name: str
) -> None:
    other = finished_run(store)
    export(store.queries, [recorded, other], name, tmp_path / "c")
    table = pd.read_csv(tmp_path / "c") if name == "curves-csv" else pd.read_parquet(tmp_path / "c")
    table = table.rename(columns={"Number": "run_id"}).rename(columns=str.lower)
    training = table[table["split"] == "training"]
    assert training["loss"].tolist() == pytest.approx([1, 1 / 2, 1 / 3, 1 / 4, 1 / 5])
    assert training["step"].tolist() == [1, 2, 3, 4, 5]
    assert table[table["split"] == "test"]["run_id"].tolist() == [recorded.id, other.id]
    assert set(table["run"]) == {"'=1+1" if name == "curves-csv" else "=1+1", other.name}


def test_the_types_of_a_table_depend_on_no_value(store: RunStore, tmp_path: Path, a_step: Step) -> None:
    waiting = store.commands.create_run(TrainConfig(lr=1, momentum=0))  # has no result yet, and only whole numbers
    full = store.commands.create_run(TrainConfig(), parent=finished_run(store, steps=[a_step(1)]))
    for number, runs in enumerate(([waiting], [full], [waiting, full])):
        export(store.queries, runs, "parquet", tmp_path / f"{number}.parquet")
    first, second, both = (pq.read_schema(tmp_path / f"{number}.parquet") for number in range(3))
    assert first.equals(second)
    assert first.equals(both)
    types = dict(zip(first.names, map(str, first.types), strict=True))
    assert {types[name] for name in ("lr", "weight_decay", "test_accuracy", "elapsed_seconds")} == {"double"}
    assert {types[name] for name in ("id", "batch_size", "step", "parent_id", "interventions")} == {"int64"}
    assert {types[name] for name in ("name", "status", "created_at", "commit", "tags", "model")} == {"large_string"}
    assert {types[name] for name in ("starred", "save_model")} == {"bool"}


def test_whole_and_missing_numbers_look_in_csv_as_their_column_does(store: RunStore, tmp_path: Path) -> None:
    parent = finished_run(store, TrainConfig(lr=1))
    store.commands.create_run(TrainConfig(lr=1), parent=parent)
    export(store.queries, store.queries.list_runs(), "csv", tmp_path / "t.csv")
    with (tmp_path / "t.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["Learning rate"] for row in rows] == ["1.0", "1.0"]
    assert [row["Parent"] for row in rows] == ["", "1"]
    assert [row["Test accuracy"] for row in rows] == ["0.9", ""]


@pytest.mark.parametrize("name", ["curves-csv", "curves-parquet"])
@pytest.mark.parametrize("order", [1, -1])
def test_curves_of_runs_without_steps_are_empty(store: RunStore, tmp_path: Path, name: str, order: int) -> None:
    runs = [store.commands.create_run(TrainConfig()), finished_run(store)][::order]
    for number, chosen in enumerate((runs, [run for run in runs if run.status is RunStatus.QUEUED])):
        export(store.queries, chosen, name, tmp_path / f"{number}")
    read = pd.read_csv if name == "curves-csv" else pd.read_parquet
    both, nothing = (read(tmp_path / f"{number}") for number in range(2))
    assert both.iloc[:, 0].tolist() == [2, 2]
    assert len(nothing) == 0
    assert list(nothing) == list(both)
    if name == "curves-parquet":
        assert nothing.dtypes.to_dict() == both.dtypes.to_dict()


@pytest.mark.parametrize(
    ("notes", "cell"),
    [
        ("a;=1+1", "a;'=1+1"),
        ("a; =1+1", "a; '=1+1"),
        ("a\t@x", "a\t'@x"),
        ("a\n-1", "a\n'-1"),
        (";\n;+1", ";\n;'+1"),
        ("=a;=b", "'=a;'=b"),
        ("a = b; c-d", "a = b; c-d"),
    ],
)
def test_no_part_of_a_text_becomes_a_formula_where_lines_are_split_at_semicolons(
    store: RunStore, tmp_path: Path, notes: str, cell: str
) -> None:
    store.commands.edit_run(finished_run(store).id, notes=notes)
    export(store.queries, store.queries.list_runs(), "csv", tmp_path / "t.csv")
    with (tmp_path / "t.csv").open(newline="", encoding="utf-8-sig") as file:
        (row,) = csv.DictReader(file)
    assert row["Notes"] == cell


@pytest.mark.parametrize("name", ["csv", "curves-csv"])
def test_csv_says_that_it_is_utf_8(store: RunStore, recorded: Run, tmp_path: Path, name: str) -> None:
    store.commands.edit_run(recorded.id, name="\u795e\u7d4c")
    export(store.queries, store.queries.list_runs(), name, tmp_path / "t.csv")
    content = (tmp_path / "t.csv").read_bytes()
    assert content.startswith(b"\xef\xbb\xbf")
    assert content.count(b"\xef\xbb\xbf") == 1
    for encoding in (None, "utf-8-sig"):
        assert pd.read_csv(tmp_path / "t.csv", encoding=encoding).columns[0] == "Number"


def test_curves_of_runs_with_and_without_steps_form_one_dataset(store: RunStore, recorded: Run, tmp_path: Path) -> None:
    waiting, diverged = store.commands.create_run(TrainConfig()), finished_run(store, validation=None)
    for number, runs in enumerate(([waiting], [recorded], [diverged], [waiting, recorded])):
        export(store.queries, runs, "curves-parquet", tmp_path / "curves" / f"{number}.parquet")
    schemas = [pq.read_schema(path) for path in sorted((tmp_path / "curves").iterdir())]
    assert all(schema.equals(schemas[0]) for schema in schemas)
    assert "null" not in map(str, schemas[0].types)
    assert len(pq.read_table(tmp_path / "curves")) == sum(
        len(pq.read_table(path)) for path in (tmp_path / "curves").iterdir()
    )
