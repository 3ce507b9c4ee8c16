"""The view Inside shows the evaluation and the image that the view Mistakes showed, and leads back there."""

from streamlit.testing.v1 import AppTest

from mnist_core.store import RunStore
from tests.support.factories import finished_run
from tests.support.web.page_driver import component_data, open_page, page_text

CHOSEN = {"step": "844", "split": "validation", "cell": "9-4", "image": "1901"}


def open_inside(app: AppTest, run: int, **parameters: str) -> AppTest:
    for name, value in {"view": "inside", **parameters}.items():
        app.query_params[name] = value
    return open_page(app, run)


def test_a_link_leads_to_an_evaluation_and_an_image(app: AppTest, store: RunStore) -> None:
    run = finished_run(store)
    open_inside(app, run.id, **CHOSEN)
    data = component_data(app, "inside")
    assert data["run"] == run.id
    assert data["place"] == {"step": 844, "split": "validation", "cell": "9-4", "image": 1901}


def test_a_change_of_the_view_stays_at_the_same_image(app: AppTest, store: RunStore) -> None:
    run = finished_run(store)
    open_inside(app, run.id, **CHOSEN)
    switch = next(control for control in app.segmented_control if control.label == "View of the run")
    switch.set_value("mistakes").run()
    assert component_data(app, "mistakes")["place"]["image"] == 1901


def test_a_button_leads_to_a_digit_of_ones_own(app: AppTest, store: RunStore) -> None:
    open_inside(app, finished_run(store).id)
    app.button(key="draw_one").click().run()
    assert not app.exception
    assert component_data(app, "draw")


def test_without_a_run_the_view_says_what_it_shows(app: AppTest) -> None:
    app.query_params["view"] = "inside"
    open_page(app)
    assert "What a network has learned shows here" in page_text(app)
    assert not any(button.key == "draw_one" for button in app.button)


def test_the_view_explains_its_words(app: AppTest, store: RunStore) -> None:
    open_inside(app, finished_run(store).id)
    for word in (
        "Filter",
        "Feature map",
        "Layer",
        "Gradient norm",
        "Unit, dead unit",
        "Latent map",
        "Evaluation",
        "Label",
    ):
        assert any(f"**{word}.**" in text.value for text in app.main.markdown)
