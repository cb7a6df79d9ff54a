"""A web server of this machine that keeps what is sent to it."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Hook:
    """What was sent: the paths of GETs; bodies, headers and JSON documents of POSTs."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.asked: list[str] = []
        self.sent: list[dict[str, Any]] = []
        self.bodies: list[bytes] = []
        self.headers: list[dict[str, str]] = []

    @property
    def address(self) -> str:
        """Where Apprise sends JSON to."""
        return f"json://someone:secret@127.0.0.1:{self.port}/hook"

    @property
    def titles(self) -> list[str]:
        return [document["title"] for document in self.sent]


@contextmanager
def hook(delay: float = 0.0, status: int = 200) -> Iterator[Hook]:
    """A server for the length of the block, which waits that many seconds before it answers with the status."""
    ended = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found.asked.append(self.path)
            self._answer()

        def do_POST(self) -> None:
            found.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            found.headers.append({name.lower(): value for name, value in self.headers.items()})
            found.sent.append(json.loads(found.bodies[-1]))
            self._answer()

        def log_message(self, *_: object) -> None:
            pass

        def _answer(self) -> None:
            ended.wait(delay)
            self.send_response(status)
            self.end_headers()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found = Hook(server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield found
    finally:
        ended.set()
        server.shutdown()
        server.server_close()
        thread.join()
