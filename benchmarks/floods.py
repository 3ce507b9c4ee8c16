"""Measure what a server does when 200 pages are open, and when somebody tries to stop it.

    MNIST_DATA_DIR=... python benchmarks/floods.py [--only pages,floods] [--kinds git,reruns,...] [--seconds 10]

Everything stays on this machine: viewers and floods come from loopback addresses of their own. Prints one table.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parent.parent)  # the root of the repository, as with `python -m`

from benchmarks.lib.clients.flooder import KINDS  # noqa: E402
from benchmarks.lib.clients.page_client import HOST_NAME, PageClient, viewer_address  # noqa: E402
from benchmarks.lib.measure import Figure, classic_config, print_head, print_row  # noqa: E402
from benchmarks.lib.server import Server, memory_gigabytes, running_server, stop_latest_run, warm_server  # noqa: E402
from mnist_core.records import Run  # noqa: E402
from mnist_core.system.paths import ROOT, data_dir  # noqa: E402

PAGES = 200
JOIN_SECONDS = 10.0
HEALTH_SECONDS = 0.05
"""Pause between two requests of the honest viewer."""
LEAD_SECONDS = 45.0
"""How long a flood has lasted when measuring begins: by then it has used up what may come at once."""
REST_SECONDS = 3.0
"""Pause between two floods."""


async def open_page(client: PageClient, delay: float) -> float:
    """Open one full page, `delay` seconds from now; returns the seconds until it was drawn and live."""
    await asyncio.sleep(delay)
    began = time.perf_counter()
    await client.open_socket()
    await client.show()
    await client.follow("runs=1&smoothing=0.95")
    return time.perf_counter() - began


async def open_pages(server: Server, label: str) -> list[Figure]:
    """Open all pages within `JOIN_SECONDS`, from 40 addresses."""
    port = int(server.address.rpartition(":")[2])
    await open_page(warm_up := PageClient(port, viewer_address(999)), 0)
    before = memory_gigabytes(server.process.pid)["Pss"]
    clients = [PageClient(port, viewer_address(number % 40)) for number in range(PAGES)]
    opened = await asyncio.gather(
        *(open_page(client, JOIN_SECONDS * number / PAGES) for number, client in enumerate(clients)),
        return_exceptions=True,
    )
    seconds = [result for result in opened if isinstance(result, float)]
    failed = [repr(result) for result in opened if not isinstance(result, float)]
    refusals = [text for text in failed if "status_code=503" in text or "answered 503" in text]
    for text in sorted(set(failed) - set(refusals)):
        print(text, file=sys.stderr)
    health = await warm_up.get("/_stcore/health")
    megabytes = 1000 * (memory_gigabytes(server.process.pid)["Pss"] - before) / len(seconds)
    await asyncio.gather(*(client.close() for client in [*clients, warm_up]))
    return [
        Figure(f"{PAGES} full pages within {JOIN_SECONDS:.0f} s, {label}: errors",
               str(len(failed) - len(refusals)), "0"),
        Figure("  told to come back later (503)", str(len(refusals)), "0"),
        Figure("  until a page is drawn and live, median / slowest",
               f"{statistics.median(seconds):.2f} / {max(seconds):.2f} s"),
        Figure("  memory of the server for each page (PSS)", f"{megabytes:.2f} MB"),
        Figure("  health afterwards", str(health), "200"),
    ]  # fmt: skip


def pages(_options: argparse.Namespace) -> Iterator[Figure]:
    """Measure 200 full pages with the limits on open files that systems have."""
    for label, open_files in (
        ("ulimit -S -n 1024", "1024:"),
        ("ulimit -n 1024", "1024:1024"),
        ("default", None),
    ):
        with tempfile.TemporaryDirectory() as folder, running_server(Path(folder), open_files=open_files) as server:
            yield from asyncio.run(open_pages(server, label))


async def poll_health(port: int, seconds: float) -> list[float]:
    """Request the health of the server as an honest viewer; returns how long each answer took."""
    client = PageClient(port, viewer_address(900))
    waits = []
    ends = time.perf_counter() + seconds
    while time.perf_counter() < ends:
        began = time.perf_counter()
        try:
            async with asyncio.timeout(10):
                assert await client.get("/_stcore/health") == 200
            waits.append(time.perf_counter() - began)
        except (OSError, TimeoutError, AssertionError, asyncio.IncompleteReadError):
            waits.append(10.0)
        await asyncio.sleep(HEALTH_SECONDS)
    return waits


async def honest_viewer(port: int, seconds: float) -> tuple[list[float], float]:
    """Poll the server's health and open one page meanwhile; returns the waits, and the seconds for the page."""
    polling = asyncio.create_task(poll_health(port, seconds))
    await asyncio.sleep(seconds / 2)
    client = PageClient(port, viewer_address(901))
    try:
        page_seconds = await open_page(client, 0)
    except Exception as error:
        print(f"the honest page failed: {error!r}", file=sys.stderr)
        page_seconds = float("inf")
    await client.close()
    return await polling, page_seconds


@dataclass(frozen=True)
class Window:
    """What an honest viewer and a run saw within some seconds."""

    waits: list[float]
    """Seconds until the health of the server was answered, shortest first."""
    page_seconds: float
    steps_per_second: float


def observe(server: Server, run: Run, seconds: float) -> Window:
    """Watch the server as an honest viewer while the run trains."""
    before, began = server.store.queries.get_run(run.id).progress.step, time.perf_counter()
    waits, page_seconds = asyncio.run(honest_viewer(int(server.address.rpartition(":")[2]), seconds))
    steps = server.store.queries.get_run(run.id).progress.step - before
    return Window(sorted(waits), page_seconds, steps / (time.perf_counter() - began))


def flood_figures(server: Server, run: Run, kind: str, seconds: float) -> list[Figure]:
    """Watch the server without the flood, and with it once it has lasted for `LEAD_SECONDS`."""
    calm = observe(server, run, seconds)
    before = memory_gigabytes(server.process.pid)["Pss"]
    port, lasts = server.address.rpartition(":")[2], seconds + LEAD_SECONDS
    command = [sys.executable, "-m", "benchmarks.lib.clients.flooder", kind, port, str(lasts)]
    flooder = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    time.sleep(LEAD_SECONDS - 1)
    flooded = observe(server, run, seconds)
    growth = 1000 * (memory_gigabytes(server.process.pid)["Pss"] - before)
    flooder_percent = 100 * float(flooder.communicate()[0]) / lasts
    p99 = flooded.waits[int(0.99 * (len(flooded.waits) - 1))]
    return [
        Figure(
            f"flood of {kind}: health for another viewer, p99 / slowest",
            f"{p99:.3f} / {flooded.waits[-1]:.3f} s",
            "< 0.25 s",
            f"{len(flooded.waits)} requests",
        ),
        Figure(
            "  training speed, of that before",
            f"{100 * flooded.steps_per_second / calm.steps_per_second:.0f} %",
            "> 90 %",
            f"the flooder took {flooder_percent:.0f} % of a core",
        ),
        Figure("  a page for another viewer", f"{flooded.page_seconds:.2f} s"),
        Figure("  growth of the server's memory", f"{growth:+.0f} MB"),
    ]


def floods(options: argparse.Namespace) -> Iterator[Figure]:
    """Measure each kind of flood while a run trains, with a rest before it."""
    with warm_server() as server:
        run = server.store.commands.create_run(classic_config(epochs=50, batch_size=32))
        while server.store.queries.get_run(run.id).progress.step < 200:
            time.sleep(0.1)
        observe(server, run, 1.0)
        for kind in options.kinds.split(",") if options.kinds else KINDS:
            time.sleep(REST_SECONDS)
            yield from flood_figures(server, run, kind, options.seconds)
        stop_latest_run(server.store)


PARTS = {"pages": pages, "floods": floods}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", metavar="NAME,...", help=f"parts to measure, of {', '.join(PARTS)}")
    parser.add_argument("--kinds", metavar="NAME,...", help=f"kinds of floods, of {', '.join(KINDS)}")
    parser.add_argument("--seconds", type=float, default=10, help="how long each flood lasts")
    options = parser.parse_args()
    names = options.only.split(",") if options.only else list(PARTS)
    if unknown := set(names) - set(PARTS):
        parser.error(f"no such part: {', '.join(sorted(unknown))}. Choose from {', '.join(PARTS)}")
    os.environ["MNIST_DATA_DIR"] = str(data_dir())
    os.environ["MNIST_HOSTS"] = HOST_NAME
    print_head()
    for name in names:
        for row in PARTS[name](options):
            print_row(row)


if __name__ == "__main__":
    main()
