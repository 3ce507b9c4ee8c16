"""The state of the table of runs: columns, order, filters. It travels to and from the page's address and the browser.

People cut and mistype addresses: a value that cannot be read is left out and reported. The browser knows the columns
(`components/run_table/model/columns.js`) and ignores unknown keys.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any, Self

from mnist_dashboard.server.shared_constants import MAX_CONDITION_LENGTH, MAX_PINNED, MAX_SEARCH_LENGTH

MAX_IN_ADDRESS = 50
"""Maximum number of runs in an address; browsers and chat programs cut long ones."""

PARAMETERS = ("runs", "base", "sort", "q", "where", "group", "columns", "pin", "differs", "archived")
"""Names of the table's parameters in the address."""

_COLUMN_KEY = re.compile(r"[a-z_]{1,40}")
_RUN_ID = re.compile(r"[1-9]\d{0,8}")


@dataclass(frozen=True)
class TableState:
    """What the reader chose in the table. The fields are those of `View` in `components/run_table/model/arrange.js`."""

    sort: str = ""
    search: str = ""
    where: Mapping[str, str] = field(default_factory=dict)
    group: str = ""
    columns: tuple[str, ...] = ()
    pinned: tuple[int, ...] = ()
    baseline: int | None = None
    differs: bool = False
    archived: bool = False

    @classmethod
    def from_browser(cls, view: Mapping[str, Any]) -> Self:
        """The state that the browser sent. A field with an invalid value gets its default."""
        where = view.get("where")
        return cls(
            sort=_sort_key(view.get("sort")),
            search=_text(view.get("search"), MAX_SEARCH_LENGTH),
            where=_conditions(where.items()) if isinstance(where, Mapping) else {},
            group=_column_key(view.get("group")),
            columns=_column_keys(view.get("columns")),
            pinned=_run_ids(view.get("pinned"))[:MAX_PINNED],
            baseline=next(iter(_run_ids([view.get("baseline")])), None),
            differs=view.get("differs") is True,
            archived=view.get("archived") is True,
        )

    @classmethod
    def from_address(cls, parameters: Mapping[str, Sequence[str]]) -> Self:
        """The state in an address. Each parameter may occur several times; only `where` uses more than the last."""
        last = partial(_last_value, parameters)
        conditions = [text.partition(":") for text in parameters.get("where", [])]
        return cls(
            sort=_sort_key(last("sort")),
            search=_text(last("q"), MAX_SEARCH_LENGTH),
            where=_conditions((key, condition) for key, _, condition in conditions),
            group=_column_key(last("group")),
            columns=_column_keys(last("columns").split(",")),
            pinned=_run_ids(last("pin").split(","))[:MAX_PINNED],
            baseline=next(iter(_run_ids([last("base")])), None),
            differs=last("differs") == "1",
            archived=last("archived") == "1",
        )

    def to_address(self, selected: Sequence[int]) -> dict[str, str | list[str]]:
        """The parameters for this state and the selected runs, without those that have their default."""
        parameters: dict[str, str | list[str]] = {
            "runs": ",".join(map(str, selected[:MAX_IN_ADDRESS])),
            "base": str(self.baseline or ""),
            "sort": self.sort,
            "q": self.search,
            "where": [f"{key}:{condition}" for key, condition in self.where.items()],
            "group": self.group,
            "columns": ",".join(self.columns),
            "pin": ",".join(map(str, self.pinned)),
            "differs": "1" if self.differs else "",
            "archived": "1" if self.archived else "",
        }
        return {name: value for name, value in parameters.items() if value}

    def for_browser(self) -> dict[str, Any]:
        return asdict(self)


def selected_runs(parameters: Mapping[str, Sequence[str]]) -> list[int]:
    """The ids of the selected runs in an address, in its order."""
    return list(_run_ids(_last_value(parameters, "runs").split(",")))[:MAX_IN_ADDRESS]


def unreadable_parameters(parameters: Mapping[str, Sequence[str]]) -> list[str]:
    """The names of parameters in an address whose values cannot be read."""
    state = TableState.from_address(parameters)
    readable = state.to_address(selected_runs(parameters))
    return [name for name in PARAMETERS if "".join(parameters.get(name, [])) and name not in readable]


def _last_value(parameters: Mapping[str, Sequence[str]], name: str) -> str:
    return next(reversed(parameters.get(name, [])), "")


def _text(value: object, max_length: int) -> str:
    return value[:max_length] if isinstance(value, str) and value.isprintable() else ""


def _column_key(value: object) -> str:
    return value if isinstance(value, str) and _COLUMN_KEY.fullmatch(value) else ""


def _column_keys(value: object) -> tuple[str, ...]:
    return tuple(dict.fromkeys(filter(None, map(_column_key, value)))) if isinstance(value, Sequence) else ()


def _sort_key(value: object) -> str:
    return value if isinstance(value, str) and _column_key(value.removeprefix("-")) else ""


def _conditions(pairs: Iterable[tuple[object, object]]) -> dict[str, str]:
    conditions = {_column_key(key): _text(condition, MAX_CONDITION_LENGTH) for key, condition in pairs}
    return {key: condition for key, condition in conditions.items() if key and condition.strip()}


def _run_ids(value: object) -> tuple[int, ...]:
    """Run ids without repetition. The browser sends integers; an address has digits."""
    texts = [str(item) for item in value if not isinstance(item, bool)] if isinstance(value, Sequence) else []
    return tuple(dict.fromkeys(int(text) for text in texts if _RUN_ID.fullmatch(text)))
