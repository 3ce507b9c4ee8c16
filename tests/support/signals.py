"""Signal handlers, which a trainer in the process of the tests replaces."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def restored_signals() -> Iterator[None]:
    """Restore the handlers of SIGINT, SIGTERM and SIGHUP at the end."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    handlers = [signal.getsignal(number) for number in numbers]
    yield
    for number, handler in zip(numbers, handlers, strict=True):
        signal.signal(number, handler)
