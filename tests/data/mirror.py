"""A loopback server that replaces the mirrors of datasets, and its bad responses."""

import gzip
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

Answer = bytes | int | Callable[[BaseHTTPRequestHandler], None]


class Mirror(ThreadingHTTPServer):
    """Answers each path with bytes, a status code, or whatever a function does."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers: dict[str, Answer] = {}
        self.requested_paths: list[str] = []
        self.closing = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: Mirror

    def do_GET(self) -> None:
        path = urlsplit(self.path).path  # a proxy gets the whole URL
        self.server.requested_paths.append(path)
        answer = self.server.answers.get(path, 404)
        if isinstance(answer, int):
            self.send_error(answer)
        elif callable(answer):
            answer(self)
        else:
            send_body(self, answer, len(answer))

    def log_message(self, *_: object) -> None:
        pass


def send_body(handler: BaseHTTPRequestHandler, body: bytes, announced: int | None) -> None:
    handler.send_response(200)
    if announced is not None:
        handler.send_header("Content-Length", str(announced))
    handler.end_headers()
    handler.wfile.write(body)


# Bad responses


def break_off(handler: BaseHTTPRequestHandler) -> None:
    send_body(handler, b"\x1f\x8b" + bytes(98), 500)


def stay_silent(handler: BaseHTTPRequestHandler) -> None:
    server = handler.server
    assert isinstance(server, Mirror)
    server.closing.wait(10)


def send_without_end(handler: BaseHTTPRequestHandler) -> None:
    send_body(handler, bytes(2**20), None)


def answer_without_http(handler: BaseHTTPRequestHandler) -> None:
    handler.wfile.write(b"SSH-2.0\r\n\r\n")


def redirect_to(address: str) -> Callable[[BaseHTTPRequestHandler], None]:
    def redirect(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(302)
        handler.send_header("Location", address)
        handler.end_headers()

    return redirect


BAD_RESPONSES: dict[str, tuple[Answer, str]] = {
    "absent": (404, "answered 404 Not Found"),
    "server error": (503, "answered 503 Service Unavailable"),
    "cut halfway": (break_off, "broke off after 100 of 500 bytes"),
    "wrong checksum": (gzip.compress(b"other"), "sent a file with the wrong checksum (MD5 "),
    "error page": (b"\n<!DOCTYPE html><title>Sign in</title>", "sent a web page instead of the file"),
    "silent": (stay_silent, "sent nothing for 0.2 s"),
    "endless": (send_without_end, "sent more than 300,000 bytes"),
    "announced too large": (lambda h: send_body(h, b"", 10**12), "sent more than 300,000 bytes"),
    "redirect to a file": (redirect_to("file:///etc/hostname"), "cannot be reached (unknown url type: file)"),
    "redirect to ftp": (redirect_to("ftp://127.0.0.1/x"), "cannot be reached (unknown url type: ftp)"),
    "no http": (answer_without_http, "broke off ("),
}
