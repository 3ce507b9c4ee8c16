"""How the table of runs is looked at, as the address of the page says it, so that a comparison can be linked.

Addresses are typed, cut and mistyped by people: whatever does not read as it should is left out and named. The browser
knows the columns (`components/run_table/model/columns.js`) and ignores a key that it does not know.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any, Self

from mnist_dashboard.server.shared_constants import MAX_CONDITION_LENGTH, MAX_PINNED, MAX_SEARCH_LENGTH

MAX_IN_ADDRESS = 50
"""So many runs are named in an address; browsers and chat programs cut long ones."""

_KEY = re.compile(r"[a-z_]{1,40}")
_ID = re.compile(r"[1-9]\d{0,8}")
PARAMETERS = ("runs", "base", "sort", "q", "where", "group", "columns", "pin", "differs", "archived")


@dataclass(frozen=True)
class TableState:
    """Sort, filters and the like; the fields are those of `View` in `components/run_table/model/arrange.js`."""

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
    def from_browser(cls, told: Mapping[str, Any]) -> Self:
        """What the table says that the reader chose; a field that is not as it should be gets its default."""
        where = told.get("where")
        return cls(
            sort=_sort(told.get("sort")),
            search=_text(told.get("search"), MAX_SEARCH_LENGTH),
            where=_where(where.items()) if isinstance(where, Mapping) else {},
            group=_key(told.get("group")),
            columns=_keys(told.get("columns")),
            pinned=_ids(told.get("pinned"))[:MAX_PINNED],
            baseline=next(iter(_ids([told.get("baseline")])), None),
            differs=told.get("differs") is True,
            archived=told.get("archived") is True,
        )

    @classmethod
    def from_address(cls, parameters: Mapping[str, Sequence[str]]) -> Self:
        """Read the page's address, whose parameters may be given several times."""
        last = partial(_last, parameters)
        conditions = [text.partition(":") for text in parameters.get("where", [])]
        return cls(
            sort=_sort(last("sort")),
            search=_text(last("q"), MAX_SEARCH_LENGTH),
            where=_where((key, typed) for key, _, typed in conditions),
            group=_key(last("group")),
            columns=_keys(last("columns").split(",")),
            pinned=_ids(last("pin").split(","))[:MAX_PINNED],
            baseline=next(iter(_ids([last("base")])), None),
            differs=last("differs") == "1",
            archived=last("archived") == "1",
        )

    def to_address(self, selected: Sequence[int]) -> dict[str, str | list[str]]:
        """The parameters that say it, and which runs are selected; what is as usual is left out."""
        said: dict[str, str | list[str]] = {
            "runs": ",".join(map(str, selected[:MAX_IN_ADDRESS])),
            "base": str(self.baseline or ""),
            "sort": self.sort,
            "q": self.search,
            "where": [f"{key}:{typed}" for key, typed in self.where.items()],
            "group": self.group,
            "columns": ",".join(self.columns),
            "pin": ",".join(map(str, self.pinned)),
            "differs": "1" if self.differs else "",
            "archived": "1" if self.archived else "",
        }
        return {name: value for name, value in said.items() if value}

    def for_browser(self) -> dict[str, Any]:
        return asdict(self)


def selected_runs(parameters: Mapping[str, Sequence[str]]) -> list[int]:
    """The runs that an address names, in its order."""
    return list(_ids(_last(parameters, "runs").split(",")))[:MAX_IN_ADDRESS]


def unreadable_parameters(parameters: Mapping[str, Sequence[str]]) -> list[str]:
    """Which parameters of an address say something that was left out, for a sentence to whoever wrote it."""
    view = TableState.from_address(parameters)
    understood = view.to_address(selected_runs(parameters))
    return [name for name in PARAMETERS if "".join(parameters.get(name, [])) and name not in understood]


def _last(parameters: Mapping[str, Sequence[str]], name: str) -> str:
    return next(reversed(parameters.get(name, [])), "")


def _text(value: object, length: int) -> str:
    return value[:length] if isinstance(value, str) and value.isprintable() else ""


def _key(value: object) -> str:
    return value if isinstance(value, str) and _KEY.fullmatch(value) else ""


def _keys(value: object) -> tuple[str, ...]:
    return tuple(dict.fromkeys(filter(None, map(_key, value)))) if isinstance(value, Sequence) else ()


def _sort(value: object) -> str:
    return value if isinstance(value, str) and _key(value.removeprefix("-")) else ""


def _where(pairs: Any) -> dict[str, str]:
    checked = {_key(key): _text(typed, MAX_CONDITION_LENGTH) for key, typed in pairs}
    return {key: typed for key, typed in checked.items() if key and typed.strip()}


def _ids(value: object) -> tuple[int, ...]:
    """Numbers of runs, each once. The browser sends integers, an address digits."""
    texts = [str(one) for one in value if not isinstance(one, bool)] if isinstance(value, Sequence) else []
    return tuple(dict.fromkeys(int(text) for text in texts if _ID.fullmatch(text)))
