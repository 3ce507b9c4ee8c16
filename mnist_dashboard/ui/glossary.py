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
    "Evaluation": "The network reads a whole set of images without learning from them; how it does is written down.",
    "Label": "The digit that an image truly shows, as people have noted it.",
    "Confusion matrix, heat map": "A table of counts, one row for each true digit and one column for each answer; "
    "stronger colours stand for more images.",
    "Certainty, calibration": "The network gives each answer a probability. It is well calibrated if it is right about "
    "as often as it says: 9 times in 10 when it is 90 % sure.",
    "Layer": "One stage of the network. Layers called conv look for patterns place by place; those called fc combine "
    "all that the layer before has found.",
    "Filter": "A small pattern that a layer looks for everywhere in an image.",
    "Feature map": "A picture of where a filter has found its pattern.",
    "Unit, dead unit": "A unit is one number that a layer works out. A dead unit is 0 for every image, so it helps no "
    "answer.",
    "Gradient norm": "How hard a layer is pushed to change at a step. Jumps mean an unstable run; near 0 it has "
    "stopped learning.",
    "Latent map": "A map of images that puts together what the network finds alike. PCA shows the two directions in "
    "which they differ most; t-SNE keeps neighbours together.",
}


def render_glossary() -> None:
    """Draw a small button that explains the words; the style sheet shows its icon alone."""
    with st.popover("Glossary", icon=":material/help:", type="tertiary", help="What the words mean", key="glossary"):
        _write_words()


def render_labelled_glossary() -> None:
    """Draw a button that explains the words and says so, where there is room."""
    with st.popover("What the words mean", icon=":material/help:", type="tertiary", key="words"):
        _write_words()


def _write_words() -> None:
    st.markdown("\n\n".join(f"**{word}.** {sentence}" for word, sentence in WORDS.items()))
