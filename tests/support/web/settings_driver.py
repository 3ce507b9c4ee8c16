"""Helpers that drive the settings in the sidebar through AppTest."""

from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Selectbox

from mnist_core.config import TrainConfig


def start_is_off(app: AppTest) -> bool:
    return next(button for button in app.button if button.label == "Start training").disabled


def choose(app: AppTest, key: str, choice: str) -> AppTest:
    app.selectbox(key=key).set_value(choice).run()
    assert not app.exception
    return app


def preset_box(app: AppTest) -> Selectbox[str]:
    """Return the box, whose key changes."""
    return next(box for box in app.selectbox if box.label == "Preset")


def choose_preset(app: AppTest, name: str) -> AppTest:
    preset_box(app).set_value(name).run()
    assert not app.exception
    return app


def drafted(app: AppTest) -> TrainConfig:
    return TrainConfig(**app.session_state["draft"])
