"""The form of a search: what it starts, what it refuses, and what it remembers."""

from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from mnist_core.store import RunStore
from mnist_core.sweeps.spec import SweepSpec
from mnist_dashboard.sweep import search_draft
from mnist_dashboard.ui.state import browser_memory, stale_widgets
from tests.dashboard.conftest import MAIN
from tests.support.web.page_driver import Visitor, click, open_page, says


@pytest.fixture(autouse=True)
def no_echo(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stale_widgets, "STALE_SECONDS", 0.0)  # each step here is later than that


@pytest.fixture
def form(app: AppTest) -> AppTest:
    open_page(app).switch_page("pages/sweep.py").run()
    assert not app.exception
    return app


def start(app: AppTest, store: RunStore) -> SweepSpec:
    """Press Start, and return the search that it has started."""
    click(app, "Start search")
    [sweep] = store.sweeps.list_sweeps()
    assert sweep.in_server
    return SweepSpec.from_json(sweep.spec)


def set_field(app: AppTest, name: str, value: str) -> AppTest:
    app.text_input(key=f"search_{name}_field").set_value(value).run()
    assert not app.exception
    return app


def refused(app: AppTest) -> list[str]:
    """Return what the form says is wrong beside its fields; Start is then disabled."""
    texts = list(dict.fromkeys(text.value for text in app.sidebar.caption if text.value.startswith(":red[")))
    assert app.button(key="start").disabled is bool(texts)
    return texts


# ---------------------------------------------------------------------- one click


def test_one_click_starts_a_search_of_the_sliders_settings(form: AppTest, store: RunStore) -> None:
    form.session_state["draft"] |= {"lr": 0.0002, "optimizer": "nesterov", "save_model": True, "epochs": 20}
    spec = start(form.run(), store)
    assert [parameter.name for parameter in spec.parameters] == ["lr", "momentum", "batch_size"]
    assert spec.fixed == {"optimizer": "nesterov", "train_fraction": 0.1, "epochs": 2}
    assert spec.minutes == 2.0
    compared = spec.compared_config(5)
    assert (compared.lr, compared.optimizer, compared.epochs, compared.train_fraction) == (0.0002, "nesterov", 2, 0.1)
    assert form.query_params["sweep"] in ("1", ["1"])


def test_viewers_see_the_form_and_cannot_start(form: AppTest, visitor: Visitor) -> None:
    visitor.become_viewer()
    form.run()
    assert form.button(key="start").disabled
    assert all(field.disabled for field in [*form.sidebar.text_input, *form.sidebar.checkbox, *form.sidebar.selectbox])


def test_a_value_typed_just_before_start_counts(form: AppTest, store: RunStore) -> None:
    form.text_input(key="search_trials_field").set_value("7")
    assert start(form, store).trials == 7


# ---------------------------------------------------------------------- the search space


def test_another_setting_can_be_added_and_taken_away(form: AppTest, store: RunStore) -> None:
    box = next(box for box in form.selectbox if box.label == "Add a setting")
    box.set_value("optimizer").run()
    assert form.multiselect(key="search_optimizer_values_field").value == ["sgd", "nesterov", "adam", "adadelta"]
    form.multiselect(key="search_optimizer_values_field").set_value(["sgd", "adam"]).run()
    form.checkbox(key="search_momentum_on_field").uncheck().run()
    spec = start(form, store)
    assert {parameter.name: parameter.to_json() for parameter in spec.parameters}["optimizer"] == ["sgd", "adam"]
    assert "momentum" not in {parameter.name for parameter in spec.parameters}
    form.checkbox(key="search_optimizer_on_field").uncheck().run()
    assert "Optimizer" in next(box for box in form.selectbox if box.label == "Add a setting").options


def test_fields_and_slider_of_a_range_follow_each_other(form: AppTest, store: RunStore) -> None:
    set_field(form, "lr_low", "0,02")
    assert form.text_input(key="search_lr_low_field").value == "0.02"
    assert form.select_slider(key="search_lr_range_range").value == (0.02, 0.3)
    form.select_slider(key="search_lr_range_range").set_value((0.05, 0.1)).run()
    assert form.text_input(key="search_lr_high_field").value == "0.1"
    [lr] = [parameter for parameter in start(form, store).parameters if parameter.name == "lr"]
    assert lr.to_json() == {"low": 0.05, "high": 0.1, "log": True, "points": 0}


def test_a_setting_without_effect_is_not_searched(form: AppTest, store: RunStore) -> None:
    form.session_state["draft"] |= {"optimizer": "adam"}
    assert "momentum" not in {parameter.name for parameter in start(form.run(), store).parameters}


def test_a_grid_says_how_many_points_it_has(form: AppTest) -> None:
    form.selectbox(key="search_sampler_field").set_value("grid").run()
    assert says(form, "The grid has 125 points.")
    for name in ("lr", "momentum", "batch_size"):
        set_field(form, f"{name}_points", "100")
    [text] = refused(form)
    assert "The grid has 970,000 points, and at most 10,000 are possible" in text.replace("\\", "")  # 97 batch sizes


def test_a_target_accuracy_needs_no_pruner(form: AppTest, store: RunStore) -> None:
    form.selectbox(key="search_pruner_field").set_value("hyperband").run()
    form.selectbox(key="search_objective_field").set_value("time").run()
    assert says(form, "the pruner is not used")
    spec = start(form, store)
    assert (spec.objective, spec.pruner) == ("time", "none")


# ---------------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"lr_low": "0.5"}, "The range of the learning rate must begin below its end, got 0.5 to 0.3."),
        ({"lr_low": "7"}, "Learning rate must be between 0.0001 and 1, got 7."),
        ({"lr_high": "fast"}, "Learning rate must be a number between 0.0001 and 1, got 'fast'."),
        ({"trials": "0"}, "Trials must be between 1 and 100000, got 0."),
        ({"trials": "", "minutes": ""}, "A sweep needs an end: give it a number of trials, minutes, or both."),
        ({"momentum_low": "0"}, "Momentum must be above 0 with the optimizer nesterov"),
    ],
)
def test_what_cannot_be_searched_is_said_in_one_sentence(
    form: AppTest, store: RunStore, fields: dict[str, str], sentence: str
) -> None:
    form.session_state["draft"] |= {"optimizer": "nesterov"}
    for name, value in fields.items():
        set_field(form, name, value)
    texts = "\n".join(refused(form)).replace("\\", "")
    assert sentence in texts or sentence[0].lower() + sentence[1:] in texts
    assert not store.sweeps.list_sweeps()


def test_nothing_to_search_is_refused(form: AppTest) -> None:
    for name in ("lr", "momentum", "batch_size"):
        form.checkbox(key=f"search_{name}_on_field").uncheck().run()
    assert form.button(key="start").disabled
    assert "A sweep needs a setting to search" in form.button(key="start").help


def test_a_problem_on_train_is_told(form: AppTest) -> None:
    form.session_state["draft"] |= {"validation_fraction": 0.0}
    form.run()
    assert form.button(key="start").disabled
    assert "the validation fraction must be above 0" in form.button(key="start").help


# ---------------------------------------------------------------------- memory


def test_the_form_is_the_same_after_a_visit_to_another_page_and_in_a_new_one(form: AppTest, visitor: Visitor) -> None:
    set_field(form, "trials", "12")
    form.checkbox(key="search_model_on_field").check().run()
    form.switch_page("pages/train.py").run()
    form.switch_page("pages/sweep.py").run()
    assert form.text_input(key="search_trials_field").value == "12"
    visitor.cookies.update(form.session_state["browser_memory_changed"])
    again = AppTest.from_file(str(MAIN), default_timeout=20)
    again.run().switch_page("pages/sweep.py").run()
    assert again.text_input(key="search_trials_field").value == "12"
    assert again.checkbox(key="search_model_on_field").value


@pytest.mark.parametrize(
    "kept",
    [
        [],
        {"trials": True, "minutes": [], "lr.low": "0.1", "lr.on": 1, "objective": "test", "model.values": "classic"},
        {"model.values": ["huge"], "model.on": "yes", "lr.low": 5, "nothing": 1, "optimizer.values": [["sgd"]]},
    ],
)
def test_a_forged_form_is_ignored(app: AppTest, visitor: Visitor, kept: Any) -> None:
    cookie = browser_memory._cookie_name(search_draft.MEMORY)
    visitor.cookies[cookie] = browser_memory.encode(kept)
    open_page(app).switch_page("pages/sweep.py").run()
    assert not app.exception
    assert app.session_state["search_draft"] == search_draft.first_values()
