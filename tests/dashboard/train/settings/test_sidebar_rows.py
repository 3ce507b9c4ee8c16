"""The rows of the sidebar: what they accept, say and keep in place, through Streamlit's AppTest."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from mnist_core.records import RunStatus
from mnist_core.store import RunStore
from tests.support.web.page_driver import active_run, component_data, open_page, says
from tests.support.web.settings_driver import choose, choose_preset, drafted, start_is_off


def test_a_decimal_comma_is_accepted_and_becomes_a_point(app: AppTest) -> None:
    open_page(app)
    app.text_input(key="lr_field").set_value("0,05").run()
    assert (drafted(app).lr, app.text_input(key="lr_field").value) == (0.05, "0.05")
    assert app.select_slider(key="lr_slider").value == 0.05


def test_what_is_no_number_is_named_and_its_field_marked(app: AppTest) -> None:
    open_page(app)
    app.text_input(key="epochs_field").set_value("*few*").run()
    assert says(app, "Epochs must be a whole number between 1 and 50, got '*few*'.")
    assert component_data(app, "settings_form")["fields"]["epochs_field"]["invalid"]
    assert start_is_off(app)
    assert app.text_input(key="epochs_field").value == "*few*", "it can be corrected"
    assert app.slider(key="epochs_slider").value == 3
    app.slider(key="epochs_slider").set_value(4).run()
    assert not start_is_off(app)
    assert app.text_input(key="epochs_field").value == "4"


def test_several_problems_are_counted(app: AppTest) -> None:
    open_page(app)
    app.text_input(key="epochs_field").set_value("few").run()
    app.text_input(key="lr_field").set_value("slow").run()
    assert any(caption.value.endswith(" And 1 more.") for caption in app.caption)


def test_updates_per_epoch_follow_the_batch_size(app: AppTest) -> None:
    choose(open_page(app), "dataset_field", "mnist-5k")
    assert says(app, "56 updates per epoch")
    app.select_slider(key="batch_size_slider").set_value(32).run()
    assert says(app, "113 updates per epoch")


def expander_label(app: AppTest) -> str:
    return next(expander.label for expander in app.sidebar.expander)


def test_the_expander_says_what_differs(app: AppTest) -> None:
    assert expander_label(open_page(app)) == "More settings"
    choose(app, "dataset_field", "mnist-5k")
    assert expander_label(app) == r"More settings :small[(dataset MNIST\-5k)]"
    app.slider(key="validation_fraction_slider").set_value(0.2).run()
    assert expander_label(app) == "More settings :small[(2 changed)]"
    choose_preset(app, "Classic script")
    app.slider(key="epochs_slider").set_value(9).run()
    assert says(app, "Classic script, but epochs 9.")
    app.text_input(key="epochs_field").set_value("few").run()
    assert says(app, "Classic script, but epochs few.")


ROWS = ("Preset", "Network", "Batch size", "Learning rate", "Momentum", "Epochs", "Run name")


def rows(app: AppTest) -> list[str]:
    """Return the labels of the visible rows, top to bottom."""
    widgets = [*app.sidebar.selectbox, *app.sidebar.select_slider, *app.sidebar.slider, *app.sidebar.text_input]
    return [label for label in ROWS if label in {widget.label for widget in widgets}]


@pytest.mark.parametrize("steerable", [True, False])
def test_this_run_has_the_rows_of_the_next_run(app: AppTest, store: RunStore, steerable: bool) -> None:
    active_run(store, RunStatus.RUNNING if steerable else RunStatus.COMPLETED)
    assert rows(open_page(app)) == list(ROWS)
    app.segmented_control(key="target").set_value("This run").run()
    assert rows(app) == list(ROWS)
    widgets = [*app.sidebar.selectbox, *app.sidebar.select_slider, *app.sidebar.slider, *app.sidebar.text_input]
    usable = {widget.label for widget in widgets if not widget.disabled}
    steered = {
        f"{label}{part}" for label in ("Batch size", "Learning rate", "Momentum") for part in ("", ", exact value")
    }
    assert usable == (steered if steerable else set())
    assert says(app, "Applies from the next batch on") is steerable


def test_without_a_run_this_run_is_disabled(app: AppTest) -> None:
    open_page(app)
    app.segmented_control(key="target").set_value("This run").run()
    assert says(app, "There is no run yet. Start one under Next run.")
    assert all(slider.disabled for slider in app.sidebar.slider)


def test_a_glossary_explains_the_words(app: AppTest) -> None:
    open_page(app)
    for word in ("Loss", "Epoch", "Validation", "Test"):
        assert any(f"**{word}.**" in text.value for text in app.sidebar.markdown)
