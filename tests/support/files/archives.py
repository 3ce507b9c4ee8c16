"""Archives of runs, changed in one place."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

Change = Callable[[dict[str, bytes]], object]


def changed(archive_file: Path, change: Change) -> io.BytesIO:
    """Return the file with its members changed and their checksums right."""
    with zipfile.ZipFile(archive_file) as zipped:
        members = {name: zipped.read(name) for name in zipped.namelist()}
    change(members)
    changed_file = io.BytesIO()
    with zipfile.ZipFile(changed_file, "w", zipfile.ZIP_DEFLATED) as zipped:
        for name, content in members.items():
            zipped.writestr(name, content)
    return changed_file


def set_field(*path: str, value: Any) -> Change:
    def change(members: dict[str, bytes]) -> None:
        content = json.loads(members["0/run.json"])
        parent = content
        for key in path[:-1]:
            parent = parent[int(key) if isinstance(parent, list) else key]
        parent[path[-1]] = value
        members["0/run.json"] = json.dumps(content).encode()

    return change


def lose_field(*path: str) -> Change:
    def change(members: dict[str, bytes]) -> None:
        content = json.loads(members["0/run.json"])
        parent = content
        for key in path[:-1]:
            parent = parent[int(key) if isinstance(parent, list) else key]
        del parent[path[-1]]
        members["0/run.json"] = json.dumps(content).encode()

    return change


def set_manifest(**values: Any) -> Change:
    def change(members: dict[str, bytes]) -> None:
        members["manifest.json"] = json.dumps({**json.loads(members["manifest.json"]), **values}).encode()

    return change


def without(name: str) -> Change:
    return lambda members: members.__delitem__(name)


def cut(name: str) -> Change:
    return lambda members: members.__setitem__(name, members[name][:-1])


def zeroed(name: str) -> Change:
    return lambda members: members.__setitem__(name, bytes(len(members[name])))
