"""Registers components with Streamlit for their Python wrappers; `bootstrap.js` mounts their browser side."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from mnist_core.records import json_value
from mnist_dashboard.server.assets import BUNDLE, PACKAGE, asset_url


def register(name: str, *css: str) -> Callable[..., Any]:
    """Register a component whose browser side is `<name>/<name>.js`; `css` are paths below `components/`.

    The returned function draws it with `data`. Numbers in `data` that are not finite become null: Streamlit would write
    them as `NaN`, which no browser can read.
    """
    folder = PACKAGE / "components"
    bootstrap = (folder / "bootstrap.js").read_text(encoding="utf-8")
    render = st.components.v2.component(
        name,
        js=bootstrap.replace("__BUNDLE_URL__", asset_url(BUNDLE)).replace("__COMPONENT__", name),
        css="\n".join((folder / path).read_text(encoding="utf-8") for path in css) or None,
        isolate_styles=False,
    )
    return lambda *, data, **options: render(data=json_value(data), **options)


def ignore_value() -> None:
    """Do nothing: a callback for values that a wrapper returns; Streamlit drops values without a callback."""
