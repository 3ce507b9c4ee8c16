"""The view Details of one run."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from streamlit.testing.v1 import AppTest

from mnist_core.config import TrainConfig
from mnist_core.exports import archive
from mnist_core.records import FileKind, History, NetworkSource, Progress, RunStatus, StepMetrics
from mnist_core.runs.actions import RunActions
from mnist_core.store import RunStore
from mnist_core.store.codecs.step_codec import STEP_COLUMNS
from mnist_core.system.processes import own_identity
from tests.support.factories import PROVENANCE, finished_run
from tests.support.files.run_files import give_checkpoint
from tests.support.networks import TINY, tiny_source
from tests.support.web.page_driver import (
    Visitor,
    active_run,
    address,
    click,
    component_data,
    labels,
    open_details,
    page_text,
    text_input,
)


def table(app: AppTest, column: str) -> dict[str, Any]:
    """Return the values of the table with this first column, by the entries of that column."""
    return rows(app, column, "Value")


def rows(app: AppTest, first: str, second: str) -> dict[str, str]:
    """Return two columns of the table with this first one, as they show: without the escapes of Markdown."""
    frame = next(element.value for element in app.table if element.value.columns[0] == first)
    texts = ([re.sub(r"\\(.)", r"\1", cell) for cell in frame[column]] for column in (first, second))
    return dict(zip(*texts, strict=True))


def captions(app: AppTest) -> str:
    return "\n".join(caption.value for caption in app.caption).replace("\\", "")


def links(app: AppTest) -> list[str]:
    return [link.proto.label for link in app.get("page_link")]


def test_all_details_of_a_run_are_shown(app: AppTest, store: RunStore) -> None:
    run = finished_run(store, TrainConfig(lr=0.02, seed=7))
    open_details(app, run.id)
    assert "Finished, learns MNIST." in page_text(app)
    assert table(app, "Setting")["Learning rate"] == "0.02"
    assert table(app, "Setting")["Network"] == "Classic CNN"
    assert table(app, "Result")["Test accuracy"] == "90.00\u202f%"
    provenance = table(app, "What")
    assert provenance["Code"] == "c" * 12
    assert (provenance["torch"], provenance["Device"], provenance["Seed"]) == ("2.14.1", "cpu, fp32", "7")
    assert provenance["Dataset checksum"] == "d" * 16
    assert [block.value for block in app.code][-2:] == [
        "OMP_NUM_THREADS=1 python -m mnist_core train --lr 0.02 --dataset mnist --seed 7",
        f"python -m mnist_core rerun {run.id}",
    ]


def test_the_source_of_a_users_own_network_is_shown(app: AppTest, store: RunStore, visitor: Visitor) -> None:
    store.commands.record_network(NetworkSource("tiny.py", TINY, "/no/such/folder/tiny.py"))
    run = finished_run(store, TrainConfig(model=tiny_source().network("Tiny").name))
    open_details(app, run.id)
    assert TINY.strip() in [block.value for block in app.code]
    assert table(app, "Setting")["Network"] == f"Tiny (tiny.py, {tiny_source().sha256[:8]})"
    gone = "tiny.py is gone; runs of this version use the recorded source."
    assert gone in captions(app)
    visitor.become_viewer()
    open_details(app, run.id)
    assert TINY.strip() in [block.value for block in app.code]
    assert "/no/such/folder" not in captions(app)


def test_the_source_of_an_imported_network_is_shown_as_never_run(app: AppTest, store: RunStore, tmp_path: Path) -> None:
    other = RunStore.open(tmp_path / "elsewhere")
    other.commands.record_network(tiny_source())
    network = tiny_source().network("Tiny").name
    provenance = dataclasses.replace(PROVENANCE, network_checksum=tiny_source().sha256)
    exported = finished_run(other, TrainConfig(model=network), provenance=provenance)
    archive.write_archive(other.queries, [exported], tmp_path / "runs.zip")
    other.close()
    (run,) = archive.import_archive(store, tmp_path / "runs.zip")
    open_details(app, run.id)
    assert TINY.strip() in [block.value for block in app.code]
    assert "It came with the imported run. It is shown to be read, and never run here." in captions(app)
    assert "The run cannot be continued, forked or trained again." in captions(app)


def test_the_number_and_size_of_the_snapshots_are_told(app: AppTest, store: RunStore) -> None:
    run = finished_run(store)
    open_details(app, run.id)
    assert not any("Snapshots" in caption.value for caption in app.caption)
    sizes = [give_checkpoint(store, run, step, FileKind.SNAPSHOT).write_bytes(bytes(800_000)) for step in (1, 2, 5)]
    open_details(app, run.id)
    sentence = f"Snapshots of its weights: 3, {sum(sizes) / 1e6} MB."
    assert sentence in [caption.value for caption in app.caption]


def test_settings_carry_their_units(app: AppTest, store: RunStore) -> None:
    open_details(app, finished_run(store).id)
    assert rows(app, "Setting", "Unit")["Batch size"] == "images"


def test_without_runs_the_page_says_where_to_start_one(app: AppTest) -> None:
    open_details(app)
    assert "Settings, results and the origin of a run show here, and notes on it." in page_text(app)


def test_an_address_of_a_missing_run_is_reported_and_the_latest_is_shown(app: AppTest, store: RunStore) -> None:
    active_run(store, RunStatus.COMPLETED)
    for wrong in ("<b>", "99", "9" * 40):
        open_details(app, wrong)
        assert "There is no run" in page_text(app)
        assert component_data(app, "strip")["run"]["id"] == 1


def test_another_run_is_chosen_from_a_list_and_named_in_the_address(app: AppTest, store: RunStore) -> None:
    first, second = finished_run(store), finished_run(store, TrainConfig(lr=0.5))
    open_details(app, second.id)
    app.selectbox(key=f"details_run_{second.id}").set_value(first.id).run()
    assert address(app) == str(first.id)
    assert table(app, "Setting")["Learning rate"] == "0.01"


def test_parents_and_children_are_listed(app: AppTest, store: RunStore) -> None:
    parent = finished_run(store, name="*first*")
    child = RunActions(store).repeat(parent)
    open_details(app, child.id)
    assert "Replays \\*first\\*" in links(app)
    open_details(app, parent.id)
    assert any(label.startswith("Replayed as") for label in links(app))


def test_a_queued_run_says_what_is_recorded_later(app: AppTest, store: RunStore) -> None:
    run = store.commands.create_run(TrainConfig())
    open_details(app, run.id)
    assert "Queued." in page_text(app)
    assert "Code, packages, machine and data are recorded when training begins." in [
        caption.value for caption in app.caption
    ]
    assert "None: its settings stayed the same." in [caption.value for caption in app.caption]


def test_a_deleted_run_says_that_it_is_in_the_bin(app: AppTest, store: RunStore) -> None:
    run = finished_run(store, name="<i>gone</i>")
    store.commands.delete_runs([run.id])
    open_details(app, run.id)
    assert "\\<i\\>gone\\<\\/i\\> is in the bin. Restore it on the Runs page." in page_text(app)


def test_notes_are_shown_as_markdown_without_html(app: AppTest, store: RunStore) -> None:
    run = finished_run(store)
    open_details(app, run.id)
    app.text_area[0].set_value("**Why** <script>alert(1)</script>")
    click(app, "Save")
    assert store.queries.get_run(run.id).notes == "**Why** <script>alert(1)</script>"
    notes = next(block for block in app.markdown if "<script>" in block.value)
    assert not notes.allow_html


def test_a_taken_name_is_refused_and_shown_as_text(app: AppTest, store: RunStore) -> None:
    finished_run(store, name="*a*")
    run = finished_run(store)
    open_details(app, run.id)
    text_input(app, "Name").set_value("*a*")
    click(app, "Save")
    assert "\\*a\\*" in app.error[0].value
    assert store.queries.get_run(run.id).name == "run-2"


def test_the_reason_of_a_failure_is_shown_as_text(app: AppTest, store: RunStore) -> None:
    open_details(app, active_run(store, RunStatus.FAILED, "Out of *memory*.").id)
    assert [error.value for error in app.error] == ["Out of \\*memory\\*\\."]


def test_where_early_stopping_ended_a_run_is_no_error(app: AppTest, store: RunStore) -> None:
    run = active_run(store)
    store.trainer_writes.finish_run(run, RunStatus.COMPLETED, "Stopped at step 36.")
    open_details(app, run.id)
    assert "Stopped at step 36." in captions(app)
    assert not app.error


def test_a_viewer_sees_all_details_and_cannot_edit(app: AppTest, store: RunStore, visitor: Visitor) -> None:
    run = finished_run(store)
    visitor.become_viewer()
    open_details(app, run.id)
    assert "Save" not in labels(app)
    assert table(app, "What")["Seed"] == "1"


def test_a_continued_run_says_how_its_learning_rate_changed_where_it_began(
    app: AppTest, store: RunStore, a_step: Callable[..., StepMetrics]
) -> None:
    config = TrainConfig(batch_size=135)
    parent = finished_run(store, config, steps=[a_step(step, lr=2e-7) for step in (1, 2)])
    run = store.commands.create_run(config, trainer=own_identity(), parent=parent, parent_step=2)
    sentence = "Its learning rate went from 2e-07 to 0.041 after that step."
    open_details(app, run.id)
    assert sentence not in [caption.value for caption in app.caption], "it has not trained yet"
    store.trainer_writes.append_steps(run, Progress(step=3), [a_step(3, lr=0.041)])
    app.run()
    assert sentence in [caption.value for caption in app.caption]


def test_imported_results_are_said_to_be_unverified(app: AppTest, store: RunStore) -> None:
    run = finished_run(store)
    (imported,) = store.commands.import_runs(
        [
            (
                dataclasses.replace(run, provenance=None),
                History(np.empty(0, STEP_COLUMNS), tuple(store.queries.list_evaluations(run.id))),
            )
        ]
    )
    open_details(app, imported.id)
    assert "Finished, learns MNIST, unverified." in page_text(app)
    assert any("Train a run on MNIST here" in caption.value for caption in app.caption)


# Two people edit one run


def test_the_second_of_two_people_is_told_and_both_texts_are_kept(app: AppTest, store: RunStore) -> None:
    run = finished_run(store)
    open_details(app, run.id)
    store.commands.edit_run(run.id, notes="What the first wrote.")
    app.text_area[0].set_value("What the second wrote.")
    click(app, "Save")
    assert store.queries.get_run(run.id).notes == "What the first wrote."
    assert app.error[0].value.startswith("Somebody else has changed the notes of ")
    assert "What the first wrote." in [block.value for block in app.code]
    assert app.text_area[0].value == "What the second wrote."

    click(app, "Save")
    assert store.queries.get_run(run.id).notes == "What the second wrote."
    assert "What the first wrote." not in [block.value for block in app.code]


def test_saving_keeps_what_others_have_changed_in_other_fields(app: AppTest, store: RunStore) -> None:
    run = finished_run(store)
    open_details(app, run.id)
    store.commands.edit_run(run.id, notes="Theirs.", name="theirs")
    text_input(app, "Tags").set_value("good, slow")
    click(app, "Save")
    saved = store.queries.get_run(run.id)
    assert (saved.name, saved.notes, saved.tags) == ("theirs", "Theirs.", ("good", "slow"))
    assert [text_input(app, "Name").value, app.text_area[0].value] == ["theirs", "Theirs."]


def test_two_people_who_write_the_same_do_not_disturb_each_other(app: AppTest, store: RunStore) -> None:
    run = finished_run(store)
    open_details(app, run.id)
    store.commands.edit_run(run.id, notes="The same.")
    app.text_area[0].set_value("The same.")
    click(app, "Save")
    assert not app.error
    assert store.queries.get_run(run.id).notes == "The same."


def test_fields_that_a_person_has_not_changed_follow_what_others_store(app: AppTest, store: RunStore) -> None:
    run = finished_run(store)
    open_details(app, run.id)
    store.commands.edit_run(run.id, name="theirs", tags=["one", "two"])
    app.run()
    assert [text_input(app, "Name").value, text_input(app, "Tags").value] == ["theirs", "one, two"]
    app.text_area[0].set_value("Mine.")
    click(app, "Save")
    saved = store.queries.get_run(run.id)
    assert (saved.name, saved.tags, saved.notes) == ("theirs", ("one", "two"), "Mine.")


def test_a_refused_text_is_explained_inside_the_form(app: AppTest, store: RunStore) -> None:
    run = finished_run(store)
    open_details(app, run.id)
    text_input(app, "Tags").set_value("x" * 31)
    click(app, "Save")
    assert any("A tag must have 1 to 30 characters" in error.value for form in app.get("form") for error in form.error)
    assert text_input(app, "Tags").value == "x" * 31
