"""Where datasets and runs live."""

from pathlib import Path

import pytest

from mnist_core.system import paths

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MNIST_DATA_DIR", raising=False)
    monkeypatch.delenv("MNIST_RUNS_DIR", raising=False)


def test_defaults_are_beside_app_py_wherever_the_command_starts(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    assert paths.data_dir() == REPOSITORY / "data"
    assert paths.runs_dir() == REPOSITORY / "runs"


def test_an_installed_copy_keeps_its_files_in_the_users_data_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(paths, "IS_CHECKOUT", False)
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert paths.data_dir().is_relative_to(tmp_path)
    assert paths.data_dir().parts[-2:] == ("mnist-trainer", "data")
    assert paths.runs_dir() == paths.data_dir().with_name("runs")
    monkeypatch.setenv("MNIST_RUNS_DIR", "/elsewhere/runs")
    assert paths.runs_dir() == Path("/elsewhere/runs")


def test_an_empty_variable_counts_as_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MNIST_DATA_DIR", "")
    assert paths.data_dir() == REPOSITORY / "data"


def test_a_relative_variable_is_relative_to_the_current_directory(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MNIST_DATA_DIR", "../shared")
    monkeypatch.setenv("MNIST_RUNS_DIR", "elsewhere")
    assert paths.data_dir() == tmp_path / "../shared"
    assert paths.runs_dir() == tmp_path / "elsewhere"


def test_absolute_paths_and_the_home_folder_are_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("MNIST_DATA_DIR", "~/mnist")
    monkeypatch.setenv("MNIST_RUNS_DIR", str(tmp_path / "runs"))
    assert paths.data_dir() == tmp_path / "mnist"
    assert paths.runs_dir() == tmp_path / "runs"


def test_a_path_is_displayed_relative_to_the_current_directory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert paths.display_path(tmp_path / "data" / "MNIST") == "data/MNIST"
    assert paths.display_path(Path("/elsewhere/data")) == "/elsewhere/data"
