"""The wheel holds the program, which works from any folder and keeps its files in the user's data folder."""

import os
import signal
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from mnist_core.system.paths import ROOT
from tests.support.processes import Eventually, answers, free_port

pytestmark = pytest.mark.fault

MNIST_TRAINER = "import sys; from mnist_dashboard.cli import main; sys.exit(main())"
"""The program that the console script `mnist-trainer` runs."""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from this checkout without network."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-index", "--no-build-isolation", str(ROOT)]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    (file,) = folder.glob("*.whl")
    return file


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder where the wheel is unpacked, as pip does."""
    folder = tmp_path_factory.mktemp("installed")
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(folder)
    return folder


@pytest.fixture
def environment(installed: Path, tmp_path: Path) -> dict[str, str]:
    """The environment of the unpacked copy: an empty home folder, and no variables that name other folders."""
    unset = ("MNIST_DATA_DIR", "MNIST_RUNS_DIR", "XDG_DATA_HOME")
    inherited = {name: value for name, value in os.environ.items() if name not in unset}
    return {**inherited, "PYTHONPATH": str(installed), "HOME": str(tmp_path)}


def run(*arguments: str, environment: dict[str, str], cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", MNIST_TRAINER, *arguments]
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False, timeout=60)


def test_it_holds_both_packages_and_nothing_else(wheel: Path) -> None:
    packages = ("mnist_core", "mnist_dashboard")
    expected = {
        path.relative_to(ROOT).as_posix()
        for package in packages
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and not path.name.endswith((".test.js", ".d.ts"))
    }
    assert {f"{package}/py.typed" for package in packages} < expected
    assert {Path(name).suffix for name in expected} >= {".py", ".js", ".css", ".html", ".png"}
    launched = {"mnist_dashboard/launch/app.py", "mnist_dashboard/launch/.streamlit/config.toml"}
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {name for name in names if ".dist-info/" not in name} == expected | launched


def test_it_prints_its_version_without_the_slow_imports(environment: dict[str, str], tmp_path: Path) -> None:
    version = run("--version", environment=environment, cwd=tmp_path)
    assert (version.returncode, version.stdout) == (0, "mnist-trainer 0.2.0\n")
    code = (
        "import sys; sys.modules['torch'] = sys.modules['streamlit'] = None  # as if they were not installed\n"
        "from mnist_dashboard.cli import main; main(['--help'])"
    )
    command = [sys.executable, "-c", code]
    help_page = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert help_page.returncode == 0, help_page.stderr
    assert "serve" in help_page.stdout
    assert "train" in help_page.stdout


def test_its_runs_are_kept_in_the_users_data_folder(environment: dict[str, str], tmp_path: Path) -> None:
    listed = run("runs", environment=environment, cwd=tmp_path)
    assert listed.stdout == "No runs yet. Start one with: mnist-trainer train\n", listed.stderr
    (database,) = tmp_path.rglob("runs.sqlite")
    assert database.parent.parent.name == "mnist-trainer"


@pytest.mark.parametrize("arguments", [["serve", "--headless"], ["train", "--dataset", "mnist-5k"]])
def test_folders_that_cannot_be_written_are_one_sentence(
    environment: dict[str, str], tmp_path: Path, arguments: list[str]
) -> None:
    home = tmp_path / "home"
    home.touch()  # a file in place of a folder stops even root
    ended = run(*arguments, environment={**environment, "HOME": str(home)}, cwd=tmp_path)
    assert ended.returncode == 1
    (line,) = ended.stderr.strip().splitlines()
    assert line.startswith(f"The runs folder {home}/")
    assert line.endswith(
        "cannot be written (Not a directory). Make it writable or set MNIST_RUNS_DIR to a folder that is."
    )


@pytest.mark.browser
def test_it_serves_the_dashboard_with_its_settings(
    environment: dict[str, str], tmp_path: Path, eventually: Eventually
) -> None:
    port = free_port()
    address = f"http://localhost:{port}"
    flags = ["serve", "--headless", "--address", "127.0.0.1", "--port", str(port)]
    command = [sys.executable, "-c", MNIST_TRAINER, *flags]
    with subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, text=True) as server:
        try:
            eventually(lambda: answers(server, address))
        finally:
            server.send_signal(signal.SIGINT)
            output, _ = server.communicate(timeout=30)
    assert f"MNIST Trainer: {address}" in output
    assert "You can now view your Streamlit app" not in output  # `config.toml` turns Streamlit's own message off
