"""What the routes below `/inference/` ask the inference process, and what they refuse."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw
from starlette.applications import Starlette

from mnist_core.data.drawing import prepare_drawing
from mnist_core.errors import InferenceError, InferenceUnavailableError, MnistError
from mnist_core.inference.answers import Answers
from mnist_core.inference.client import InferenceClient
from mnist_core.records import Run, encode_json
from mnist_core.store import RunStore
from mnist_dashboard.inspection.inference_routes import InferenceRoutes
from tests.dashboard.inspection.conftest import json_of
from tests.support.web.asgi_client import Response, fetch


class ScriptedClient(InferenceClient):
    """Records the questions. A run with an odd number has no weights; all are busy if `is_busy`."""

    def __init__(self) -> None:
        super().__init__(lambda _argument: None)
        self.asked: list[tuple[dict[str, Any], int, bool]] = []
        self.is_busy = False

    async def ask(self, question: Mapping[str, Any], body: bytes = b"", *, is_batch: bool = False) -> bytes:
        self.asked.append((dict(question), len(body), is_batch))
        if self.is_busy:
            raise InferenceUnavailableError("The networks are busy.")
        if question["run"] % 2:
            raise InferenceError(f"run-{question['run']} has no weights here.")
        return json.dumps({"run": question["run"], "step": 5, "probabilities": [0.1] * 10}).encode()


Send = Callable[..., Response]


@pytest.fixture
def client() -> ScriptedClient:
    return ScriptedClient()


@pytest.fixture
def send(client: ScriptedClient) -> Send:
    app = Starlette(routes=InferenceRoutes(client).routes())
    return lambda path, body=None: fetch(
        app, f"/inference/{path}", body or b"", method="GET" if body is None else "POST"
    )


def picture(*, is_empty: bool = False) -> bytes:
    image = Image.new("L", (280, 280), 255)
    if not is_empty:
        ImageDraw.Draw(image).line([(90, 60), (190, 60), (130, 220)], fill=0, width=22)
    encoded = io.BytesIO()
    image.save(encoded, "PNG")
    return encoded.getvalue()


def test_a_drawing_is_read_by_each_run_and_shown_as_the_networks_see_it(send: Send, client: ScriptedClient) -> None:
    content = json_of(send("read?runs=8,7,8", picture()))
    seen = np.frombuffer(base64.b64decode(content["image"]), np.uint8).reshape(28, 28)
    assert seen.tolist() == prepare_drawing(picture()).tolist()
    assert content["answers"] == [
        {"run": 8, "step": 5, "probabilities": [0.1] * 10},
        {"run": 7, "problem": "run-7 has no weights here."},
    ]
    assert client.asked == [({"ask": "read", "run": run}, 784, False) for run in (8, 7)]


def test_a_busy_process_is_told_for_each_run(send: Send, client: ScriptedClient) -> None:
    client.is_busy = True
    assert json_of(send("read?runs=8", picture()))["answers"] == [{"run": 8, "problem": "The networks are busy."}]


@pytest.mark.parametrize(
    ("path", "question", "is_batch"),
    [
        ("story?run=8&split=test&image=3", {"ask": "story", "split": "test", "image": 3}, False),
        (
            "occlusion?run=8&step=5&split=validation&image=3",
            {"ask": "occlusion", "step": 5, "split": "validation", "image": 3},
            False,
        ),
        (
            "nearest?run=8&step=5&split=test&image=3",
            {"ask": "nearest", "step": 5, "split": "test", "image": 3, "count": 1},
            True,
        ),
        ("filters?run=8&step=5", {"ask": "filters", "step": 5}, False),
        (
            "activations?run=8&step=5&split=validation&image=3",
            {"ask": "activations", "step": 5, "split": "validation", "image": 3},
            False,
        ),
        ("dead_units?run=8&step=5&split=test", {"ask": "dead_units", "step": 5, "split": "test"}, True),
        ("map?run=8&step=5&split=test", {"ask": "map", "step": 5, "split": "test"}, True),
        ("tsne?run=8&step=5&split=test", {"ask": "tsne", "step": 5, "split": "test"}, True),
    ],
)
def test_a_question_about_an_image_is_passed_on(
    send: Send, client: ScriptedClient, *, path: str, question: dict[str, Any], is_batch: bool
) -> None:
    assert json_of(send(path))["run"] == 8
    assert client.asked == [({"run": 8, **question}, 0, is_batch)]


@pytest.mark.parametrize("path", ["story?run=8", "occlusion?run=8&step=5", "activations?run=8&step=5"])
def test_a_question_about_a_drawing_is_passed_on(send: Send, client: ScriptedClient, path: str) -> None:
    assert json_of(send(path, picture()))["run"] == 8
    ((question, size, _is_batch),) = client.asked
    assert (question["ask"], size) == (path.partition("?")[0], 784)


@pytest.mark.parametrize(
    ("path", "body", "status", "sentence"),
    [
        ("read?runs=8", picture(is_empty=True), 422, "Draw a digit first."),
        ("read?runs=8", b"no picture", 422, "The file is not a picture"),
        ("read?runs=8&photo=1", b"no picture", 422, "The file is not a picture"),
        ("read?runs=8", bytes(8 * 2**20 + 1), 413, "Choose a picture of at most 8 MB."),
        ("read?runs=8,2,3,4,5", picture(), 400, "runs must be 1 to 4 numbers"),
        ("read?runs=x", picture(), 400, "runs must be 1 to 4 numbers"),
        ("read", picture(), 400, "runs must be 1 to 4 numbers"),
        ("story?run=7", picture(), 422, "run-7 has no weights here."),
        ("story?run=8", None, 400, "split must be validation or test."),
        ("occlusion?run=8&step=-1&split=test&image=3", None, 400, "step must be a number"),
        ("map?run=8&step=5&split=train", None, 400, "split must be validation or test."),
        ("nearest?run=8&step=5&split=test&image=3&count=x", None, 400, "count must be a number"),
    ],
)  # fmt: skip
def test_bad_input_gets_one_sentence(send: Send, *, path: str, body: bytes | None, status: int, sentence: str) -> None:
    response = send(path, body)
    assert response.status == status
    assert response.headers["content-type"].startswith("text/plain")
    text = response.body.decode()
    assert text.startswith(sentence)
    assert text.count("\n") == 1


def test_a_drawing_is_sent_by_post_alone(send: Send) -> None:
    assert send("read?runs=8").status == 405
    assert send("map?run=8&step=5&split=test", picture()).status == 405


def test_a_busy_process_answers_503_with_a_time_to_come_back(send: Send, client: ScriptedClient) -> None:
    client.is_busy = True
    response = send("story?run=8", picture())
    assert (response.status, response.headers["retry-after"]) == (503, "2")


class DirectClient(InferenceClient):
    """Answers in this process."""

    def __init__(self, store: RunStore) -> None:
        super().__init__(lambda _argument: None)
        self._answers = Answers(store.queries)

    async def ask(self, question: Mapping[str, Any], body: bytes = b"", *, is_batch: bool = False) -> bytes:
        try:
            return encode_json(self._answers.answer(question, body)).encode()
        except MnistError as error:
            raise InferenceError(str(error)) from error


VALUES = st.one_of(
    st.sampled_from(
        ["1", "0", "9", "99", "100", "9" * 15, "9" * 5000, "-1", "1e9", "nan", "test", "validation", "1,2", ""]
    ),
    st.text(max_size=20),
)


@pytest.mark.fault
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.sampled_from(
        ["read", "story", "occlusion", "nearest", "filters", "activations", "dead_units", "map", "tsne"]
    ),
    given_values=st.dictionaries(st.sampled_from(["run", "runs", "step", "split", "image", "count", "photo"]), VALUES),
    body=st.one_of(st.none(), st.binary(max_size=50), st.just(picture())),
)
def test_whatever_is_asked_is_answered_or_refused_in_one_sentence(
    store: RunStore, trained: Run, *, name: str, given_values: dict[str, str], body: bytes | None
) -> None:
    app = Starlette(routes=InferenceRoutes(DirectClient(store)).routes())
    usual = {"run": str(trained.id), "runs": str(trained.id), "step": "9", "split": "test", "image": "1"}
    query = urlencode(usual | given_values)
    response = fetch(app, f"/inference/{name}?{query}", body or b"", method="GET" if body is None else "POST")
    assert response.status in (200, 400, 405, 422), response.body
    if response.status == 200:
        json_of(response)
    elif response.status != 405:
        assert response.body.decode().count("\n") == 1
