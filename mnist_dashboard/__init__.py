"""The browser side: Streamlit pages, the live feed, and what the browser draws with. Never imports torch."""
