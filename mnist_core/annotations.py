"""Checks the name, notes and tags that people give a run.

They are stored as typed, including HTML and formulas: code that shows or exports them must escape them.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from mnist_core.errors import ConfigError

MAX_NAME_LENGTH = 80
MAX_NOTES_LENGTH = 10_000
MAX_TAG_LENGTH = 30
"""Maximum numbers of characters."""

MAX_TAGS = 20
"""Maximum number of tags per run."""


ZERO_WIDTH_JOINERS = "\u200c\u200d"
"""They are part of words in Persian and in Indic scripts, and of emoji such as families."""

_JOINED_SCRIPTS = range(0x0590, 0x1D00)
"""Code points of the scripts whose letters take joiners: Hebrew and Arabic to those of India and South-East Asia."""


def normalize_text(text: str) -> str:
    """Return text in the form in which names and tags are stored and looked up, so that equal-looking ones are equal.

    It is in Unicode's composed form, all kinds of blanks are single spaces with none at the ends, and joiners are left
    out where they join nothing.
    """
    composed = unicodedata.normalize("NFC", text)
    spaced = "".join(" " if unicodedata.category(character) == "Zs" else character for character in composed)
    joined = "".join(
        character
        for index, character in enumerate(spaced)
        if character not in ZERO_WIDTH_JOINERS or _joins(spaced, index)
    )
    return re.sub(" +", " ", joined).strip()


def _joins(text: str, index: int) -> bool:
    """Whether the joiner at this index stands between two letters of a script with joiners, or between two emoji."""
    if not 0 < index < len(text) - 1:
        return False
    before, after = text[index - 1], text[index + 1]
    if ord(before) in _JOINED_SCRIPTS and ord(after) in _JOINED_SCRIPTS:
        return unicodedata.category(before)[0] in "LM" and unicodedata.category(after)[0] in "LM"
    is_emoji_end = unicodedata.category(before) in ("So", "Sk") or before == "\ufe0f"
    return text[index] == "\u200d" and is_emoji_end and unicodedata.category(after) in ("So", "Sm")


def _is_visible(text: str) -> bool:
    """Whether a normalised text holds no control characters and no invisible ones but joiners."""
    return "".join(character for character in text if character not in ZERO_WIDTH_JOINERS).isprintable()


def validate_name(name: str) -> str:
    """Return the name as `normalize_text` does. It may be empty.

    Raises `ConfigError` if it is too long or contains control characters or invisible ones.
    """
    name = normalize_text(name)
    if len(name) > MAX_NAME_LENGTH:
        raise ConfigError("name", f"Run name must have at most {MAX_NAME_LENGTH} characters, got {len(name)}.")
    if not _is_visible(name):
        raise ConfigError(
            "name", f"Run name must not contain control characters or invisible ones, got {name!r}. Remove them."
        )
    return name


def validate_notes(notes: str) -> str:
    """Return the notes with LF line ends. Raises `ConfigError` if they are too long or contain control characters."""
    notes = notes.replace("\r\n", "\n")
    if len(notes) > MAX_NOTES_LENGTH:
        raise ConfigError(
            "notes", f"Notes must have at most {MAX_NOTES_LENGTH:,} characters, got {len(notes):,}. Shorten them."
        )
    for character in notes:
        if character not in "\n\t" and unicodedata.category(character) in ("Cc", "Cs"):
            raise ConfigError("notes", f"Notes must not contain control characters, got {character!r}. Remove it.")
    return notes


def split_tags(text: str) -> list[str]:
    """Return the tags in a text as people type them, with commas between."""
    return [tag for tag in map(str.strip, text.split(",")) if tag]


def validate_tags(tags: Iterable[str]) -> tuple[str, ...]:
    """Return the tags in order, each as `normalize_text` does, without duplicates. Raises `ConfigError`."""
    unique = tuple(dict.fromkeys(map(normalize_text, tags)))
    for tag in unique:
        if not 1 <= len(tag) <= MAX_TAG_LENGTH:
            raise ConfigError("tags", f"A tag must have 1 to {MAX_TAG_LENGTH} characters, got {tag!r}.")
        if "," in tag or any(unicodedata.category(character) == "Cc" for character in tag):
            raise ConfigError("tags", f"A tag must not contain commas or control characters, got {tag!r}.")
        if not _is_visible(tag):
            raise ConfigError("tags", f"A tag must not contain invisible characters, got {tag!r}. Remove them.")
    if len(unique) > MAX_TAGS:
        raise ConfigError("tags", f"A run can have at most {MAX_TAGS} tags, got {len(unique)}. Remove some.")
    return unique
