"""The constants that the browser's modules get from Python."""

from __future__ import annotations

import json
import tomllib
from typing import Any

import pytest
from scipy.stats import t

from mnist_core.config import SETTINGS
from mnist_core.records import RunStatus
from mnist_core.setting import Setting
from mnist_core.system.paths import ROOT
from mnist_dashboard.server import shared_constants


def served() -> dict[str, Any]:
    """Return each exported constant by its name."""
    constants = {}
    for line in shared_constants.constants_module().splitlines():
        name, _, value = line.removeprefix("export const ").removesuffix(";").partition(" = ")
        constants[name] = json.loads(value)
    return constants


def test_a_new_setting_changes_the_address_of_the_constants(monkeypatch: pytest.MonkeyPatch) -> None:
    before = shared_constants.fingerprint()
    new = Setting(name="label_noise", label="Label noise", help="Share of labels that are wrong.", default=0.0)
    monkeypatch.setitem(SETTINGS, "label_noise", new)
    expected = {
        "label": "Label noise",
        "short_label": "label noise",
        "kind": "number",
        "default": 0.0,
        "choices": {},
    }
    assert served()["SETTINGS"]["label_noise"] == expected
    assert shared_constants.fingerprint() != before


def test_settings_have_a_kind_and_choices() -> None:
    settings = served()["SETTINGS"]
    assert settings["save_model"]["kind"] == "switch"
    assert settings["optimizer"]["kind"] == "choice"
    assert settings["optimizer"]["choices"]["sgd"] == "SGD"


def test_every_status_has_a_label_of_its_own() -> None:
    statuses = served()["RUN_STATUSES"]
    assert list(statuses) == list(RunStatus)
    assert len({status["label"] for status in statuses.values()}) == len(RunStatus)
    assert statuses["completed"] == {"label": "Finished", "is_finished": True}
    assert not statuses["interrupted"]["is_finished"]


def test_t_quantiles_are_those_of_a_95_percent_interval() -> None:
    quantiles = served()["T_QUANTILES"]
    assert quantiles == pytest.approx(t.ppf(0.975, range(1, len(quantiles) + 1)), rel=1e-6)
    assert quantiles[-1] == pytest.approx(t.ppf(0.975, 1e9), rel=0.007)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_each_theme_has_a_colour_for_every_run_drawn_as_a_solid_line(theme: str) -> None:
    config = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))
    colors = config["theme"][theme]["chartCategoricalColors"]
    assert len(colors) == len(set(colors)) == shared_constants.RUN_COLORS
