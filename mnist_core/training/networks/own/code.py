"""Runs the code of the user's own networks and builds them. Only trainers, exports and the like import this: torch.

The code runs with the rights of this process, like any program that its author starts. `provide` decides what may run:
`checkpoints.recorded_networks` calls it with the source that the store recorded from a file of the user's own.
"""

from __future__ import annotations

import contextlib
import linecache
import sys
import types
from collections.abc import Iterator

from torch import nn

from mnist_core.errors import ConfigError
from mnist_core.network_names import OwnNetwork
from mnist_core.records import NetworkSource
from mnist_core.training.networks.own.files import network_classes, parse_source

MAX_ERROR_LENGTH = 200
"""Maximum number of characters of an error's text in a sentence."""

_provided: dict[str, NetworkSource] = {}
_classes: dict[str, type[nn.Module]] = {}


def provide(source: NetworkSource, class_name: str) -> OwnNetwork:
    """Allow this process to run a network from its source. Returns its name, for `build`."""
    network = source.network(class_name)
    _provided[network.name] = source
    return network


def build(network: OwnNetwork) -> nn.Module:
    """Build a network that was provided. Raises `ConfigError` with what is wrong with its code."""
    if network.name not in _provided:
        raise ConfigError("model", f"The code of {network.label} is not at hand. Train a network whose file you have.")
    with printing_to_stderr():
        if network.name not in _classes:
            _classes[network.name] = _load_class(_provided[network.name], network)
        return _construct(_classes[network.name], network)


@contextlib.contextmanager
def printing_to_stderr() -> Iterator[None]:
    """Send what code prints to standard error: standard output is for events, which programs may read."""
    with contextlib.redirect_stdout(sys.stderr):
        yield


def _load_class(source: NetworkSource, network: OwnNetwork) -> type[nn.Module]:
    parse_source(source)
    module = types.ModuleType(f"own_network_{network.digest}")
    module.__file__ = source.file
    sys.modules[module.__name__] = module  # where dataclasses and type hints look for it
    lines = source.text.splitlines(keepends=True)
    linecache.cache[source.file] = (len(source.text), None, lines, source.file)  # for tracebacks
    try:
        exec(compile(source.text, source.file, "exec"), module.__dict__)
    except ImportError as error:
        raise refused(
            f"{source.file} cannot import {error.name or 'a name'} ({error}). A network is one file: put what it needs "
            "into it, or install the package."
        ) from error
    except (Exception, SystemExit, KeyboardInterrupt) as error:
        raise refused(f"{source.file} cannot be loaded: {describe(error, source.file)}.") from error
    found = vars(module).get(network.class_name)
    if found is None:
        classes = network_classes(parse_source(source))
        raise refused(
            f"{source.file} has no class {network.class_name}. "
            + (f"It has {', '.join(classes)}." if classes else "It has no class that derives from nn.Module either.")
        )
    if not isinstance(found, type) or not issubclass(found, nn.Module):
        raise refused(f"{network.class_name} in {source.file} does not derive from nn.Module. A network must.")
    return found


def _construct(network_class: type[nn.Module], network: OwnNetwork) -> nn.Module:
    try:
        return network_class()
    except (Exception, SystemExit, KeyboardInterrupt) as error:
        raise refused(
            f"{network.class_name}() cannot be built: {describe(error, network.file)}. A network is built without "
            "arguments."
        ) from error


def describe(error: BaseException, file: str) -> str:
    """Return an error on one line, with the line of `file` where it arose: `NameError in line 7: no name x`."""
    line, traceback = 0, error.__traceback__
    while traceback is not None:
        if traceback.tb_frame.f_code.co_filename == file:
            line = traceback.tb_lineno
        traceback = traceback.tb_next
    text = " ".join(str(error).split())[:MAX_ERROR_LENGTH].rstrip(".")
    return type(error).__name__ + (f" in line {line}" if line else "") + (f": {text}" if text else "")


def refused(sentence: str) -> ConfigError:
    """Return the error for a network that cannot be used."""
    return ConfigError("model", sentence)
