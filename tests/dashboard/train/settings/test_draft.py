"""Checking the settings of the next run, and what a browser keeps of them."""

from collections import Counter
from dataclasses import asdict

import pytest
from streamlit.testing.v1 import AppTest

from mnist_core.config import SETTINGS, TrainConfig
from mnist_core.setting import Setting
from mnist_core.store import RunStore
from mnist_dashboard.ui.state import browser_memory, stale_widgets
from tests.dashboard.conftest import MAIN
from tests.support.web.page_driver import Visitor, open_page


def test_a_rerun_validates_each_setting_alone_and_with_the_others(
    app: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_page(app)
    validations: Counter[str] = Counter()
    validate = Setting.validate

    def count(setting: Setting, value: object) -> object:
        validations[setting.name] += 1
        return validate(setting, value)

    monkeypatch.setattr(Setting, "validate", count)
    open_page(app)
    assert validations == dict.fromkeys(SETTINGS, 2)


# ---------------------------------------------------------------------- what the browser keeps

COOKIE = "mnist_draft_8501"


def visit_again(app: AppTest, visitor: Visitor) -> AppTest:
    """Open the page in another tab of the same browser."""
    visitor.cookies.update(app.session_state["browser_memory_changed"])
    return open_page(AppTest.from_file(str(MAIN), default_timeout=20))


def test_a_new_page_begins_with_the_draft_of_the_last(app: AppTest, visitor: Visitor) -> None:
    open_page(app)
    app.text_input(key="lr_field").set_value("0.05").run()
    app.selectbox(key="dataset_field").set_value("mnist-5k").run()
    app.text_input(key="run_name").set_value("mine").run()
    app.text_input(key="epochs_field").set_value("fast").run()
    again = visit_again(app, visitor)
    assert again.session_state["draft"] == asdict(TrainConfig(lr=0.05, dataset="mnist-5k"))
    assert (again.text_input(key="lr_field").value, again.text_input(key="run_name").value) == ("0.05", "mine")
    assert again.select_slider(key="lr_slider").value == 0.05


def test_a_changed_preset_is_kept_with_its_name(app: AppTest, visitor: Visitor) -> None:
    open_page(app)
    next(box for box in app.selectbox if box.label == "Preset").set_value("Fast 99").run()
    app.slider(key="epochs_slider").set_value(4).run()
    again = visit_again(app, visitor)
    assert next(box for box in again.selectbox if box.label == "Preset").value == "Fast 99 (changed)"


def test_defaults_are_not_kept_unless_they_replace_something(app: AppTest, visitor: Visitor) -> None:
    open_page(app)
    assert "browser_memory_changed" not in app.session_state
    app.slider(key="epochs_slider").set_value(4).run()
    app.slider(key="epochs_slider").set_value(3).run()
    assert visit_again(app, visitor).session_state["draft"] == asdict(TrainConfig())


def test_a_run_name_stays_after_a_visit_to_another_page(app: AppTest, store: RunStore) -> None:
    store.commands.create_run(TrainConfig())
    open_page(app)
    app.text_input(key="run_name").set_value("mine").run()
    app.switch_page("pages/runs.py").run()
    app.switch_page("pages/train.py").run()
    assert app.text_input(key="run_name").value == "mine"


def test_a_viewer_keeps_nothing(app: AppTest, visitor: Visitor) -> None:
    visitor.become_viewer()
    visitor.cookies[COOKIE] = browser_memory.encode({"settings": {"lr": 0.3}})
    assert open_page(app).session_state["draft"] == asdict(TrainConfig())
    assert "browser_memory_changed" not in app.session_state


@pytest.mark.parametrize(
    "kept",
    [
        [],
        "text",
        {"settings": [], "name": [], "preset": []},
        {"settings": {"lr": {"deep": 1}, "model": [], "epochs": True, "save_model": 1, "seed": 10**30, "none": 1}},
        {"settings": {"lr": "0.3", "model": "huge", "batch_size": 1.5}, "name": "a\u202eb", "preset": "Fastest"},
        {"name": "x" * 500, "preset": {"a": 1}},
    ],
)
def test_a_forged_draft_is_ignored(app: AppTest, visitor: Visitor, kept: object) -> None:
    visitor.cookies[COOKIE] = browser_memory.encode(kept)
    open_page(app)
    assert app.session_state["draft"] == asdict(TrainConfig())
    assert app.text_input(key="run_name").value == ""
    assert next(box for box in app.selectbox if box.label == "Preset").value == "Defaults"


# ---------------------------------------------------------------------- augmentation and shift


def test_augmentation_and_shift_follow_each_other(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stale_widgets, "STALE_SECONDS", 0.0)  # each step here is later than that
    open_page(app)

    def shown() -> tuple[str | None, str | None]:
        assert app.session_state["draft"] == asdict(TrainConfig(**app.session_state["draft"]))
        return app.selectbox(key="augmentation_field").value, app.text_input(key="max_shift_field").value

    assert shown() == ("none", "0")
    app.selectbox(key="augmentation_field").set_value("affine").run()
    assert shown() == ("affine", "2")
    app.text_input(key="max_shift_field").set_value("0").run()
    assert shown() == ("affine", "0")
    app.selectbox(key="augmentation_field").set_value("shift").run()
    assert shown() == ("shift", "2")
    app.text_input(key="max_shift_field").set_value("0").run()
    assert shown() == ("none", "0")
    app.text_input(key="max_shift_field").set_value("3").run()
    assert shown() == ("shift", "3")
    app.selectbox(key="augmentation_field").set_value("none").run()
    assert shown() == ("none", "0")


def test_a_shift_that_a_browser_kept_before_there_was_an_augmentation_still_shifts(
    app: AppTest, visitor: Visitor
) -> None:
    open_page(app)
    app.text_input(key="max_shift_field").set_value("3").run()
    app.session_state["draft"]["augmentation"] = "none"
    app.text_input(key="run_name").set_value("mine").run()
    again = visit_again(app, visitor)
    assert again.session_state["draft"] == asdict(TrainConfig(max_shift=3))
    assert again.selectbox(key="augmentation_field").value == "shift"
