"""Windows is refused in one sentence, before anything that it lacks is imported."""

import subprocess
import sys

import pytest

from mnist_core.system.paths import ROOT


@pytest.mark.fault
@pytest.mark.parametrize("module", ["mnist_core.cli.main", "mnist_dashboard.cli", "mnist_dashboard.composition"])
def test_windows_is_told_of_wsl(module: str) -> None:
    code = f"import sys; sys.platform = 'win32'; sys.modules['fcntl'] = None; import {module}"
    program = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert program.returncode == 1
    assert program.stderr.count("\n") == 1
    assert "install the Windows Subsystem for Linux (WSL" in program.stderr
