"""Checks the name, notes and tags that people give a run.

They are stored as typed, including HTML and formulas: code that shows or exports them must escape them.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from mnist_core.errors import ConfigError

MAX_NAME_LENGTH = 80
MAX_NOTES_LENGTH = 10_000
MAX_TAG_LENGTH = 30
"""Maximum numbers of characters."""

MAX_TAGS = 20
"""Maximum number of tags per run."""


def validate_name(name: str) -> str:
    """Return the name without surrounding blanks and in Unicode's composed form, so that equal-looking names are equal.

    It may be empty. Raises `ConfigError` if it is too long or contains control characters.
    """
    name = unicodedata.normalize("NFC", name.strip())
    if len(name) > MAX_NAME_LENGTH:
        raise ConfigError("name", f"Run name must have at most {MAX_NAME_LENGTH} characters, got {len(name)}.")
    if not name.isprintable():
        raise ConfigError("name", f"Run name must not contain control characters, got {name!r}.")
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


def validate_tags(tags: Iterable[str]) -> tuple[str, ...]:
    """Return the tags in order, without surrounding blanks and duplicates. Raises `ConfigError`."""
    unique = tuple(dict.fromkeys(tag.strip() for tag in tags))
    for tag in unique:
        if not 1 <= len(tag) <= MAX_TAG_LENGTH:
            raise ConfigError("tags", f"A tag must have 1 to {MAX_TAG_LENGTH} characters, got {tag!r}.")
        if not tag.isprintable() or "," in tag:
            raise ConfigError("tags", f"A tag must not contain commas or control characters, got {tag!r}.")
    if len(unique) > MAX_TAGS:
        raise ConfigError("tags", f"A run can have at most {MAX_TAGS} tags, got {len(unique)}. Remove some.")
    return unique
