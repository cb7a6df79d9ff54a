"""`nightschool serve` as a process of its own, with workers of its own."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

ROOT = Path(__file__).parents[2]
_CODE = "from nightschool.cli import main; main()"


@dataclass
class Running:
    """A server.

    Attributes:
        address: Where it listens.
        log: What it says.
    """

    process: subprocess.Popen[bytes]
    address: str
    log: Path

    def kill(self) -> None:
        """Ends the server and its workers at once, as a power cut would."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(30)


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@contextmanager
def serving(home: Path, workers: int, port: int | None = None) -> Iterator[Running]:
    """A server over a home, once it answers."""
    port = port or free_port()
    log = home.with_name(f"{home.name}-{port}.log")
    command = [sys.executable, "-c", _CODE, "serve", "--port", str(port), "--workers", str(workers)]
    with log.open("ab") as written:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env={**os.environ, "NIGHTSCHOOL_HOME": str(home)},
            stdout=written,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    running = Running(process, f"http://127.0.0.1:{port}", log)
    try:
        wait_until(lambda: process.poll() is not None or _is_up(running.address), 90)
        assert process.poll() is None, log.read_text()
        yield running
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                running.kill()


def wait_until(holds: Callable[[], bool], seconds: float) -> None:
    """Nothing, as soon as it holds; asserts that it does in time."""
    over = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < over, f"not within {seconds} s"
        time.sleep(0.05)


def _is_up(address: str) -> bool:
    try:
        return httpx.get(f"{address}/ready", timeout=5).status_code == 200
    except httpx.TransportError:
        return False
