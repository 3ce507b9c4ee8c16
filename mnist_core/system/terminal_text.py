"""Output to terminals, files and pipes that cannot show all of Unicode, or whose reader has gone."""

from __future__ import annotations

import codecs
import contextlib
import io
import os
import sys
import unicodedata

_SIMILAR = {
    "\u00a0": " ",
    "\u202f": " ",
    "–": "-",
    "—": "-",
    "−": "-",
    "·": "-",
    "×": "x",
    "±": "+/-",
    "≤": "<=",
    "≥": ">=",
    "→": "->",
    "…": "...",
    "‘": "'",
    "’": "'",
    "“": '"',
    "”": '"',
}
"""ASCII for characters that Unicode does not decompose into ASCII."""


def replace_unprintable_characters() -> None:
    """Let standard output and standard error print ASCII for what their encoding lacks, instead of raising an error."""
    codecs.register_error("similar", _replace)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="similar")


def display_width(text: str) -> int:
    """Return how many columns a terminal needs for a text: two for East Asian letters and emoji, none for marks."""
    width, is_joined = 0, False
    for character in text:
        is_mark = unicodedata.category(character) in ("Mn", "Me", "Cf")
        if not is_mark and not is_joined:
            width += 2 if unicodedata.east_asian_width(character) in "WF" else 1
        is_joined = character == "\u200d"  # the next emoji becomes part of the one before
    return width


def pad(text: str, width: int, *, right: bool = False) -> str:
    """Fill a text with spaces to a width in columns; with `right`, it stands at the right end."""
    spaces = " " * (width - display_width(text))
    return spaces + text if right else text + spaces


def discard_unread_output() -> None:
    """Discard what is left for a pipe that its reader has closed. Python would flush to it at exit, and fail."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except BrokenPipeError:
            with contextlib.suppress(io.UnsupportedOperation):
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _replace(error: UnicodeError) -> tuple[str, int]:
    """Handle an error of a codec: returns ASCII for the characters and where to continue."""
    assert isinstance(error, UnicodeEncodeError)
    text = error.object[error.start : error.end]
    text = text.encode(errors="surrogateescape").decode(errors="replace")  # paths hold other bytes as surrogates
    return "".join(map(_to_ascii, text)), error.end


def _to_ascii(character: str) -> str:
    if similar := _SIMILAR.get(character):
        return similar
    return unicodedata.normalize("NFKD", character).encode("ascii", "ignore").decode() or "?"
