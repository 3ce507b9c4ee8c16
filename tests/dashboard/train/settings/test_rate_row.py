"""The line below the learning rate: its states, and what its buttons do, through Streamlit's AppTest."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

from streamlit.testing.v1 import AppTest

from mnist_core.config import TrainConfig
from mnist_core.records import RunStatus
from mnist_core.store import RunStore
from mnist_core.sweeps.rate_zones import RateZones, save_zones, zone_settings
from mnist_dashboard import services
from mnist_dashboard.train.settings import rate_row
from mnist_dashboard.train.settings.binding import SettingsBinding
from tests.support.factories import finished_run
from tests.support.web.page_driver import Visitor, active_run, component_data, open_page
from tests.support.web.settings_driver import choose


def save(config: TrainConfig | None = None, **found: Any) -> RateZones:
    values = {"safe_up_to": 0.1, "diverges_above": 0.3, "suggested": 0.03, "rates": [0.0001], "losses": [2.3]}
    zones = RateZones(settings=zone_settings(config or TrainConfig()), **(found or values))
    save_zones(zones)
    return zones


def line(app: AppTest, key: str = "rate_zones") -> dict[str, Any]:
    data: dict[str, Any] = component_data(app, key)
    return data


def test_before_a_test_it_offers_one(app: AppTest) -> None:
    shown = line(open_page(app))
    assert (shown["state"], shown["may_test"], shown["slider"]) == ("untested", True, "lr_slider")
    assert shown["suggested"] is None


def test_zones_say_where_the_rate_is_and_follow_it(app: AppTest) -> None:
    save()
    shown = line(open_page(app))
    assert (shown["state"], shown["text"], shown["zone"]) == ("tested", "Safe up to 0.1", "safe")
    assert (shown["safe_up_to"], shown["diverges_above"], shown["suggested"]) == (0.1, 0.3, 0.03)
    app.text_input(key="lr_field").set_value("0.25").run()
    shown = line(app)
    assert (shown["text"], shown["zone"], shown["rate"]) == ("Risky above 0.1", "risky", 0.25)
    assert 0.25 in shown["stops"], "the slider stops there, too"
    app.text_input(key="lr_field").set_value("0.9").run()
    assert line(app)["text"] == "Diverges above 0.3"


def test_a_change_that_moves_the_zones_outdates_them(app: AppTest) -> None:
    save()
    open_page(app)
    app.slider(key="epochs_slider").set_value(5).run()
    assert line(app)["state"] == "tested", "epochs do not move the zones"
    app.slider(key="momentum_slider").set_value(0.9).run()
    shown = line(app)
    assert (shown["state"], shown["text"], shown["may_test"]) == ("outdated", "Tested with momentum 0.5.", True)
    assert (shown["safe_up_to"], shown["suggested"]) == (None, None), "the track is plain"
    app.select_slider(key="batch_size_slider").set_value(128).run()
    assert line(app)["text"] == "Tested with other settings."
    choose(app, "model_field", "mlp")
    assert line(app)["state"] == "untested"


def test_a_test_that_failed_says_why(app: AppTest) -> None:
    save(problem="It failed.")
    shown = line(open_page(app))
    assert (shown["state"], shown["problem"], shown["may_test"]) == ("failed", "It failed.", True)


def test_no_test_is_offered_with_refused_settings(app: AppTest) -> None:
    save()
    open_page(app)
    app.text_input(key="momentum_field").set_value("2").run()
    shown = line(app)
    assert (shown["state"], shown["may_test"]) == ("outdated", False)
    assert shown["problem"] == "Momentum must be between 0 and 0.99, got 2."
    app.text_input(key="momentum_field").set_value("0.5").run()
    app.text_input(key="lr_field").set_value("7").run()
    assert (line(app)["state"], line(app)["may_test"]) == ("tested", True), "the rate itself is not tested"


def test_no_test_is_offered_while_a_run_trains(app: AppTest, store: RunStore) -> None:
    run = active_run(store)
    shown = line(open_page(app))
    assert (shown["state"], shown["may_test"], shown["problem"]) == ("untested", False, rate_row.BUSY)
    store.commands.interrupt_run(run, "Killed.")
    assert line(app.run())["may_test"]


def test_a_running_test_is_shown_until_it_ends(app: AppTest) -> None:
    tested: list[TrainConfig] = [TrainConfig()]
    services.provide(replace(services.current(), is_testing_rates=lambda config: config in tested))
    assert line(open_page(app))["state"] == "testing"
    tested.clear()
    save()
    assert line(app.run())["state"] == "tested"


def test_this_run_shows_the_zones_of_its_settings_in_force_and_offers_no_test(app: AppTest, store: RunStore) -> None:
    run = active_run(store)
    open_page(app)
    app.segmented_control(key="target").set_value("This run").run()
    shown = line(app, "this_rate_zones")
    assert (shown["state"], shown["may_test"], shown["slider"]) == ("blank", False, "this_lr_slider")
    save(run.config)
    shown = line(app.run(), "this_rate_zones")
    assert (shown["state"], shown["may_set"]) == ("tested", run.status in (RunStatus.RUNNING, RunStatus.PAUSED))


def test_a_viewer_sees_zones_and_can_do_nothing(app: AppTest, store: RunStore, visitor: Visitor) -> None:
    run = finished_run(store)
    save(run.config)
    visitor.become_viewer()
    shown = line(open_page(app), "this_rate_zones")
    assert (shown["state"], shown["may_test"], shown["may_set"]) == ("tested", False, False)


def test_the_suggestion_is_set_where_the_rate_may_be_changed() -> None:
    changed: list[str] = []
    values = asdict(TrainConfig())
    rate_row._set_rate(SettingsBinding(values, on_valid_change=changed.append), 0.03)
    assert (values["lr"], changed) == (0.03, ["lr"])
    rate_row._set_rate(SettingsBinding(values, changeable=(), on_valid_change=changed.append), 0.5)
    rate_row._set_rate(SettingsBinding(values, on_valid_change=changed.append), None)
    assert (values["lr"], changed) == (0.03, ["lr"])
