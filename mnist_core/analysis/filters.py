"""Choosing and ordering runs by their columns, as typed: `status=completed`, `lr>=0.01`, `name~search`."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Sequence

from mnist_core.analysis.run_table import Cell, flat_row
from mnist_core.errors import ConfigError
from mnist_core.records import Run

_OPERATORS: dict[str, Callable[[object, object], bool]] = {
    ">=": operator.ge,  # type: ignore[dict-item]
    "<=": operator.le,  # type: ignore[dict-item]
    "!=": operator.ne,
    "=": operator.eq,
    ">": operator.gt,  # type: ignore[dict-item]
    "<": operator.lt,  # type: ignore[dict-item]
    "~": lambda cell, word: str(word).lower() in str(cell).lower(),
}
"""The longer ones first: that is how they are looked for."""

_FILTER = re.compile(rf"\s*(\w+)\s*({'|'.join(_OPERATORS)})\s*(.*?)\s*")


def filter_runs(runs: Iterable[Run], filters: Sequence[str]) -> list[Run]:
    """The runs that all of `filters` hold for. Raises `ConfigError` for one that cannot be read."""
    parsed = [_parse(text) for text in filters]
    return [run for run in runs if all(_matches(flat_row(run), *one) for one in parsed)]


def sort_runs(runs: Sequence[Run], column: str, *, descending: bool = False) -> list[Run]:
    """The runs by a column; those that have nothing in it come last. Raises `ConfigError` for a column that is none."""
    cells = [(flat_row(run), run) for run in runs]
    for cell, _ in cells:
        _check_column(column, cell, "sort")
    known = [(cell[column], run) for cell, run in cells if cell[column] is not None]
    rest = [run for cell, run in cells if cell[column] is None]
    in_order = sorted(known, key=lambda pair: pair[0], reverse=descending)  # type: ignore[arg-type,return-value]
    return [run for _, run in in_order] + rest


def _parse(text: str) -> tuple[str, str, str]:
    found = _FILTER.fullmatch(text)
    if not found:
        raise ConfigError(
            "filter", f"A filter is a column, one of {' '.join(_OPERATORS)}, and a value, as in lr>=0.01; got {text!r}."
        )
    return found[1], found[2], found[3]


def _matches(cells: dict[str, Cell], column: str, sign: str, word: str) -> bool:
    _check_column(column, cells, "filter")
    cell = cells[column]
    if sign == "~":
        return cell is not None and _OPERATORS[sign](cell, word)
    if cell is None or word == "":
        return _OPERATORS[sign]("" if cell is None else str(cell), word) if sign in ("=", "!=") else False
    return _OPERATORS[sign](cell, _convert(cell, word, column))


def _convert(cell: Cell, word: str, column: str) -> object:
    """What was typed, as what is in the column. Raises `ConfigError` when it cannot be that."""
    if isinstance(cell, bool):
        if word.lower() not in ("true", "false", "yes", "no"):
            raise ConfigError("filter", f"{column} is true or false, got {word!r}.")
        return word.lower() in ("true", "yes")
    if isinstance(cell, int | float):
        try:
            return float(word)
        except ValueError as error:
            raise ConfigError("filter", f"{column} is a number, got {word!r}.") from error
    return word


def _check_column(column: str, cells: dict[str, Cell], what: str) -> None:
    if column not in cells:
        raise ConfigError(what, f"There is no column {column!r}. Choose one of {', '.join(cells)}.")
