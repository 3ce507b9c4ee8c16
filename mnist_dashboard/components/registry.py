"""Registers components with Streamlit for their Python wrappers; `bootstrap.js` mounts their browser side."""

from __future__ import annotations

import json

import streamlit as st
from streamlit.components.v2.types import ComponentRenderer

from mnist_dashboard.server.assets import PACKAGE, asset_url


def register(name: str, css: str = "") -> ComponentRenderer:
    """Register a component whose browser side is `<name>/<name>.js`; `css` is a path below `components/`."""
    folder = PACKAGE / "components"
    bootstrap = (folder / "bootstrap.js").read_text(encoding="utf-8")
    return st.components.v2.component(
        name,
        js=bootstrap.replace('"__MODULE_URL__"', json.dumps(asset_url(f"components/{name}/{name}.js"))),
        css=(folder / css).read_text(encoding="utf-8") if css else None,
        isolate_styles=False,
    )


def ignore_value() -> None:
    """Do nothing: a callback for values that a wrapper returns; Streamlit drops values without a callback."""
