"""Filter and sort runs by their columns, with filters as typed: `status=finished`, `lr>=0.01`, `name~search`."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from mnist_core.analysis.run_table import Cell, find_column, flat_row
from mnist_core.annotations import normalize_text
from mnist_core.errors import ConfigError
from mnist_core.records import Run, RunStatus

_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    "!=": operator.ne,
    "=": operator.eq,
    ">": operator.gt,
    "<": operator.lt,
    "~": lambda cell, word: str(word).lower() in normalize_text(str(cell)).lower(),
}
"""Longer operators come first, so that the pattern does not read `>=` as `>`."""

_FILTER = re.compile(rf"\s*(\w[\w ()/.,%]*?)\s*({'|'.join(_OPERATORS)})\s*(.*?)\s*")


def filter_runs(runs: Iterable[Run], filters: Sequence[str]) -> list[Run]:
    """Return the runs that match all filters. Raises `ConfigError` for a filter that cannot be parsed."""
    parsed = [_parse(text) for text in filters]
    return [run for run in runs if all(_matches(flat_row(run), *condition) for condition in parsed)]


def sort_runs(runs: Sequence[Run], column: str, *, descending: bool = False) -> list[Run]:
    """Sort runs by a column; runs without a value come last. Raises `ConfigError` if there is no such column."""
    rows = [(flat_row(run), run) for run in runs]
    for row, _ in rows:
        column = _find_column(column, row, "sort")
    with_value: list[tuple[Any, Run]] = [(row[column], run) for row, run in rows if row[column] is not None]
    without_value = [run for row, run in rows if row[column] is None]
    with_value.sort(key=lambda pair: pair[0], reverse=descending)
    return [run for _, run in with_value] + without_value


def _parse(text: str) -> tuple[str, str, str]:
    """Split a filter into column, operator and value."""
    match = _FILTER.fullmatch(text)
    if not match:
        raise ConfigError(
            "filter", f"A filter is a column, one of {' '.join(_OPERATORS)}, and a value, as in lr>=0.01; got {text!r}."
        )
    return match[1], match[2], match[3]


def _matches(row: dict[str, Cell], column: str, sign: str, word: str) -> bool:
    column = _find_column(column, row, "filter")
    cell, word = row[column], normalize_text(word)
    if column == "status":
        return _matches_status(str(cell), sign, word)
    if sign == "~":
        return cell is not None and _OPERATORS[sign](cell, word)
    if cell is None or word == "":
        return _OPERATORS[sign]("" if cell is None else str(cell), word) if sign in ("=", "!=") else False
    return _OPERATORS[sign](cell, _convert(cell, word, column))


def _convert(cell: Cell, word: str, column: str) -> object:
    """Convert a typed value to the type of the column's cells, or raise `ConfigError`."""
    if isinstance(cell, bool):
        if word.lower() not in ("true", "false", "yes", "no"):
            raise ConfigError("filter", f"{column} is true or false, got {word!r}.")
        return word.lower() in ("true", "yes")
    if isinstance(cell, int | float):
        try:
            return float(word.replace(",", ".", 1))  # also with a decimal comma
        except ValueError as error:
            raise ConfigError("filter", f"{column} is a number, got {word!r}.") from error
    return word


def _matches_status(status: str, sign: str, word: str) -> bool:
    """Match a status by its stored name or by the one that people read: `completed` is `Finished`."""
    names = {status, RunStatus(status).label.lower()}
    word = word.lower()
    if sign == "~":
        return any(word in name for name in names)
    return (word in names) == (sign == "=") if sign in ("=", "!=") else _OPERATORS[sign](status, word)


def _find_column(text: str, row: dict[str, Cell], option: str) -> str:
    column = find_column(text, row)
    if column is None:
        raise ConfigError(option, f"There is no column {text!r}. Choose one of {', '.join(row)}.")
    return column
