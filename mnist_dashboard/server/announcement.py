"""What happens when the server has started: the message in the terminal, and the page that opens in the browser.

The message has a sign-in link only where a terminal shows it, so that none is kept in a log.
"""

from __future__ import annotations

import asyncio
import html
import os
import sys
import webbrowser
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

from streamlit import config as server_config

from mnist_core.errors import MnistError
from mnist_core.system.atomic_files import write_atomically
from mnist_core.system.paths import display_path, runs_dir
from mnist_core.system.private_files import create_private_folder
from mnist_core.system.terminal_text import replace_unprintable_characters
from mnist_dashboard.server import hosts
from mnist_dashboard.server.roles.access_policy import AccessPolicy
from mnist_dashboard.server.roles.owner_sessions import OwnerSessions
from mnist_dashboard.server.roles.sign_in import COMMAND, sign_in_link

START_LINK_SECONDS = 3600.0
"""How long the link in the terminal is valid: time to come back to it."""

LINK_SECONDS = 600.0
"""How long other links are valid, which somebody has just asked for."""

_ADDRESSES_FILE, _BROWSER_FILE = "addresses", "open.html"


def announce(policy: AccessPolicy) -> None:
    """Print the addresses of the server, and open the page if there is a screen."""
    replace_unprintable_characters()
    has_screen = sys.platform != "linux" or "DISPLAY" in os.environ or "WAYLAND_DISPLAY" in os.environ
    opens_browser = has_screen and not server_config.get_option("server.headless")
    save_addresses(runs_dir(), sign_in_addresses(is_elsewhere=not has_screen))
    print(start_message(policy, runs_dir(), is_terminal=sys.stdout.isatty()), flush=True)
    if opens_browser:
        asyncio.get_running_loop().call_later(0.5, webbrowser.open, page_to_open(policy, runs_dir()))


def retract() -> None:
    """Remove what `announce` has left in the runs folder."""
    for name in (_ADDRESSES_FILE, _BROWSER_FILE):
        with suppress(OSError):
            (runs_dir() / "owner" / name).unlink(missing_ok=True)


def start_message(policy: AccessPolicy, runs_folder: Path, *, is_terminal: bool) -> str:
    """What the terminal shows when the server has started: its URLs, how to sign in, and the runs folder."""
    network_urls = hosts.network_urls()
    if not network_urls:
        watch = ["Nobody else: it listens to this machine only, or this machine is on no network."]
    elif not policy.is_visible:
        watch = ["Nobody else: it is not shared. The page's Share button changes that."]
    else:
        watch = network_urls
    lines = [f"MNIST Trainer: {hosts.local_url()}"]
    if policy.trust_local:
        lines += ["Everybody at this machine is an owner (MNIST_TRUST_LOCAL)."]
    elif is_terminal:
        lines += _labelled("Sign in at", new_links(policy.sessions, read_addresses(runs_folder), START_LINK_SECONDS))
    lines += _labelled("New sign-in link", [_command()])
    lines += _labelled("Others watch at", watch)
    lines += [f"Runs are kept in {display_path(runs_folder)}. Ctrl-C ends it."]
    return "".join(f"\n  {line}" for line in lines) + "\n"


def new_links(sessions: OwnerSessions, addresses: list[str], seconds: float) -> list[str]:
    """Return links with a new code, one for each address, and a line that says how long they are valid."""
    code = sessions.create_code(seconds)
    until = (datetime.now().astimezone() + timedelta(seconds=seconds)).strftime("%H:%M %Z")
    return [*(sign_in_link(address, code) for address in addresses), f"Works once, until {until}."]


def sign_in_addresses(*, is_elsewhere: bool) -> list[str]:
    """URLs of the server for its owner: also that for another machine, if there is no screen at this one."""
    return [hosts.local_url(), *(hosts.network_urls()[:1] if is_elsewhere else [])]


def save_addresses(runs_folder: Path, addresses: list[str]) -> None:
    """Note for the command `owner-link` at which addresses the server answers. Raises `MnistError`."""
    path = runs_folder / "owner" / _ADDRESSES_FILE
    try:
        create_private_folder(path.parent)
        write_atomically(path, "\n".join(addresses).encode())
    except OSError as error:
        raise MnistError(f"{path} cannot be written ({error.strerror}). Make room, or make it writable.") from error


def read_addresses(runs_folder: Path) -> list[str]:
    """Return the addresses of the server on this runs folder. Raises `MnistError` if none runs there."""
    try:
        return (runs_folder / "owner" / _ADDRESSES_FILE).read_text(encoding="utf-8").split()
    except OSError:
        raise MnistError(
            f"No server runs on the runs folder {display_path(runs_folder)}. Start one, or set MNIST_RUNS_DIR as for "
            "the server."
        ) from None


def page_to_open(policy: AccessPolicy, runs_folder: Path) -> str:
    """Return the address for the browser: a file that leads to a sign-in link, which signs in without a click.

    Everybody on this machine can read the command that starts a browser, but not the file.
    """
    path = runs_folder / "owner" / _BROWSER_FILE
    if policy.trust_local or not _can_browser_read(path):
        return hosts.local_url()
    link = sign_in_link(hosts.local_url(), policy.sessions.create_code(LINK_SECONDS), at_once=True)
    page = f'<!doctype html><meta http-equiv="refresh" content="0; url={html.escape(link)}">'
    write_atomically(path, page.encode())
    return path.as_uri()


def _can_browser_read(path: Path) -> bool:
    """Whether a browser in a sandbox (Snap) can read a file: they see only the home folder, without hidden parts."""
    if sys.platform != "linux":
        return True
    is_wsl = "WSL_DISTRO_NAME" in os.environ  # the browser runs on Windows
    if is_wsl or not path.is_relative_to(Path.home()):
        return False
    return not any(part.startswith(".") for part in path.relative_to(Path.home()).parts)


def _command() -> str:
    folder = os.environ.get("MNIST_RUNS_DIR")
    return f"MNIST_RUNS_DIR={folder} {COMMAND}" if folder else COMMAND


def _labelled(label: str, lines: list[str]) -> list[str]:
    """The lines in a column, with the label before the first."""
    return [f"{label if number == 0 else '':<18}{line}" for number, line in enumerate(lines)]
