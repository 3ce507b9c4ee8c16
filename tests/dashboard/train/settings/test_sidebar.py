"""The settings in the sidebar of the Train page, through Streamlit's AppTest."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from mnist_core import presets
from mnist_core.config import SETTINGS, TrainConfig
from mnist_core.records import RunStatus
from mnist_core.store import RunStore
from mnist_core.system.processes import own_identity
from mnist_core.trainer import speed
from mnist_dashboard.ui.state import stale_widgets
from tests.support.web.page_driver import click, number, open_page, says
from tests.support.web.settings_driver import choose, choose_preset, drafted, preset_box, start_is_off


def test_slider_and_exact_value_follow_each_other(app: AppTest) -> None:
    open_page(app)
    app.text_input(key="lr_field").set_value("0.004").run()
    assert app.select_slider(key="lr_slider").value == 0.004
    app.slider(key="epochs_slider").set_value(7).run()
    assert number(app, "epochs_field") == 7


def test_a_value_out_of_range_is_reported_and_start_is_disabled(app: AppTest) -> None:
    open_page(app)
    app.text_input(key="lr_field").set_value("5.0").run()
    assert says(app, "Learning rate must be between 0.0001 and 1, got 5")
    start = next(button for button in app.button if button.label == "Start training")
    assert start.disabled
    app.text_input(key="lr_field").set_value("0.5").run()
    assert not next(button for button in app.button if button.label == "Start training").disabled


@pytest.mark.parametrize("name", presets.PRESETS)
def test_a_preset_sets_all_widgets_but_dataset_and_seed(app: AppTest, store: RunStore, name: str) -> None:
    open_page(app)
    assert preset_box(app).value == "Defaults"
    app.text_input(key="seed_field").set_value("5").run()
    app.slider(key="momentum_slider").set_value(0.11).run()
    choose(app, "dataset_field", "mnist-5k")
    choose_preset(app, name)
    wanted = TrainConfig(**presets.PRESETS[name], seed=5, dataset="mnist-5k")
    for field in ("lr", "momentum", "epochs", "weight_decay", "seed"):
        assert number(app, f"{field}_field") == getattr(wanted, field), field
    for field in ("model", "optimizer", "schedule", "precision", "dataset"):
        assert app.selectbox(key=f"{field}_field").value == getattr(wanted, field), field
    assert app.select_slider(key="lr_slider").value == wanted.lr
    assert presets.describe_preset(name) in [caption.value for caption in app.sidebar.caption]
    assert app.slider(key="momentum_slider").value == wanted.momentum
    assert app.slider(key="validation_fraction_slider").value == wanted.validation_fraction
    click(app, "Start training")
    assert store.queries.get_run(1).config == wanted


def test_a_changed_preset_is_marked_and_can_be_restored(app: AppTest) -> None:
    choose_preset(open_page(app), "Classic script")
    app.slider(key="epochs_slider").set_value(9).run()
    box = preset_box(app)
    assert box.value == "Classic script (changed)"
    assert set(box.options) == {"Classic script (changed)", *presets.NAMES}
    choose_preset(app, "Classic script")
    assert (app.slider(key="epochs_slider").value, number(app, "epochs_field")) == (1, 1)
    box = preset_box(app)
    assert (box.value, tuple(box.options)) == ("Classic script", presets.NAMES)


def test_settings_changed_back_are_the_preset_again(app: AppTest) -> None:
    open_page(app)
    app.slider(key="epochs_slider").set_value(9).run()
    assert preset_box(app).value == "Defaults (changed)"
    app.slider(key="epochs_slider").set_value(3).run()
    assert preset_box(app).value == "Defaults"


def test_a_widget_has_its_value_as_the_default_too(app: AppTest) -> None:
    """The browser shows the default, and sends it back, when a rerun discards the message that sets the value."""
    choose_preset(open_page(app), "Fast 99.5")
    app.text_input(key="lr_field").set_value("0.25").run()
    fields = {
        field.key: (field.proto.default, field.value)
        for field in app.text_input
        if field.key and field.key.endswith("_field")
    }
    sliders = {slider.key: (slider.proto.default[0], slider.value) for slider in app.slider}
    boxes = {box.key: (box.proto.options[box.proto.default], box.format_func(box.value)) for box in app.selectbox}
    switches = {box.key: (box.proto.default, box.value) for box in app.checkbox}
    lr_slider = app.select_slider(key="lr_slider")
    for key, (default, value) in (fields | sliders | boxes | switches).items():
        assert default == value, key
    assert lr_slider.proto.options[int(lr_slider.proto.default[0])] == "0.25"
    assert fields["epochs_field"] == ("5", "5")


def test_a_preset_replaces_a_value_out_of_range(app: AppTest) -> None:
    open_page(app)
    app.text_input(key="lr_field").set_value("5.0").run()
    assert start_is_off(app)
    choose_preset(app, "Defaults")
    assert not start_is_off(app)
    assert drafted(app) == TrainConfig()


def test_the_preset_box_gets_a_new_key_once_a_slider_changes_its_value(app: AppTest) -> None:
    """Otherwise the browser might send the earlier preset again and undo the slider's change."""
    before = preset_box(open_page(app)).key
    choose_preset(app, "Fast 99")
    assert preset_box(app).key == before, "it would lose the focus"
    app.slider(key="momentum_slider").set_value(0.91).run()
    assert preset_box(app).key != before


@pytest.mark.parametrize("key", ["momentum_slider", "momentum_field"])
def test_a_value_sent_before_the_browser_knew_the_preset_is_ignored(
    app: AppTest, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    def send_half() -> None:
        if key.endswith("slider"):
            app.slider(key=key).set_value(0.5).run()
        else:
            app.text_input(key=key).set_value("0.50").run()

    monkeypatch.setattr(stale_widgets, "STALE_SECONDS", 60.0)
    choose_preset(open_page(app), "Fast 99")
    send_half()
    assert (preset_box(app).value, drafted(app).momentum) == ("Fast 99", 0.9)
    assert app.slider(key="momentum_slider").value == number(app, "momentum_field") == 0.9
    monkeypatch.setattr(stale_widgets, "STALE_SECONDS", 0.0)  # long enough ago to be a change by the user
    send_half()
    assert (preset_box(app).value, drafted(app).momentum) == ("Fast 99 (changed)", 0.5)


def test_an_exact_value_sent_before_the_slider_moved_is_ignored(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stale_widgets, "STALE_SECONDS", 60.0)
    open_page(app)
    app.slider(key="momentum_slider").set_value(0.7).run()
    app.slider(key="momentum_slider").set_value(0.8).run()
    for earlier in ("0.50", "0.70"):
        app.text_input(key="momentum_field").set_value(earlier).run()
        assert drafted(app).momentum == number(app, "momentum_field") == 0.8
    app.text_input(key="momentum_field").set_value("0.6").run()
    assert drafted(app).momentum == app.slider(key="momentum_slider").value == 0.6


def test_settings_stay_after_a_visit_to_the_runs_page(app: AppTest, store: RunStore) -> None:
    store.commands.create_run(TrainConfig())
    choose_preset(open_page(app), "PyTorch example")
    app.slider(key="epochs_slider").set_value(2).run()
    app.switch_page("pages/runs.py").run()
    app.switch_page("pages/train.py").run()
    assert not app.exception
    assert preset_box(app).value == "PyTorch example (changed)"
    assert (app.slider(key="epochs_slider").value, number(app, "gamma_field")) == (2, 0.7)


def test_train_again_shows_its_settings_in_the_sidebar(app: AppTest, store: RunStore) -> None:
    config = TrainConfig(model="mlp", lr=0.05, momentum=0.8, seed=9)
    run = store.commands.create_run(config, trainer=own_identity())
    store.trainer_writes.finish_run(run, RunStatus.STOPPED)
    click(open_page(app, run.id), "Train again")
    assert store.queries.get_run(run.id + 1).config == config
    assert app.select_slider(key="lr_slider").value == number(app, "lr_field") == 0.05
    assert app.selectbox(key="model_field").value == "mlp"
    assert preset_box(app).value == "Custom"
    app.slider(key="epochs_slider").set_value(4).run()
    assert drafted(app) == TrainConfig(model="mlp", lr=0.05, momentum=0.8, seed=9, epochs=4)
    assert preset_box(app).value == "Custom"


def test_nesterov_without_momentum_is_reported_and_start_is_disabled(app: AppTest) -> None:
    open_page(app)
    app.slider(key="momentum_slider").set_value(0.0).run()
    choose(app, "optimizer_field", "nesterov")
    problem = "Momentum must be above 0 with the optimizer nesterov, got 0."
    assert says(app, problem)
    assert start_is_off(app)
    assert app.slider(key="momentum_slider").value == number(app, "momentum_field") == 0
    app.text_input(key="momentum_field").set_value("0.4").run()
    assert not start_is_off(app)
    assert not says(app, problem)


@pytest.mark.parametrize(("device", "refused"), [("auto", True), ("cpu", True), ("cuda", False)])
def test_unsupported_bf16_is_reported_and_start_is_disabled(
    app: AppTest, monkeypatch: pytest.MonkeyPatch, device: str, refused: bool
) -> None:
    monkeypatch.setattr("mnist_core.system.machine.has_bf16", lambda: False)
    choose(open_page(app), "device_field", device)
    choose(app, "precision_field", "bf16")
    problem = "Precision bf16 is not available on this machine's cpu. Choose fp32."
    assert says(app, problem) is refused
    assert start_is_off(app) is refused
    assert not start_is_off(choose(app, "precision_field", "fp32"))


def test_bf16_can_be_chosen_where_the_processor_supports_it(
    app: AppTest, store: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mnist_core.system.machine.has_bf16", lambda: True)
    click(choose(open_page(app), "precision_field", "bf16"), "Start training")
    assert store.queries.get_run(1).config.precision == "bf16"


@pytest.mark.parametrize(("optimizer", "label"), [("adam", "Adam"), ("adadelta", "Adadelta")])
def test_momentum_is_disabled_with_an_optimizer_that_ignores_it(app: AppTest, optimizer: str, label: str) -> None:
    choose(open_page(app), "optimizer_field", optimizer)
    assert app.slider(key="momentum_slider").disabled
    assert app.text_input(key="momentum_field").disabled
    assert f"{label} does not use momentum." in [caption.value for caption in app.caption]
    choose(app, "optimizer_field", "sgd")
    assert not app.slider(key="momentum_slider").disabled


def test_a_refused_momentum_can_be_corrected_with_any_optimizer(app: AppTest) -> None:
    open_page(app)
    app.text_input(key="momentum_field").set_value("2.0").run()
    choose(app, "optimizer_field", "adam")
    assert not app.text_input(key="momentum_field").disabled
    app.text_input(key="momentum_field").set_value("0.5").run()
    assert not start_is_off(app)


def test_gamma_is_usable_with_the_step_schedule(app: AppTest) -> None:
    assert open_page(app).text_input(key="gamma_field").disabled
    choose(app, "schedule_field", "step")
    app.text_input(key="gamma_field").set_value("0.4").run()
    assert drafted(app).gamma == 0.4
    app.text_input(key="gamma_field").set_value("4.0").run()
    choose(app, "schedule_field", "constant")
    assert start_is_off(app)
    app.text_input(key="gamma_field").set_value("0.5").run()
    assert not start_is_off(app)
    assert app.text_input(key="gamma_field").disabled


def test_every_choice_has_a_name_of_its_own(app: AppTest) -> None:
    open_page(app)
    with_choices = [setting for setting in SETTINGS.values() if setting.choices]
    assert {setting.name for setting in with_choices} >= {"model", "optimizer", "schedule", "precision", "dataset"}
    for setting in with_choices:
        options = app.selectbox(key=f"{setting.name}_field").options
        assert len(set(options)) == len(setting.choices)
        assert not set(options) & set(setting.choices), "a person reads the config's own word"


def test_network_is_shown_with_its_size_and_time(app: AppTest) -> None:
    def captions() -> list[str]:
        return [caption.value for caption in app.caption]

    open_page(app)
    assert "431\u202f080 parameters, time not measured yet" in captions()
    speed.save_speeds({speed.speed_key(model, "fp32"): [0.002, 0.002] for model in ("classic", "example")}, "cpu")
    choose(app, "model_field", "example")
    assert "1\u202f199\u202f882 parameters, about 0:02 per epoch" in captions()  # 54 000 images
    app.select_slider(key="batch_size_slider").set_value(1).run()
    assert "1\u202f199\u202f882 parameters, about 1:48 per epoch" in captions()
    choose(app, "model_field", "mlp")
    assert "266\u202f610 parameters, time not measured yet" in captions()
