"""Object stores for tests: one in memory, and a real S3 server of a process of its own."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.error import URLError
from urllib.request import Request, urlopen

from obstore.store import MemoryStore

from nightschool.storage.store import Store


def in_memory() -> Store:
    """A store in this process."""
    return Store(MemoryStore(), "memory://test")


@contextmanager
def s3_server() -> Iterator[dict[str, str]]:
    """Runs moto's S3 server on a free port of the loopback; the variables by which clients find it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}"
    try:
        _wait(f"{address}/moto-api/")
        yield {
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": "us-east-1",
            "AWS_ENDPOINT_URL": address,
            "AWS_ALLOW_HTTP": "true",
        }
    finally:
        server.terminate()
        server.wait()


def make_bucket(name: str, server: dict[str, str] | None = None) -> None:
    """Make a bucket on the server."""
    address = (server or os.environ)["AWS_ENDPOINT_URL"]
    urlopen(Request(f"{address}/{name}", method="PUT")).close()


def _wait(page: str) -> None:
    ends = time.monotonic() + 60
    while True:
        try:
            urlopen(page, timeout=1).close()
        except (URLError, OSError):
            if time.monotonic() > ends:
                raise
            time.sleep(0.2)
        else:
            return
