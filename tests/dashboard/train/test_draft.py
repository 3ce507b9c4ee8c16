"""Checking the settings of the next run."""

from collections import Counter

import pytest
from streamlit.testing.v1 import AppTest

from mnist_core.config import SETTINGS, Setting
from tests.support.web.page_driver import open_page


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
