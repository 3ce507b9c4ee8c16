"""Helpers that drive the pages through AppTest."""

from dataclasses import dataclass
from typing import Any

from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import TextInput

from mnist_core.config import TrainConfig
from mnist_core.records import Progress, Run, RunStatus
from mnist_core.store import RunStore
from mnist_core.system.processes import own_identity
from mnist_dashboard.server.roles.access_policy import AccessPolicy, owner_cookie
from mnist_dashboard.server.roles.client_location import LOCATION_HEADER, REMOTE
from mnist_dashboard.ui import markdown
from tests.support.strict_json import parse_json
from tests.support.web.signing_in import DEVICE, sign_in


@dataclass
class Visitor:
    """The person looking at the page: the request in `st.context`, which AppTest leaves empty."""

    headers: dict[str, str]
    cookies: dict[str, str]

    def become_viewer(self) -> None:
        """Come from another machine, without being signed in."""
        self.headers[LOCATION_HEADER] = REMOTE
        self.cookies.clear()

    def become_owner(self, policy: AccessPolicy, device: str = DEVICE) -> None:
        """Sign in on this device."""
        self.cookies[owner_cookie()] = sign_in(policy, device)


def open_page(app: AppTest, run: int | None = None) -> AppTest:
    if run is not None:
        app.query_params["run"] = str(run)
    app.run()
    assert not app.exception
    return app


def open_runs(app: AppTest, **parameters: str) -> AppTest:
    for name, value in parameters.items():
        app.query_params[name] = value
    app.run().switch_page("pages/runs.py")
    for name, value in parameters.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception
    return app


def open_details(app: AppTest, run: object = None) -> AppTest:
    """Open the view Details of a run, else of the run that the page follows."""
    if run is not None:
        app.query_params["run"] = str(run)
    app.query_params["view"] = "details"
    app.run()
    assert not app.exception
    return app


def page_text(app: AppTest) -> str:
    return "\n".join(element.value for kind in (app.markdown, app.error, app.info, app.warning) for element in kind)


def click(app: AppTest, label: str) -> AppTest:
    next(button for button in app.button if button.label == label).click().run()
    assert not app.exception
    return app


def labels(app: AppTest) -> list[str]:
    return [button.label for button in app.button]


def text_input(app: AppTest, label: str) -> TextInput:
    return next(field for field in app.text_input if field.label == label)


def says(app: AppTest, text: str) -> bool:
    """Return whether a text or a caption of the page contains this text."""
    texts = [element.value for element in [*app.markdown, *app.caption]]
    return any(text in shown or markdown.escape(text) in shown for shown in texts)


def number(app: AppTest, key: str) -> float:
    """Return the number in a field."""
    return float(app.text_input(key=key).value or "nan")


def address(app: AppTest) -> str:
    """Return the run in the address; an empty text if there is none, and the page follows whatever trains."""
    run = app.query_params.get("run", "")
    return run if isinstance(run, str) else run[-1]


def shown_run(app: AppTest) -> str:
    """Return the name of the run that the page shows."""
    return str(component_data(app, "strip")["run"]["name"])


def component_data(app: AppTest, key: str) -> dict[str, Any]:
    """Return the data of a live component."""
    components = [node for node in app.get("bidi_component") if key in node.proto.id]
    return dict(parse_json(components[0].proto.json))


def active_run(
    store: RunStore, status: RunStatus = RunStatus.RUNNING, reason: str = "", config: TrainConfig | None = None
) -> Run:
    run = store.commands.create_run(config or TrainConfig(), trainer=own_identity())
    store.trainer_writes.begin_training(
        run,
        dataset="MNIST",
        notice="",
        train_images=54_000,
        validation_images=6_000,
        test_images=10_000,
        device="cpu",
        threads=2,
    )
    store.trainer_writes.append_steps(run, Progress(step=412, epoch=1, loss=0.1, accuracy=0.9))
    if status is not RunStatus.RUNNING:
        store.trainer_writes.finish_run(run, status, reason)
    return store.queries.get_run(run.id)
