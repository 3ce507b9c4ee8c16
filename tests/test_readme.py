"""What README.md says about this repository and another file says, too."""

import re

from mnist_core.system.paths import ROOT


def shell_commands(markdown: str) -> list[str]:
    """The lines of all `sh` blocks."""
    return [line for block in re.findall(r"^```sh\n(.*?)^```", markdown, re.M | re.S) for line in block.splitlines()]


def test_ci_runs_the_test_command_of_the_readme() -> None:
    stated = re.findall(r"^test_command='(.*)'$", (ROOT / ".ci" / "run").read_text(encoding="utf-8"), re.M)
    commands = shell_commands((ROOT / "README.md").read_text(encoding="utf-8"))
    assert stated == [command for command in commands if command.endswith("pytest")]
    assert len(stated) == 1
