"""The same message is logged once a minute."""

from __future__ import annotations

import io
import logging

import pytest

from mnist_dashboard.server.limits.quiet_log import OncePerMinute, quieten_logs


class Log(logging.Handler):
    """The lines of a logger with the filter, and a clock that only tests move."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__()
        self.lines: list[str] = []
        self.now = 0.0
        self.tracebacks = 0
        monkeypatch.setattr("mnist_dashboard.server.limits.quiet_log.time.monotonic", lambda: self.now)
        self.addFilter(OncePerMinute())
        self.logger = logging.Logger("flood")
        self.logger.addHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())
        self.tracebacks += record.exc_info is not None


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Log:
    return Log(monkeypatch)


def test_a_repeated_message_is_logged_once_a_minute_with_its_number(log: Log) -> None:
    for second, address in enumerate(["a", "b", "c", "d", "e"]):
        log.now = 61 if second >= 3 else second
        log.logger.error("no more files for %s", address)
    assert log.lines == ["no more files for a", "no more files for d (and 2 times more within a minute)"]


def test_other_messages_pass(log: Log) -> None:
    def report(text: str) -> None:
        log.logger.error(text)

    report("one")
    report("two")
    try:
        raise KeyError("x")
    except KeyError:
        log.logger.exception("one")
    for number in range(3):
        log.logger.info("progress %d", number)
    assert log.lines == ["one", "two", "one", "progress 0", "progress 1", "progress 2"]


def test_what_goes_to_the_terminal_is_filtered_once() -> None:
    logger = logging.getLogger("mnist_dashboard.test_quiet_log")
    to_terminal, elsewhere = logging.StreamHandler(), logging.StreamHandler(io.StringIO())
    logger.addHandler(to_terminal)
    logger.addHandler(elsewhere)
    quieten_logs()
    quieten_logs()
    assert [type(present) for present in to_terminal.filters] == [OncePerMinute]
    assert not elsewhere.filters


def test_what_a_browser_got_wrong_is_logged_without_a_traceback(log: Log) -> None:
    try:
        raise ValueError("no JSON")
    except ValueError as error:
        log.logger.warning("Failed to deserialize component state from frontend: %s", error, exc_info=error)
    assert log.lines == ["Failed to deserialize component state from frontend: no JSON"]
    assert log.tracebacks == 0
