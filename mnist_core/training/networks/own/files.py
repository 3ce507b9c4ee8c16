"""Reads files with networks, and lists those in the folder of networks. Runs none of their code; no torch.

A network is one file. It may import installed packages but no other file, so that its source is all of it.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from mnist_core.errors import ConfigError
from mnist_core.network_names import CLASS_NAME, FILE_NAME, OwnNetwork
from mnist_core.records import MAX_SOURCE_BYTES, NetworkSource
from mnist_core.system.paths import display_path, networks_dir

MAX_FILES = 100
"""Maximum number of files in the folder of networks that are offered."""

_BASES = ("Module", "Sequential")

_Stamp = tuple[int, int]
"""Time of the last change and size of a file: its content is read again when they differ."""


@dataclass(frozen=True)
class NetworksFolder:
    """What the folder of networks holds."""

    networks: tuple[OwnNetwork, ...]
    """Without versions: the files as they are now."""
    problems: tuple[str, ...]
    """A sentence on each file that cannot be read."""


def read_network_file(path: Path) -> NetworkSource:
    """Read a file with networks. Raises `ConfigError` if that is not possible."""
    if not re.fullmatch(FILE_NAME, path.name):
        raise _refused(
            f"{path.name} cannot be a file of a network: its name must end with .py and have only letters, digits, "
            "_, - and dots. Rename it."
        )
    try:
        with path.open("rb") as file:
            content = file.read(MAX_SOURCE_BYTES + 1)
    except OSError as error:
        missing = isinstance(error, FileNotFoundError)
        problem = f"There is no file {display_path(path)}." if missing else f"{path.name}: {error.strerror}."
        raise _refused(f"{problem} Choose another network, or put the file there.") from error
    if len(content) > MAX_SOURCE_BYTES:
        raise _refused(f"{path.name} has more than {MAX_SOURCE_BYTES:,} bytes. Take out what is not the network.")
    try:
        return NetworkSource(path.name, content.decode(), str(path))
    except UnicodeDecodeError as error:
        raise _refused(f"{path.name} is not UTF-8 text. Save it as UTF-8.") from error


def read_from_folder(network: OwnNetwork) -> NetworkSource:
    """Read a file in the folder of networks. Raises `ConfigError`."""
    return read_network_file(networks_dir() / network.file)


def describe_changes(source: NetworkSource) -> str:
    """Say in a sentence if the file that a recorded source came from has changed since, or is gone; else nothing.

    Viewers and archives get the sentence, too, so it does not tell the folder.
    """
    if not source.path:
        return ""
    try:
        if Path(source.path).read_bytes() == source.text.encode():
            return ""
    except OSError:
        return f"{source.file} is gone; runs of this version use the recorded source."
    return f"{source.file} has changed since; runs of this version use the recorded source."


def parse_network(text: str) -> tuple[Path, str]:
    """Return the path and the class in `path/to/file.py:Class`. Raises `ConfigError`."""
    path, _, class_name = text.rpartition(":")
    if not path.endswith(".py") or not re.fullmatch(CLASS_NAME, class_name):
        raise _refused(f"A network of your own is given as path/to/file.py:Class, got {text!r}.")
    return Path(path).expanduser().absolute(), class_name


def list_networks() -> NetworksFolder:
    """List the networks in the folder of networks, by file and place in it. A missing folder is empty."""
    networks: list[OwnNetwork] = []
    problems: list[str] = []
    for path in _network_files():
        try:
            status = path.stat()
            networks += _networks_in(path, (status.st_mtime_ns, status.st_size))
        except OSError as error:
            problems.append(f"{path.name}: {error.strerror}.")
        except ConfigError as error:
            problems.append(str(error))
    return NetworksFolder(tuple(networks), tuple(problems))


def _network_files() -> Iterator[Path]:
    try:
        paths = sorted(networks_dir().iterdir())
    except OSError:
        return
    yield from [path for path in paths if re.fullmatch(FILE_NAME, path.name)][:MAX_FILES]


@lru_cache(maxsize=2 * MAX_FILES)
def _networks_in(path: Path, _stamp: _Stamp) -> tuple[OwnNetwork, ...]:
    """Return the classes of a file that look like networks. Raises `ConfigError` for a file that is not Python."""
    source = read_network_file(path)
    return tuple(OwnNetwork(source.file, name) for name in network_classes(parse_source(source)))


def parse_source(source: NetworkSource) -> ast.Module:
    """Parse a file. Raises `ConfigError` with the line of a syntax error."""
    try:
        return ast.parse(source.text, source.file)
    except SyntaxError as error:
        place = f" in line {error.lineno}" if error.lineno else ""
        raise _refused(f"{source.file} has a syntax error{place}: {error.msg}.") from error
    except (ValueError, RecursionError, MemoryError) as error:  # null bytes, or brackets a thousand deep
        raise _refused(
            f"{source.file} is not Python code that can be read ({error or 'nested too deeply'})."
        ) from error


def network_classes(module: ast.Module) -> list[str]:
    """Return the names of the classes that derive from one of `_BASES` and are built without arguments.

    A class of the same file that does stands for its base. Classes whose names begin with `_` are parts of others.
    """
    modules: list[str] = []
    networks: list[str] = []
    for node in module.body:
        if isinstance(node, ast.ClassDef) and any(_base_name(base) in (*_BASES, *modules) for base in node.bases):
            modules.append(node.name)
            if re.fullmatch(CLASS_NAME, node.name) and not node.name.startswith("_") and not _needs_arguments(node):
                networks.append(node.name)
    return networks


def _base_name(base: ast.expr) -> str:
    return base.attr if isinstance(base, ast.Attribute) else base.id if isinstance(base, ast.Name) else ""


def _needs_arguments(node: ast.ClassDef) -> bool:
    for part in node.body:
        if isinstance(part, ast.FunctionDef) and part.name == "__init__":
            arguments = part.args
            required = len(arguments.posonlyargs) + len(arguments.args) - len(arguments.defaults)
            return required > 1 or None in arguments.kw_defaults
    return False


def _refused(sentence: str) -> ConfigError:
    return ConfigError("model", sentence)
