"""Actions that are checked before and noted after: what runs and sweeps share."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Concatenate, ParamSpec, TypeVar

from mnist_core.store import RunStore

P = ParamSpec("P")
R = TypeVar("R")
Actions = TypeVar("Actions", bound="CheckedActions")


def action(method: Callable[Concatenate[Actions, P], R]) -> Callable[Concatenate[Actions, P], R]:
    """Mark a method as an action, which calls `before_action` first and `after_action` when it is done."""

    @functools.wraps(method)
    def checked(self: Actions, /, *args: P.args, **kwargs: P.kwargs) -> R:
        self._before_action()
        result = method(self, *args, **kwargs)
        self._after_action(method.__name__, (*args, *kwargs.values(), result))
        return result

    return checked


class CheckedActions:
    """Actions on a store, whose methods are marked with `action`.

    `wake` is called when there is something to train, to wake the supervisor. `before_action` is called before every
    action. A server checks there whether the user may act, and raises to refuse. `after_action` gets the name of the
    method that was called, and its arguments and result.
    """

    def __init__(
        self,
        store: RunStore,
        *,
        wake: Callable[[], None] = lambda: None,
        before_action: Callable[[], None] = lambda: None,
        after_action: Callable[[str, tuple[object, ...]], None] = lambda _name, _values: None,
    ) -> None:
        self._store = store
        self._wake = wake
        self._before_action = before_action
        self._after_action = after_action
