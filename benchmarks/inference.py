"""Measure how long questions about the networks of runs take, from the request to the answer, and what they cost.

    MNIST_DATA_DIR=... python benchmarks/inference.py

Prints one table. Everything goes over HTTP to a real server. See `README.md`.
"""

from __future__ import annotations

import gzip
import http.client
import io
import json
import os
import statistics
import sys
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import psutil
from PIL import Image, ImageDraw

sys.path[0] = str(Path(__file__).resolve().parent.parent)  # the root of the repository, as with `python -m`

from benchmarks.lib.clients.page_client import HOST_NAME, viewer_address  # noqa: E402
from benchmarks.lib.measure import Figure, classic_config, print_head, print_row  # noqa: E402
from benchmarks.lib.server import Server, stop_latest_run, train_on_server, warm_server  # noqa: E402
from mnist_core.scheduler.fork_client import FORK_SERVER_MODULE  # noqa: E402

CLASS_SIZE = 30
READS_ALONE = 100
READS_EACH = 20
PAUSE_SECONDS = 0.5
"""Time between two readings of one viewer: somebody draws three or four strokes in two seconds."""

ROUNDS = 5
IMAGE = "split=test&image=1901"


class Asker:
    """Somebody who asks the server, from an address of their own."""

    def __init__(self, server: Server, number: int) -> None:
        port = int(server.address.rpartition(":")[2])
        self._host = f"{HOST_NAME}:{port}"
        self._connection = http.client.HTTPConnection(
            "127.0.0.1", port, timeout=60, source_address=(viewer_address(number), 0)
        )
        self.content = b""
        """Of the last answer."""

    def ask(self, path: str, drawing: bytes | None = None) -> float:
        """Return the seconds until the answer has arrived."""
        headers = {"Host": self._host, "Origin": f"http://{self._host}"}
        self._connection.close()  # The server closes one that is idle for five seconds.
        began = time.perf_counter()
        self._connection.request("GET" if drawing is None else "POST", f"/inference/{path}", drawing, headers)
        response = self._connection.getresponse()
        content = response.read()
        seconds = time.perf_counter() - began
        self.content = gzip.decompress(content) if response.headers["Content-Encoding"] == "gzip" else content
        if response.status != 200:
            raise SystemExit(f"{path}: {response.status} {content!r}")
        return seconds


def draw_seven() -> bytes:
    image = Image.new("L", (280, 280), 255)
    ImageDraw.Draw(image).line([(90, 60), (190, 60), (130, 220)], fill=0, width=22)
    encoded = io.BytesIO()
    image.save(encoded, "PNG")
    return encoded.getvalue()


def read_together(server: Server, run: int, drawing: bytes) -> list[float]:
    """Return the seconds of each reading when a class draws at the same time."""
    seconds: list[float] = []

    def draw(number: int) -> None:
        asker = Asker(server, number)
        time.sleep(PAUSE_SECONDS * number / CLASS_SIZE)
        for _ in range(READS_EACH):
            seconds.append(asker.ask(f"read?runs={run}", drawing))
            time.sleep(PAUSE_SECONDS)

    threads = [threading.Thread(target=draw, args=(number,)) for number in range(CLASS_SIZE)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return seconds


def print_percentiles(name: str, seconds: Sequence[float], aim: str = "") -> None:
    median, slow = 1000 * statistics.median(seconds), 1000 * statistics.quantiles(seconds, n=20)[-1]
    print_row(Figure(name, f"{median:.0f} / {slow:.0f} ms", aim, f"p50 / p95 of {len(seconds)}"))


def print_first_and_later(name: str, ask: Callable[[], float], aim: str = "") -> None:
    first, later = ask(), [ask() for _ in range(ROUNDS)]
    basis = f"first / median of {ROUNDS} later"
    print_row(Figure(name, f"{1000 * first:.0f} / {1000 * statistics.median(later):.0f} ms", aim, basis))


def print_tsne(server: Server, asker: Asker, query: str) -> None:
    """Lay out a map by t-SNE, and print what that takes and the longest that one request took of it."""
    before, seconds, is_done = forked_cpu_seconds(server), [], False
    while not is_done:
        seconds.append(asker.ask(f"tsne?{query}"))
        is_done = json.loads(asker.content)["done"]
    spent = forked_cpu_seconds(server) - before
    name = "map of the test images by t-SNE"
    print_row(Figure(name, f"{spent:.1f} s", "", f"processor time, {len(seconds)} requests"))
    print_row(Figure("  longest of its requests", f"{1000 * max(seconds):.0f} ms", "1.5 s"))


def inference_processes(server: Server) -> list[psutil.Process]:
    """Return the processes that the fork server has forked."""
    children = server.process.children(recursive=True)
    forked = [child for child in children if FORK_SERVER_MODULE in child.cmdline()]
    return [child for child in forked if child.ppid() != server.process.pid]


def forked_cpu_seconds(server: Server) -> float:
    return float(sum(sum(process.cpu_times()[:2]) for process in inference_processes(server)))


def print_memory(name: str, server: Server) -> None:
    sizes = [process.memory_full_info().uss / 1e6 for process in inference_processes(server)]
    print_row(Figure(name, " + ".join(f"{size:.0f}" for size in sorted(sizes)) + " MB", "", "not shared"))


def main() -> None:
    drawing = draw_seven()
    os.environ["MNIST_HOSTS"] = HOST_NAME
    with warm_server() as server:
        (run,) = train_on_server(server, classic_config(validation_fraction=0.1)).runs
        print_head()
        asker = Asker(server, CLASS_SIZE)
        read = partial(asker.ask, f"read?runs={run.id}", drawing)
        print_first_and_later("a drawing to ten probabilities", read, "0.15 s")
        print_memory("  memory of the process then", server)
        print_percentiles("  one viewer", [read() for _ in range(READS_ALONE)])
        before = server.cpu_seconds(), forked_cpu_seconds(server)
        seconds = read_together(server, run.id, drawing)
        after = server.cpu_seconds(), forked_cpu_seconds(server)
        print_percentiles(f"  {CLASS_SIZE} viewers who draw", seconds, "0.15 s")
        costs = [1000 * (later - earlier) / len(seconds) for earlier, later in zip(before, after, strict=True)]
        print_row(
            Figure("  processor time of one reading", "{:.1f} + {:.1f} ms".format(*costs), "", "server + process")
        )
        server.store.commands.create_run(classic_config(epochs=50))
        print_percentiles("  the same while a run trains", read_together(server, run.id, drawing))
        stop_latest_run(server.store)
        print_first_and_later("story of 12 snapshots", partial(asker.ask, f"story?run={run.id}", drawing), "0.5 s")
        for name, path, aim in (
            ("occlusion of one image", f"occlusion?run={run.id}&step={run.progress.step}&{IMAGE}", ""),
            ("nearest images", f"nearest?run={run.id}&step={run.progress.step}&{IMAGE}", ""),
            ("map of the test images", f"map?run={run.id}&step={run.progress.step}&split=test", "1 s"),
            ("activations", f"activations?run={run.id}&step={run.progress.step}&{IMAGE}", ""),
            ("dead units", f"dead_units?run={run.id}&step={run.progress.step}&split=test", ""),
        ):
            print_first_and_later(name, partial(asker.ask, path), aim)
        query = f"run={run.id}&step={run.progress.step}&split=test"
        print_tsne(server, asker, query)
        print_memory("memory of the processes, for drawings and for splits", server)
        for process in inference_processes(server):
            process.kill()
            process.wait()
        print_first_and_later("a drawing after the process was killed", read, "1 s")


if __name__ == "__main__":
    main()
