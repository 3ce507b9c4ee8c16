"""The inference process, as the fork server forks it: answers one question after the other on a socket.

It ends when the server closes the connection, and is killed with the fork server, which ends with the server: a network
of somebody else's that never returns, or a stopped process, cannot stay behind.
"""

from __future__ import annotations

import os
import socket
import threading
import traceback
from queue import SimpleQueue
from typing import BinaryIO

import torch

from mnist_core.errors import MnistError
from mnist_core.inference.answers import Answers
from mnist_core.inference.frames import Frame, encode_frame, read_frame
from mnist_core.records import encode_json
from mnist_core.store import RunStore
from mnist_core.system.paths import runs_dir
from mnist_core.system.processes import die_with_parent, lower_priority

MAX_PROBLEM = 300
"""Maximum number of characters of an unexpected error that a person sees."""


def serve(argument: str) -> None:
    """Answer questions until the server closes the connection.

    `argument` is the number to add to the nice(1) value, a space, and the path of the server's socket.
    """
    niceness, _, path = argument.partition(" ")
    die_with_parent()
    lower_priority(int(niceness))
    torch.set_num_threads(1)  # trainers need the cores, and most questions are about one image
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(path)
        connection.sendall(encode_frame({"pid": os.getpid()}))
        questions: SimpleQueue[Frame] = SimpleQueue()
        reader = threading.Thread(target=_read_questions, args=(connection.makefile("rb"), questions), daemon=True)
        reader.start()
        answers = Answers(RunStore.open(runs_dir()).queries)
        while True:
            connection.sendall(_reply(answers, *questions.get()))


def _read_questions(file: BinaryIO, questions: SimpleQueue[Frame]) -> None:
    """Put the questions that arrive into the queue. When the connection ends, end the process at once."""
    while frame := read_frame(file):
        questions.put(frame)
    os._exit(0)


def _reply(answers: Answers, question: dict[str, object], body: bytes) -> bytes:
    try:
        answer = encode_json(answers.answer(question, body), compact=True)
        return encode_frame({"problem": ""}, answer.encode())
    except MnistError as error:
        return encode_frame({"problem": str(error)})
    except (Exception, SystemExit) as error:  # a network of somebody else's may raise anything
        traceback.print_exc()
        text = " ".join(f"{type(error).__name__}: {error}".split())[:MAX_PROBLEM]
        return encode_frame({"problem": f"The network could not be asked ({text}). The terminal has the details."})
