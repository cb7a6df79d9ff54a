"""A running `nightschool serve`, and a load of our own to send to it."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final
from urllib.request import urlopen

import psutil
from load import Outcome

PORT: Final = 8131

_LOAD: Final = Path(__file__).with_name("load.py")


@contextmanager
def running_server(workers: int = 1) -> Iterator[tuple[psutil.Process, float]]:
    """Start a server of the home that NIGHTSCHOOL_HOME names; yields the seconds until it was ready."""
    began = time.perf_counter()
    arguments = [sys.executable, "-c", "from nightschool.cli import main; main()", "serve"]
    parts = ["--port", str(PORT), "--workers", str(workers)]
    server = subprocess.Popen([*arguments, *parts], stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    try:
        while not _ready():
            assert server.poll() is None, "the server ended"
            time.sleep(0.05)
        yield psutil.Process(server.pid), time.perf_counter() - began
    finally:
        server.terminate()
        server.wait(30)


def _ready() -> bool:
    try:
        return urlopen(f"http://127.0.0.1:{PORT}/ready", timeout=2).status == HTTPStatus.OK
    except OSError:
        return False


def lists_of(users: Sequence[int]) -> list[str]:
    """Return the paths of users' lists."""
    return [f"/v1/users/{user}/recommendations" for user in users]


def ask(paths: Sequence[str], seconds: float, **more: Any) -> Outcome:
    """Send a load of our own from a process of its own, at a fixed rate or as many as are answered."""
    load = {"port": PORT, "paths": paths, "seconds": seconds} | more
    done = subprocess.run([sys.executable, _LOAD], input=json.dumps(load), capture_output=True, text=True, check=True)
    return Outcome(**json.loads(done.stdout))
