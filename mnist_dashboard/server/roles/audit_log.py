"""The audit log: who did what on this server, from where and when. One JSON object a line, in the runs folder."""

from __future__ import annotations

import itertools
import os
import sys
import threading
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from mnist_core.records import Adjustment, Command, KeptDrawing, Run, RunStatus, Sweep, encode_json, json_value

MAX_BYTES, OLDER_FILES = 1_000_000, 4
"""Size at which a new file is begun, and number of older files kept: about 30,000 lines in all."""

MAX_DETAIL_LENGTH = 300


class AuditLog:
    """Appends to a file that only this account can read. Safe to share between threads.

    Each line opens the file anew, so that a command and a server can write to it in turns. A line that cannot be
    written is reported on standard error; what it was about happens all the same.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()

    def record(self, who: str, address: str, what: str, detail: str = "") -> None:
        """Add a line. JSON escapes line ends and everything outside ASCII, so no text can forge another line."""
        entry = {"at": datetime.now(UTC).isoformat(timespec="seconds"), "who": who, "from": address, "what": what}
        line = encode_json(entry | ({"detail": detail[:MAX_DETAIL_LENGTH]} if detail else {}))
        try:
            with self._lock:
                self._rotate()
                descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
                with os.fdopen(descriptor, "w", encoding="ascii") as file:
                    file.write(f"{line}\n")
        except OSError as error:
            print(f"{self._path} cannot be written ({error.strerror}): {line}", file=sys.stderr)

    def _rotate(self) -> None:
        """If the file is full, begin a new one: `audit.log` becomes `audit.log.1`, and so on; the oldest is lost."""
        if not self._path.exists() or self._path.stat().st_size < MAX_BYTES:
            return
        names = [self._path, *(Path(f"{self._path}.{number}") for number in range(1, OLDER_FILES + 1))]
        for newer, older in reversed(list(itertools.pairwise(names))):
            if newer.exists():
                newer.replace(older)


def describe_action(values: Iterable[object]) -> str:
    """Describe an action by its arguments and its result: the runs, the command and the text among them."""
    words: list[str] = []
    for value in values:
        match value:
            case bool() | None | "" | RunStatus():
                continue
            case Command():
                words.append(value.value)
            case int():
                words.append(f"run-{value}")
            case str():
                words.append(encode_json(value))
            case KeptDrawing():
                words.append(f"drawing-{value.id} {value.label} {encode_json(value.name)}")
            case Run():
                words.append(f"run-{value.id}")
            case Sweep():
                words.append(f"sweep-{value.id}")
            case Adjustment():
                words.append(encode_json({k: v for k, v in json_value(value).items() if v is not None}))
            case dict():
                words.append(encode_json(json_value(value)))
            case list() | tuple() | set() | frozenset():
                words.append(describe_action(value))
    return " ".join(filter(None, words))
