"""`mnist-trainer`: the commands of `python -m mnist_core`, `serve`, which starts the dashboard, and `owner-link`."""

from __future__ import annotations

import argparse
import socket
from collections.abc import Sequence
from pathlib import Path

from mnist_core.cli import main as command_line
from mnist_core.cli.command_setup import Subparsers, add_command
from mnist_core.system.paths import IS_CHECKOUT, ROOT, runs_dir

# Streamlit reads `.streamlit/config.toml` next to this script. The wheel has both in a folder of their own, because
# Streamlit puts the script's folder first on the import path, where `server` or `runs` could hide other packages.
APP_SCRIPT = ROOT / "app.py" if IS_CHECKOUT else Path(__file__).with_name("launch") / "app.py"


def main(arguments: Sequence[str] | None = None, *, program: str = "mnist-trainer") -> int:
    return command_line.main(arguments, program=program, add_commands=_add_commands)


def _add_commands(subparsers: Subparsers) -> None:
    serve = add_command(subparsers, "serve", "start the dashboard in this terminal; Ctrl-C stops it", _serve)
    serve.add_argument("--port", type=_port, metavar="N", help="port to listen on (default: 8501)")
    serve.add_argument("--address", type=_address, metavar="A", help="address to listen on (default: all)")
    serve.add_argument("--headless", action="store_true", help="do not open a browser")
    add_command(
        subparsers, "owner-link", "print a link that signs in one browser as owner of the running server", _link
    )


def _port(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"port must be between 1 and 65535, got {text}")
    return int(text)


def _address(text: str) -> str:
    try:
        with socket.socket(socket.AF_INET6 if ":" in text else socket.AF_INET) as probe:
            probe.bind((text, 0))
    except OSError as error:
        raise argparse.ArgumentTypeError(f"address must be one that this machine has, got {text}") from error
    return text


def _serve(options: argparse.Namespace) -> int:
    from streamlit.web import cli as streamlit  # takes a second, which no other command needs

    flags = ["--server.headless", "true"] if options.headless else []
    if options.port:
        flags += ["--server.port", str(options.port)]
    if options.address:
        flags += ["--server.address", options.address]
    streamlit.main(["run", str(APP_SCRIPT), *flags], prog_name="streamlit")
    return 0


def _link(_options: argparse.Namespace) -> int:
    from mnist_dashboard.server import announcement  # imports Streamlit
    from mnist_dashboard.server.roles.access_policy import AccessPolicy

    addresses = announcement.read_addresses(runs_dir())
    policy = AccessPolicy(runs_dir())
    print(*announcement.new_links(policy.sessions, addresses, announcement.LINK_SECONDS), sep="\n")
    policy.audit_log.record("command line", "", "sign-in link made")
    return 0
