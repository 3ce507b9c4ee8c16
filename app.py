"""What `streamlit run app.py` serves; `mnist_dashboard.composition` puts it together."""

import streamlit as st

from mnist_dashboard import composition

app = st.App(composition.MAIN_SCRIPT, **composition.compose())
