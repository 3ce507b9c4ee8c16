"""Words on the page that a newcomer may not know, explained in plain sentences."""

from __future__ import annotations

import streamlit as st

WORDS = {
    "Loss": "How wrong the network is, in one number: 0 would be perfect, and about 2.3 is guessing among ten digits. "
    "Training makes it smaller, batch by batch.",
    "Accuracy": "The share of images whose digit the network names correctly. Guessing gets about 10 %.",
    "Batch, step": "The network looks at a batch of images, then its weights move a little. That is one step, also "
    "called an update.",
    "Epoch": "Once through all training images. In three epochs the network sees each of them three times.",
    "Training": "The images that the network learns from. It may learn some of them by heart.",
    "Validation": "Images held back from training. They show how well the network reads digits it has not learned "
    "from: choose settings by them.",
    "Test": "Images that nothing is chosen by. They are read once, at the end, for the final result.",
}


def render_glossary() -> None:
    """Draw a small button that explains the words; the style sheet shows its icon alone."""
    with st.popover("Glossary", icon=":material/help:", type="tertiary", help="What the words mean", key="glossary"):
        st.markdown("\n\n".join(f"**{word}.** {sentence}" for word, sentence in WORDS.items()))
