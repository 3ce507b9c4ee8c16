"""Output into pipes that nobody reads any more, and to terminals without Unicode."""

import io
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path

import pytest

from mnist_core.cli.main import main
from mnist_core.records import RunStatus
from mnist_core.store import RunStore
from mnist_core.system.paths import ROOT
from tests.support.factories import finished_run
from tests.support.terminal import QUICK, trains_in_process

NAME = "Größe – ±1…"
BROKEN_PIPE = 141


@contextmanager
def unread_output(path: Path) -> Iterator[None]:
    """Write standard output to a pipe whose reader has closed it, as `head` does, and standard error to a file."""
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as out, path.open("w") as err, redirect_stdout(out), redirect_stderr(err):
        yield


@trains_in_process
@pytest.mark.parametrize("output", [[], ["--json"]])
def test_training_into_a_closed_pipe_is_interrupted_and_keeps_everything(
    store: RunStore, tmp_path: Path, output: list[str]
) -> None:
    err = tmp_path / "err"
    with unread_output(err):
        assert main([*QUICK, "--log-interval", "1", *output]) == BROKEN_PIPE
    assert "Traceback" not in err.read_text()
    (run,) = store.queries.list_runs()
    assert (run.status, run.reason) == (RunStatus.INTERRUPTED, "The program that read its output has ended.")
    assert run.progress.step == len(store.queries.read_steps(run.id)) == 1
    assert main(["resume", run.name]) == 0
    assert len(store.queries.read_steps(run.id)) == run.total_steps


@pytest.mark.parametrize("arguments", [["runs"], ["runs", "--json"], ["edit", "1", "--star"], ["--help"]])
def test_other_commands_into_a_closed_pipe_end_as_shells_report_it(
    store: RunStore, tmp_path: Path, arguments: list[str]
) -> None:
    finished_run(store)
    with unread_output(tmp_path / "err"):
        assert main(arguments) == BROKEN_PIPE
    assert (tmp_path / "err").read_text() == ""


@pytest.mark.fault
def test_a_program_whose_outputs_are_both_closed_ends_as_shells_report_it() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "mnist_core", "runs"]
    assert subprocess.run(command, stdout=writer, stderr=writer, cwd=ROOT, check=False).returncode == BROKEN_PIPE
    os.close(writer)


@pytest.mark.parametrize("arguments", [["runs"], ["edit", NAME, "--star"], ["delete", NAME]])
def test_a_terminal_without_unicode_gets_similar_ascii(store: RunStore, arguments: list[str]) -> None:
    finished_run(store, name=NAME)
    written = io.BytesIO()
    with redirect_stdout(io.TextIOWrapper(written, encoding="ascii", write_through=True)):
        assert main(arguments) == 0
        assert b"Gro?e - +/-1..." in written.getvalue()


@pytest.mark.fault
@pytest.mark.parametrize("form", ["csv", "archive"])
def test_a_locale_without_unicode_can_name_and_export_runs(
    store: RunStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    finished_run(store, name="first")
    for name, value in {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONPATH": str(ROOT)}.items():
        monkeypatch.setenv(name, value)
    command = [sys.executable, "-m", "mnist_core"]
    for arguments in (["edit", "first", "--name", "Größe"], ["export", "Größe", "--format", form], ["runs"]):
        result = subprocess.run([*command, *arguments], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert (result.returncode, result.stderr) == (0, "")
        assert "Gro?e" in result.stdout
    assert store.queries.get_run(1).name == "Größe"
    assert [path.name.split(".")[0] for path in tmp_path.iterdir()] == [f"Größe-{form}"]
