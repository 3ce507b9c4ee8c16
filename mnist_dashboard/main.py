"""Navigation and page frame. `app.py` serves this script; each file in `pages/` is one page."""

from __future__ import annotations

import streamlit as st

from mnist_dashboard import access
from mnist_dashboard.server.assets import PACKAGE
from mnist_dashboard.server.roles.sign_in import COMMAND
from mnist_dashboard.ui import messages, number_field, queue
from mnist_dashboard.ui.state import browser_memory, run_address

LOGO = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32" width="32" height="32">
<rect width="32" height="32" rx="7" fill="#0072B2"/>
<path d="M9.5 9.5h13l-8 14" fill="none" stroke="#fff" stroke-width="3.4"
 stroke-linecap="round" stroke-linejoin="round"/>
</svg>"""

# A PNG file: the browser would fetch a Material icon from another host.
st.set_page_config(
    page_title="MNIST Trainer",
    page_icon=str(PACKAGE / "ui" / "favicon.png"),
    layout="wide",
    initial_sidebar_state=300,
)
st.logo(LOGO, size="medium")
page = st.navigation(
    [
        st.Page("pages/train.py", title="Train", icon=":material/show_chart:", default=True),
        st.Page("pages/runs.py", title="Runs", icon=":material/table_rows:"),
        st.Page("pages/sweep.py", title="Sweep", icon=":material/tune:"),
    ],
    position="top",
)
st.html(PACKAGE / "ui" / "style.css")
queue.render_queue_button()
memory = st.container(key="memory")  # always there, while the elements of pages come and go
with memory:
    browser_memory.render()  # first, so that a page that is left half drawn has written its cookies

if messages.enter_page(page.title):
    run_address.restore()
run_address.receive()

if access.is_local() and not access.may_act():
    st.info(
        "You are watching. To act, open the link that the terminal shows, or get a new one with the command "
        f"`{COMMAND}`.",
        icon=":material/visibility:",
    )

messages.render_store_problems()
page.run()
with memory:
    number_field.render()
