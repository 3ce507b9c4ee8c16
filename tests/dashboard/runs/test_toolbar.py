"""The actions on selected runs on the Runs page."""

from __future__ import annotations

import string
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from mnist_core.config import TrainConfig
from mnist_core.exports.formats import FORMATS
from mnist_core.records import RunStatus
from mnist_core.store import RunStore
from mnist_dashboard.runs import export_import
from mnist_dashboard.runs.table_state import TableState
from mnist_dashboard.server.roles.access_policy import MAX_EXPORTS
from mnist_dashboard.server.roles.client_location import CLIENT_ADDRESS_HEADER
from mnist_dashboard.ui import markdown
from tests.support.factories import finished_run
from tests.support.web.page_driver import (
    Visitor,
    active_run,
    click,
    component_data,
    labels,
    open_runs,
    page_text,
    text_input,
)


def test_train_again_puts_the_settings_into_the_sliders(app: AppTest, store: RunStore) -> None:
    run = store.commands.create_run(TrainConfig(lr=0.02, momentum=0.9))
    store.commands.request_stop(run.id)
    click(open_runs(app, runs=str(run.id)), "Train again with these")
    assert app.session_state["draft"]["lr"] == 0.02
    assert app.session_state["draft"]["momentum"] == 0.9
    assert "Start training" in labels(app)
    assert "Add to queue" not in labels(app)


def test_three_more_seeds_are_queued_with_one_click(app: AppTest, store: RunStore) -> None:
    run = active_run(store, RunStatus.COMPLETED)
    click(open_runs(app, runs=str(run.id)), "Run 3 more seeds")
    assert [queued.config.seed for queued in store.queries.list_queued_runs()] == [2, 3, 4]
    assert "3 runs like run\\-1, with other seeds, are in the queue." in page_text(app)


def test_more_seeds_of_a_group_are_new_ones(app: AppTest, store: RunStore) -> None:
    for seed in (1, 3):
        finished_run(store, TrainConfig(seed=seed))
    click(open_runs(app, runs="1,2"), "Run 3 more seeds")
    assert [queued.config.seed for queued in store.queries.list_queued_runs()] == [2, 4, 5]


def test_more_seeds_are_not_offered_for_runs_that_differ_in_more(app: AppTest, store: RunStore) -> None:
    for lr in (0.01, 0.02):
        finished_run(store, TrainConfig(lr=lr))
    open_runs(app, runs="1,2")
    assert next(button.disabled for button in app.button if button.label == "Run 3 more seeds")


def test_several_runs_are_starred_tagged_and_archived_at_once(app: AppTest, store: RunStore) -> None:
    for _ in range(2):
        active_run(store, RunStatus.COMPLETED)
    open_runs(app, runs="1,2")
    click(app, "Star")
    app.text_input(key="new_tags").set_value("good, very good,")
    click(app, "Add")
    assert [(run.starred, run.tags) for run in store.queries.list_runs()] == [(True, ("good", "very good"))] * 2
    assert app.text_input(key="new_tags").value == ""
    click(app, "Unstar")
    assert not any(run.starred for run in store.queries.list_runs())


def test_archived_runs_leave_the_selection_unless_the_table_shows_them(app: AppTest, store: RunStore) -> None:
    for _ in range(3):
        active_run(store, RunStatus.COMPLETED)
    store.commands.edit_run(3, archived=True)
    open_runs(app, runs="1,2,3")
    click(app, "Archive")
    assert [run.archived for run in store.queries.list_runs()] == [True] * 3
    assert "runs" not in app.query_params
    assert r"Archived run\-1, run\-2." in page_text(app)
    click(app, "Undo")
    assert [run.archived for run in store.queries.list_runs()] == [False, False, True]
    app.session_state["runs_view"] = TableState(archived=True)
    app.session_state["ticked_runs"] = [1]
    app.run()
    click(app, "Archive")
    assert app.query_params["runs"] == "1"


def test_an_invalid_tag_is_refused_inside_the_form_and_stays_there(app: AppTest, store: RunStore) -> None:
    active_run(store, RunStatus.COMPLETED)
    open_runs(app, runs="1")
    app.text_input(key="new_tags").set_value("fine, " + "x" * 31)
    click(app, "Add")
    (form,) = app.get("form")
    assert "A tag must have 1 to 30 characters" in form.error[0].value
    assert app.text_input(key="new_tags").value == "fine, " + "x" * 31
    assert store.queries.get_run(1).tags == ()


def test_deleting_can_be_undone(app: AppTest, store: RunStore) -> None:
    for _ in range(2):
        active_run(store, RunStatus.COMPLETED)
    click(open_runs(app, runs="1,2"), "Delete")
    assert store.queries.list_runs() == []
    assert "Deleted run\\-1, run\\-2." in page_text(app)
    click(app, "Undo")
    assert [run.name for run in store.queries.list_runs()] == ["run-1", "run-2"]


def test_deleted_runs_can_be_restored_from_the_bin(app: AppTest, store: RunStore) -> None:
    active_run(store, RunStatus.COMPLETED)
    store.commands.delete_runs([1])
    active_run(store, RunStatus.COMPLETED)
    open_runs(app)
    app.multiselect(key="to_restore").set_value([1]).run()
    click(app, "Restore")
    assert [run.id for run in store.queries.list_runs()] == [1, 2]


def test_when_all_runs_are_deleted_the_page_points_to_the_bin(app: AppTest, store: RunStore) -> None:
    active_run(store, RunStatus.COMPLETED)
    store.commands.delete_runs([1])
    open_runs(app)
    assert "All runs are in the bin." in page_text(app)
    app.multiselect(key="to_restore").set_value([1]).run()
    click(app, "Restore")
    assert [run.id for run in store.queries.list_runs()] == [1]


def test_a_viewer_without_runs_is_told_who_starts_them(app: AppTest, visitor: Visitor) -> None:
    visitor.become_viewer()
    open_runs(app)
    assert "They appear here as soon as the owner starts one." in page_text(app)


def test_deleting_a_run_that_is_training_asks_and_stops_it_first(app: AppTest, store: RunStore) -> None:
    run = active_run(store)
    click(open_runs(app, runs=str(run.id)), "Delete")
    assert store.queries.get_run(run.id).status is RunStatus.RUNNING
    assert "run\\-1 is not over." in page_text(app)
    click(app, "Stop and delete")
    deleted = store.queries.get_run(run.id)
    assert deleted.status is RunStatus.STOPPING
    assert deleted.deleted_at


def test_nothing_can_be_done_without_a_selection(app: AppTest, store: RunStore) -> None:
    active_run(store, RunStatus.COMPLETED)
    open_runs(app)
    for_selected_runs = ("Star", "Archive", "Delete")
    disabled = {button.label: button.disabled for button in app.button if button.label in for_selected_runs}
    assert disabled == dict.fromkeys(for_selected_runs, True)


def test_a_viewer_can_compare_but_not_change_runs(app: AppTest, store: RunStore, visitor: Visitor) -> None:
    active_run(store, RunStatus.COMPLETED)
    visitor.become_viewer()
    open_runs(app, runs="1", show="Details")
    assert labels(app) == ["Prepare the file"]
    assert component_data(app, "runs_table")["selected"] == [1]


def test_names_tags_and_notes_are_saved(app: AppTest, store: RunStore) -> None:
    active_run(store, RunStatus.COMPLETED)
    open_runs(app, runs="1")
    app.segmented_control(key="show").set_value("Details").run()
    text_input(app, "Name").set_value("<b>mine</b>")
    text_input(app, "Tags").set_value("one, two")
    app.text_area[0].set_value("# Why\n<script>alert(1)</script> ![x](http://elsewhere/x.png)")
    click(app, "Save")
    saved = store.queries.get_run(1)
    assert (saved.name, saved.tags) == ("<b>mine</b>", ("one", "two"))
    notes = [block for block in app.markdown if "<script>" in block.value]
    assert [block.allow_html for block in notes] == [False]
    assert "![" not in notes[0].value


def test_a_taken_name_is_refused_with_a_sentence(app: AppTest, store: RunStore) -> None:
    for _ in range(2):
        active_run(store, RunStatus.COMPLETED)
    open_runs(app, runs="1")
    app.segmented_control(key="show").set_value("Details").run()
    text_input(app, "Name").set_value("run-2")
    click(app, "Save")
    assert markdown.escape("A run named 'run-2' exists already") in page_text(app)
    assert store.queries.get_run(1).name == "run-1"


def test_a_name_is_shown_as_typed() -> None:
    assert markdown.escape("<b>*x* [a](b) :red[c] $d$ 1.") == "\\<b\\>\\*x\\* \\[a\\]\\(b\\) \\:red\\[c\\] \\$d\\$ 1\\."


@pytest.mark.parametrize("sign", ["->", "<-", "--", ">=", "<=", "~=", ":streamlit:", ":material_check:"])
def test_signs_that_streamlit_replaces_even_if_escaped_are_split(sign: str) -> None:
    escaped = "".join(rf"\{one}" if one in string.punctuation else one for one in sign)
    assert markdown.escape(f"a {sign} b") == f"a {escaped[:2]}\u2060{escaped[2:]} b"


def test_an_export_is_prepared_and_offered(app: AppTest, store: RunStore) -> None:
    active_run(store, RunStatus.COMPLETED)
    open_runs(app, runs="1")
    click(app, "Prepare the file")
    assert [button.proto.label for button in app.get("link_button")] == ["Download run\\-1\\-csv\\.csv"]


def test_a_refused_export_says_why(app: AppTest, store: RunStore) -> None:
    active_run(store)
    open_runs(app, runs="1")
    app.selectbox(key="export_format").set_value("archive").run()
    click(app, "Prepare the file")
    assert "Export it when it has ended" in page_text(app)


def test_a_viewer_downloads_tables_and_leaves_no_file_in_the_runs_folder(
    app: AppTest, store: RunStore, places: Path, visitor: Visitor
) -> None:
    active_run(store, RunStatus.COMPLETED)
    visitor.become_viewer()
    open_runs(app, runs="1")
    assert app.selectbox(key="export_format").options == [FORMATS[name].label for name in export_import.VIEWER_FORMATS]
    for name in export_import.VIEWER_FORMATS:
        app.selectbox(key="export_format").set_value(name).run()
        click(app, "Prepare the file")
        assert len(app.get("link_button")) == 1
    assert not (places / "runs" / "exports").exists()


def test_a_viewer_who_downloads_too_often_has_to_wait(app: AppTest, store: RunStore, visitor: Visitor) -> None:
    active_run(store, RunStatus.COMPLETED)
    visitor.become_viewer()
    open_runs(app, runs="1")
    for _ in range(MAX_EXPORTS):
        click(app, "Prepare the file")
    assert len(app.get("link_button")) == 1
    click(app, "Prepare the file")
    assert not app.get("link_button")
    assert "Wait a little" in page_text(app)
    visitor.headers[CLIENT_ADDRESS_HEADER] = "10.0.0.10"
    click(app, "Prepare the file")
    assert len(app.get("link_button")) == 1


@pytest.mark.fault
def test_a_viewer_is_refused_an_export_that_is_too_large(
    app: AppTest, store: RunStore, visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export_import, "MAX_VIEWER_STEPS", 400)
    active_run(store, RunStatus.COMPLETED)
    open_runs(app, runs="1")
    app.selectbox(key="export_format").set_value("curves-csv").run()
    visitor.become_viewer()
    click(app, "Prepare the file")
    assert not app.get("link_button")
    assert "412 batches" in page_text(app)
