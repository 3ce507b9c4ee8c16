"""Checks one network in this process, which `checking` starts for it and ends if it takes too long.

    python -m mnist_core.training.networks.own.check_worker <request file> <result file>

Both files hold a JSON object. The request has `file`, `text`, `class_name` and `seconds`; the result has `parameters`,
the number of trainable ones, or `problem`, a sentence.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

from mnist_core.errors import ConfigError
from mnist_core.records import NetworkSource, encode_json
from mnist_core.training.networks.own import code, tiny_batch


def main(request_file: Path, result_file: Path) -> None:
    request = json.loads(request_file.read_text())
    silence = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):  # what the network reads and prints, from C code, too
        os.dup2(silence, stream)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(request["seconds"])  # ends this process wherever it is
    result: dict[str, Any]
    try:
        network = code.provide(NetworkSource(request["file"], request["text"]), request["class_name"])
        result = {"parameters": tiny_batch.check(network)}
    except ConfigError as error:
        result = {"problem": str(error)}
    result_file.write_text(encode_json(result))
    os._exit(0)  # without what the network has registered for the end


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
