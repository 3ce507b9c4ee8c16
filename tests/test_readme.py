"""Statements in README.md that must agree with other files."""

import json
import re
import tomllib

from packaging.requirements import Requirement

from mnist_core.system.paths import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")


def shell_commands(markdown: str) -> list[str]:
    """Return the lines of all `sh` blocks."""
    return [line for block in re.findall(r"^```sh\n(.*?)^```", markdown, re.M | re.S) for line in block.splitlines()]


def test_ci_runs_the_test_command_of_the_readme() -> None:
    stated = re.findall(r"^test_command='(.*)'$", (ROOT / ".ci" / "run").read_text(encoding="utf-8"), re.M)
    commands = shell_commands(README)
    assert stated == [command for command in commands if command.endswith("pytest")]
    assert len(stated) == 1


def test_its_tables_name_every_dependency_once() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    declared = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    section = README.partition("## Dependencies")[2].partition("\n## ")[0]
    from_npm = json.loads((ROOT / "package.json").read_text(encoding="utf-8"))["devDependencies"]
    names = [*(Requirement(line).name for line in declared), *from_npm]
    named = re.findall(r"^\| (\S+) \|", section, re.M)
    assert sorted(named) == sorted([*names, *3 * ["package"]])


def test_its_map_has_a_line_for_each_package() -> None:
    lines = README.partition("## The code")[2].split("```")[1].strip().splitlines()
    assert len(lines) <= 25
    packages = [
        path.parent.name
        for package in ("mnist_core", "mnist_dashboard")
        for path in (ROOT / package).glob("*/__init__.py")
    ]
    folders = set(re.findall(r"\b(\w+)/", "\n".join(lines)))
    assert not set(packages) - folders
