"""The browser that the benchmarks drive: Chromium or Chrome from the PATH, without a GPU."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:  # engine.py also runs where no browser and no playwright is installed
    from pathlib import Path

    from playwright.sync_api import Browser, BrowserContext, Playwright

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
LOWEST_PRIORITY = 19
"""The highest niceness; see nice(1)."""


def find_browser() -> str | None:
    """Return the path of Chromium or Chrome; None if neither is on the PATH."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


def launch_browser(playwright: Playwright) -> Browser:
    """Start the browser. Ends the program if there is none."""
    return playwright.chromium.launch(executable_path=_path(), args=FLAGS)


def open_profile(playwright: Playwright, folder: Path) -> BrowserContext:
    """Start the browser with a profile in a folder, as people use it. Ends the program if there is none.

    Only with a profile does it keep compiled scripts from one opening of a page to the next.
    """
    return playwright.chromium.launch_persistent_context(
        folder, executable_path=_path(), args=FLAGS, viewport={"width": 1440, "height": 900}
    )


def _path() -> str:
    path = find_browser()
    if path is None:
        raise SystemExit("No Chromium or Chrome on the PATH.")
    return path


def lower_browser_priority() -> None:
    """Give the browsers started by this process the lowest priority, so that they take no core from other processes.

    They then cost training as little as browsers on other machines. On Linux each thread has a priority of its own.
    """
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess, ProcessLookupError):  # processes of a page may end at any moment
            for thread in process.threads() if "chrom" in process.name() else []:
                os.setpriority(os.PRIO_PROCESS, thread.id, LOWEST_PRIORITY)
