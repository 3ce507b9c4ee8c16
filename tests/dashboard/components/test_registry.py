"""What components hand to their browser side."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest

from tests.support.web.page_driver import component_data


def test_numbers_that_are_not_finite_reach_a_component_as_null() -> None:
    def page() -> None:
        import math

        from mnist_dashboard.components.parallel_coordinates import ColorLegend, Dimension, parallel_coordinates

        places = [0.0, math.nan, math.inf, 1.0]
        axis = Dimension(label="Loss", places=places, ticks=[(math.nan, "–")])
        parallel_coordinates([axis], ["a"], legend=ColorLegend(label="Loss", low="0", high="1"), height=100)

    data = component_data(AppTest.from_function(page).run(), "parallel")
    assert data["dimensions"] == [{"label": "Loss", "places": [0, None, None, 1], "ticks": [[None, "–"]]}]
