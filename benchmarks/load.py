"""A load from a process of its own: keep-alive connections to loopback, bounded in count and time."""

import asyncio
import json
import sys
import time
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

HOST = "127.0.0.1"


class Load(NamedTuple):
    """The requests of a load.

    Attributes:
        port: Of the server, on this machine.
        paths: Requested one after the other, and again from the first.
        seconds: Duration of the load.
        connections: How many connections send at once.
        rate: Requests a second in all; None: as many as are answered.
        bodies: Sent by POST, one after the other likewise, to the paths; none: the requests are GET.
    """

    port: int
    paths: Sequence[str]
    seconds: float
    connections: int = 16
    rate: float | None = None
    bodies: Sequence[str] = ()


class Outcome(NamedTuple):
    """The responses to a load.

    Attributes:
        requests: Answers a second.
        milliseconds: p50, p95 and p99 of the time from when a request was due to its answer's end.
        failed: Answers that were neither 200 nor 201, and connections that broke.
    """

    requests: float
    milliseconds: tuple[float, float, float]
    failed: int


def run(load: Load) -> Outcome:
    """Send the load and collect the responses."""
    return asyncio.run(_Run(load).all())


class _Run:
    def __init__(self, load: Load) -> None:
        self._load = load
        self._asks = map(_request, _around(load.paths), _around(load.bodies or [""]))
        self._waits: list[float] = []
        self._failed = 0

    async def all(self) -> Outcome:
        began = time.perf_counter()
        await asyncio.gather(*(self._connection(place, began) for place in range(self._load.connections)))
        took = time.perf_counter() - began
        waits: NDArray[np.float64] = np.array(self._waits or [np.nan]) * 1000
        p50, p95, p99 = np.percentile(waits, [50, 95, 99])
        return Outcome(len(self._waits) / took, (p50, p95, p99), self._failed)

    async def _connection(self, place: int, began: float) -> None:
        reader, writer = await asyncio.open_connection(HOST, self._load.port)
        step = self._load.connections / self._load.rate if self._load.rate else 0.0
        due = began + step * place / self._load.connections
        end = began + self._load.seconds
        while (now := time.perf_counter()) < end and due < end:
            if step:
                await asyncio.sleep(max(0.0, due - now))
            asked = due if step else now
            try:
                answered = await _ask(reader, writer, next(self._asks))
            except (OSError, asyncio.IncompleteReadError):
                self._failed += 1
                reader, writer = await asyncio.open_connection(HOST, self._load.port)
                continue
            self._failed += not answered
            self._waits.append(time.perf_counter() - asked)
            due += step
        writer.close()


def _request(path: str, body: str) -> bytes:
    """Write a GET of the path, or a POST of the body where there is one."""
    if not body:
        return f"GET {path} HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode()
    about = f"Content-Type: application/json\r\nContent-Length: {len(body.encode())}"
    return f"POST {path} HTTP/1.1\r\nHost: {HOST}\r\n{about}\r\n\r\n{body}".encode()


async def _ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> bool:
    """Send a request; return whether it was answered with 200 or 201."""
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    at = head.lower().index(b"content-length:") + 15
    await reader.readexactly(int(head[at : head.index(b"\r\n", at)]))
    return head.startswith((b"HTTP/1.1 200", b"HTTP/1.1 201"))


def _around(paths: Sequence[str]) -> Iterator[str]:
    while True:
        yield from paths


if __name__ == "__main__":
    # The load is read as JSON from standard input, and the outcome written so: nothing of a home is imported here.
    sys.stdout.write(json.dumps(run(Load(**json.load(sys.stdin)))._asdict()))
