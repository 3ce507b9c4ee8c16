"""Stands in for the inference process: does what each question says. Imports no torch, so it starts at once."""

import os
import signal
import socket
import sys
import threading
import time
from pathlib import Path

from mnist_core.inference.frames import encode_frame, read_frame

_niceness, _, address = sys.argv[1].partition(" ")
connection = socket.socket(socket.AF_UNIX)
connection.connect(address)
connection.sendall(encode_frame({"pid": os.getpid()}))
file = connection.makefile("rb")
while frame := read_frame(file):
    question, body = frame
    match question["ask"]:
        case "sleep":
            time.sleep(question["seconds"])
        case "stop":
            os.kill(os.getpid(), signal.SIGSTOP)
        case "die":
            os._exit(1)
        case "die once" if not Path(question["mark"]).exists():
            Path(question["mark"]).touch()
            threading.Timer(0.02, os.kill, [os.getpid(), signal.SIGKILL]).start()
            time.sleep(60)
        case "refuse":
            connection.sendall(encode_frame({"problem": "It has no weights."}))
            continue
    connection.sendall(encode_frame({"problem": ""}, b'{"pid": %d, "length": %d}' % (os.getpid(), len(body))))
