"""Each thing has one word: what people read has none of the retired ones. `mnist_core.labels` has the words in use."""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from mnist_core import labels
from mnist_core.cli.main import main
from mnist_core.records import METRICS, RunStatus
from mnist_core.system.paths import ROOT
from tests.support.terminal import CapturedOutput

RETIRED = {
    r"Completed\b": labels.FINISHED,
    r"Elapsed\b": labels.DURATION,
    r"Training time\b": labels.DURATION,
    r"Throughput\b": labels.SPEED,
    r"(?:Images|Examples) (?:per|a) second\b": labels.SPEED_WITH_UNIT,
    r"(?i:training loss)\b": labels.TRAIN_LOSS,
    r"(?i:training accuracy)\b": labels.TRAIN_ACCURACY,
    r"(?i:include archived)\b": labels.SHOW_ARCHIVED,
    r"Made with\b": labels.ENVIRONMENT,
    r"Repeat(?:s|ed)?(?: it| exactly)? (?:with|as)\b": labels.REPLAY_EXACTLY,
    r"(?i:changes during training)\b": labels.CHANGES,
    r"Train it again\*": labels.TRAIN_AGAIN,
}
"""Pattern of each retired word, and the word that replaces it. Those with a capital are free within a sentence."""

ALIASES = {"Throughput"}
"""Retired words that older addresses still have."""

PAGES = ("README.md", "CONTRIBUTING.md", "SECURITY.md")

JS_TEXT = re.compile(r'"((?:[^"\\\n]|\\.)*)"|\'((?:[^\'\\\n]|\\.)*)\'|`((?:[^`\\]|\\.)*)`')
JS_COMMENT = re.compile(r"/\*.*?\*/|(?<![:\"'`])//[^\n]*", re.DOTALL)


def python_texts(path: Path) -> Iterator[str]:
    """Yield the strings of a module, apart from its docstrings."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield node.value


def javascript_texts(path: Path) -> Iterator[str]:
    """Yield the strings of a module; texts between its braces are code, and looked at like the rest."""
    for match in JS_TEXT.finditer(JS_COMMENT.sub("", path.read_text(encoding="utf-8"))):
        yield next(text for text in match.groups() if text is not None)


@functools.cache
def shown_texts() -> frozenset[tuple[str, str]]:
    """Return the texts that a person may read, each with the file that it is in."""
    return frozenset(_shown_texts())


def _shown_texts() -> Iterator[tuple[str, str]]:
    for package in ("mnist_core", "mnist_dashboard"):
        for path in sorted((ROOT / package).rglob("*")):
            if path.suffix == ".py" and path.name != "labels.py":
                texts = python_texts(path)
            elif path.suffix == ".js" and not path.name.endswith(".test.js"):
                texts = javascript_texts(path)
            elif path.suffix == ".html":
                texts = iter([path.read_text(encoding="utf-8")])
            else:
                continue
            yield from ((str(path.relative_to(ROOT)), text) for text in texts)
    yield from ((name, (ROOT / name).read_text(encoding="utf-8")) for name in PAGES)


@pytest.mark.parametrize("retired", RETIRED)
def test_nothing_that_people_read_has_a_retired_word(retired: str) -> None:
    found = [
        f"{place}: {text[:80]!r}" for place, text in shown_texts() if re.search(retired, text) and text not in ALIASES
    ]
    assert not found, f"Say {RETIRED[retired]!r} instead."


def test_the_search_finds_texts_of_pages_scripts_and_the_terminal() -> None:
    texts = {text for _, text in shown_texts()}
    assert {"Notify me when a run ends", "Start training", "train one batch of a run, then pause it"} <= texts


def test_sentences_name_statuses_by_their_labels() -> None:
    """`{run.status}` in a sentence would say "completed"."""
    raw = re.compile(r"(?: is| was|,) \{[\w.]*\.status\}")
    modules = [path for package in ("mnist_core", "mnist_dashboard") for path in (ROOT / package).rglob("*.py")]
    assert not [str(path) for path in modules if raw.search(path.read_text(encoding="utf-8"))]


def test_labels_are_one_word_each() -> None:
    words = [word for name, word in vars(labels).items() if name.isupper()]
    assert len(set(words)) == len(words)


def test_metrics_and_statuses_are_called_by_the_labels() -> None:
    words = {word for name, word in vars(labels).items() if name.isupper()}
    assert {metric.label for metric in METRICS.values()} | {metric.title for metric in METRICS.values()} <= words
    assert RunStatus.COMPLETED.label == labels.FINISHED


@pytest.mark.parametrize("command", ["", "train", "runs", "rerun", "continue", "export", "compare"])
def test_help_in_the_terminal_has_no_retired_word(command: str, capsys: CapturedOutput) -> None:
    with pytest.raises(SystemExit):
        main([command, "--help"] if command else ["--help"])
    text = capsys.readouterr().out
    assert not [retired for retired in RETIRED if re.search(retired, text)]
