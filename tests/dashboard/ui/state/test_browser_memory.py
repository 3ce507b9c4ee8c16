"""Values that a browser keeps, and what may come back from it."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from streamlit.testing.v1 import AppTest

from mnist_dashboard import access
from mnist_dashboard.ui.state import browser_memory
from tests.support.web.page_driver import Visitor, component_data

COOKIE = "mnist_draft_8501"
VALUE = {"lr": 0.05, "name": "Größe 7; \U0001f600", "list": [1, None, True]}


@pytest.fixture(autouse=True)
def _no_session(monkeypatch: pytest.MonkeyPatch) -> None:
    """Outside a page, all calls would share one session."""
    monkeypatch.setattr(browser_memory, "_known", dict)


def remember_and_draw(value: Any) -> AppTest:
    def page(value: object) -> None:  # runs as a script of its own, without the imports of this file
        from mnist_dashboard.ui.state import browser_memory

        browser_memory.remember("draft", value)
        browser_memory.render()

    app = AppTest.from_function(page, args=(value,)).run()
    assert not app.exception
    return app


def written(app: AppTest) -> dict[str, str]:
    return dict(component_data(app, "browser_memory")["cookies"])


def test_a_value_comes_back_with_the_cookie_of_the_next_session(visitor: Visitor) -> None:
    cookies = written(remember_and_draw(VALUE))
    assert list(cookies) == [COOKIE]
    assert cookies[COOKIE].replace("-", "").replace("_", "").isalnum(), "a cookie holds no other characters safely"
    visitor.cookies.update(cookies)
    assert browser_memory.recall("draft") == VALUE


def test_a_value_the_browser_has_already_is_not_written_again(visitor: Visitor) -> None:
    visitor.cookies.update(written(remember_and_draw(VALUE)))
    assert written(remember_and_draw(VALUE)) == {}


def test_a_value_that_is_too_large_is_not_kept(visitor: Visitor) -> None:
    assert written(remember_and_draw("x" * browser_memory.MAX_COOKIE_LENGTH)) == {}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\u00e9",
        "no base64!",
        base64.b64encode(b"{").decode(),
        base64.b64encode(b"\xff\xfe").decode(),
        base64.b64encode(b"[" * 1_400).decode(),
        base64.b64encode(b"[[[[[[1]]]]]]").decode(),
        base64.b64encode(b"1" * 4_500).decode(),
    ],
)
def test_a_forged_cookie_is_read_as_nothing(visitor: Visitor, text: str) -> None:
    visitor.cookies[COOKIE] = text
    assert browser_memory.recall("draft") is None


@given(st.one_of(st.text(max_size=3_000), st.binary(max_size=1_500).map(lambda raw: base64.b64encode(raw).decode())))
def test_any_cookie_is_read_without_an_error(text: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(access, "request", lambda: Visitor({}, {COOKIE: text}))
        patch.setattr(browser_memory, "_known", dict)
        json.dumps(browser_memory.recall("draft"), allow_nan=False)
