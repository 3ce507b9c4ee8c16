"""What views send of the place that their reader has chosen is checked before it is kept."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from tests.support.strict_json import parse_json

SET = {"step": 5, "split": "test", "cell": "9-4", "image": 3}
UNSET = {"step": None, "split": None, "cell": "", "image": None}


def keeps(sent: dict[str, object]) -> None:
    from dataclasses import asdict

    import streamlit as st

    from mnist_dashboard.ui.state import place

    place.current(7)
    before = place.version()
    place.go_to_sent({"run": 7, "step": 5, "split": "test", "cell": "9-4", "image": 3})
    led_there = place.version()
    place.keep_sent(sent)
    st.json({"place": asdict(place.current(7)), "bumps": [led_there - before, place.version() - led_there]})


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        (
            {"run": 7, "step": 10, "split": "validation", "cell": "4", "image": 8},
            {"step": 10, "split": "validation", "cell": "4", "image": 8},
        ),
        ({"run": 7, **UNSET}, UNSET),
        ({"run": 7, "step": "<b>", "split": "training", "cell": "x", "image": -1}, UNSET),
        ({"run": "7", "step": 10}, SET),
        ({}, SET),
    ],
)
def test_a_view_keeps_what_it_sends_if_it_is_a_place(sent: dict[str, object], kept: dict[str, object]) -> None:
    app = AppTest.from_function(keeps, kwargs={"sent": sent}).run()
    assert not app.exception
    result = parse_json(app.json[0].value)
    assert result["place"] == kept
    assert result["bumps"] == [1, 0]  # a view that has chosen a place need not be led there
