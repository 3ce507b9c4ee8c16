"""The browser side: Streamlit pages, the live feed, and what the browser draws with. Never imports torch."""

from mnist_core.system.supported_systems import refuse_windows

refuse_windows()
