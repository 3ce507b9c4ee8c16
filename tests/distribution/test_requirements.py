"""`requirements.txt` and `requirements-dev.txt` against `pyproject.toml`, which `.ci/lock` makes them from."""

import re
import tomllib

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from mnist_core.system.paths import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def pinned(file: str) -> dict[str, str]:
    """Return the version of each package in a requirements file. Fail unless each has a version and a hash."""
    text = (ROOT / file).read_text(encoding="utf-8")
    entries = [line for line in re.sub(r"\\\n", " ", text).splitlines() if line and line[0] not in " #-"]
    pins: dict[str, str] = {}
    for entry in entries:
        pin = re.match(r"(\S+)==(\S+) .*--hash=sha256:[0-9a-f]{64}", entry)
        assert pin, entry
        assert pin[1] not in pins, f"{file} has {pin[1]} twice"
        pins[pin[1]] = pin[2]
    return pins


def test_every_dependency_is_pinned_in_its_range() -> None:
    runtime, tools = pinned("requirements.txt"), pinned("requirements-dev.txt")
    assert not runtime.keys() & tools.keys()
    for declared, pins in (
        (PROJECT["dependencies"], runtime),
        (PROJECT["optional-dependencies"]["dev"], runtime | tools),
    ):
        for requirement in map(Requirement, declared):
            version = pins[canonicalize_name(requirement.name)]
            assert requirement.specifier.contains(version), f"{requirement} is pinned to {version}"


def test_the_development_requirements_include_those_of_the_program() -> None:
    assert "-r requirements.txt" in (ROOT / "requirements-dev.txt").read_text(encoding="utf-8").splitlines()


def test_no_address_of_a_package_index_is_pinned() -> None:
    for file in ("requirements.txt", "requirements-dev.txt"):
        assert "://" not in (ROOT / file).read_text(encoding="utf-8")
