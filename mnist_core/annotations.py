"""What people may write on a run: its name, notes and tags, checked before they are kept.

They are kept as written, HTML and formulas included: whoever shows or exports them sees to it that they stay text.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from mnist_core.errors import ConfigError

MAX_NAME_LENGTH = 80
MAX_NOTES_LENGTH = 10_000
MAX_TAG_LENGTH = 30
MAX_TAGS = 20


def validate_name(name: str) -> str:
    """Without blanks around it, and composed, so that names that look alike are alike; may be empty.

    Raises `ConfigError`.
    """
    name = unicodedata.normalize("NFC", name.strip())
    if len(name) > MAX_NAME_LENGTH:
        raise ConfigError("name", f"Run name must have at most {MAX_NAME_LENGTH} characters, got {len(name)}.")
    if not name.isprintable():
        raise ConfigError("name", f"Run name must not contain control characters, got {name!r}.")
    return name


def validate_notes(notes: str) -> str:
    """With line ends as they are here. Raises `ConfigError` when they are too long or hold control characters."""
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
    """Without blanks around them, each once, in the order given. Raises `ConfigError`."""
    checked = tuple(dict.fromkeys(tag.strip() for tag in tags))
    for tag in checked:
        if not 1 <= len(tag) <= MAX_TAG_LENGTH:
            raise ConfigError("tags", f"A tag must have 1 to {MAX_TAG_LENGTH} characters, got {tag!r}.")
        if not tag.isprintable() or "," in tag:
            raise ConfigError("tags", f"A tag must not contain commas or control characters, got {tag!r}.")
    if len(checked) > MAX_TAGS:
        raise ConfigError("tags", f"A run can have at most {MAX_TAGS} tags, got {len(checked)}. Remove some.")
    return checked
