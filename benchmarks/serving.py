"""The API under load from another process: lists a second, waits, memory, start, and releases that change meanwhile."""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Any, NamedTuple
from urllib.request import urlopen

import numpy as np
import psutil
import typer
from intake import SIZES, Upto
from measured_night import run_night
from page import Page, table
from surroundings import in_fresh_process, temporary_home

from nightschool.night.config import NightConfig
from nightschool.simulator.config import SimulatorConfig
from nightschool.simulator.simulate import simulate

GOALS = {"share": 0.8, "p99": 20.0}
"""Lists a second as a share of the empty endpoint's, and the milliseconds of p99 at half that load."""

PORT = 8131
ROUNDS = 5
SECONDS = 5.0
SWAPS = 100

EMPTY = ["/health"]
_LOAD = Path(__file__).with_name("load.py")


class Measured(NamedTuple):
    """Figures of one server.

    Attributes:
        users: Who have a list.
        start: Seconds from the command to the first list.
        megabytes: Resident memory of the worker after the load; its own pages, without those of mapped files.
        rounds: Requests a second by what was asked, one a round.
        half: Milliseconds p50, p95, p99 at half of the lists a second.
    """

    users: int
    start: float
    megabytes: float
    rounds: Mapping[str, list[float]]
    half: Sequence[float]

    def share(self, name: str) -> float:
        """Compute the median over rounds of requests a second divided by the empty endpoint's in the same round."""
        return float(np.median(np.array(self.rounds[name]) / np.array(self.rounds["empty"])))


def main(upto: Upto = "3 M") -> None:
    """Publish a release of each size, and serve it."""
    sizes = list(SIZES)[: list(SIZES).index(upto) + 1]
    servers = {size: _measure(size) for size in sizes}
    largest, swaps = servers[sizes[-1]], _swaps()
    Page(
        name="serving",
        title="The API under load",
        claim="One worker answers lists at 80 % of its empty endpoint's rate, p99 at half that load within 20 ms, and "
        "100 changes of the release fail no request",
        command=f"python benchmarks/serving.py --upto '{upto}'",
        result=_result(largest, swaps),
        body=[
            _how(),
            table(["", *sizes], _rows(servers)),
            f"Two releases of 1,000 users took turns being current {swaps['turns']} times while two workers answered "
            f"{swaps['requests']:,.0f} requests/s: {swaps['failed']} failed, p99 {swaps['milliseconds'][2]:.1f} ms.",
        ],
    ).write()


def _measure(size: str) -> Measured:
    with tempfile.TemporaryDirectory(prefix="nightschool-") as folder, temporary_home():
        in_fresh_process(simulate, SIZES[size], Path(folder))
        in_fresh_process(run_night, "learning", Path(folder))
        with _server() as (process, start):
            return _loaded(process, start, SIZES[size].users)


def _loaded(process: psutil.Process, start: float, users: int) -> Measured:
    """Measure a running server; each round sends all kinds in turn, so that noise of the machine affects them alike."""
    everybody = np.random.default_rng(42).permutation(np.arange(1, users + 1)).tolist()
    asked = {
        "empty": EMPTY,
        "lists, each user once": _lists(everybody),
        "lists, the same 1,000 users": _lists(everybody[:1000]),
    }
    rounds: dict[str, list[float]] = {name: [] for name in asked}
    for number in range(ROUNDS):
        for name, paths in asked.items():
            start_at = number * len(paths) // ROUNDS
            rounds[name].append(_ask([*paths[start_at:], *paths[:start_at]])["requests"])
    rate = float(np.median(rounds["lists, each user once"])) / 2
    half = _ask(asked["lists, each user once"], rate=rate)["milliseconds"]
    memory = max(child.memory_full_info().uss for child in (process, *process.children())) / 1e6
    return Measured(users, start, memory, rounds, half)


def _lists(users: Sequence[int]) -> list[str]:
    return [f"/v1/users/{user}/recommendations" for user in users]


def _ask(paths: Sequence[str], **more: Any) -> dict[str, Any]:
    """Send a load from a process of its own and collect the responses."""
    load = {"port": PORT, "paths": paths, "seconds": SECONDS} | more
    done = subprocess.run([sys.executable, _LOAD], input=json.dumps(load), capture_output=True, text=True, check=True)
    outcome: dict[str, Any] = json.loads(done.stdout)
    return outcome


@contextmanager
def _server(workers: int = 1) -> Iterator[tuple[psutil.Process, float]]:
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


def _swaps() -> dict[str, Any]:
    """Measure a load while two releases of a small home take turns being current."""
    with tempfile.TemporaryDirectory(prefix="nightschool-") as folder, temporary_home():
        in_fresh_process(simulate, SimulatorConfig(users=1_000, items=300, interactions=20_000), Path(folder))
        for k in (50, 49):
            in_fresh_process(run_night, "learning", Path(folder), NightConfig(k=k))
        with _server(workers=2), ThreadPoolExecutor(1) as turning:
            turns = turning.submit(_turn)
            outcome = _ask(_lists(range(1, 1001)), seconds=SWAPS * 0.7, connections=8)
            return {**outcome, "turns": turns.result()}


def _turn() -> int:
    """Make the other release current, a hundred times in about a minute, and count the turns."""
    from nightschool.application.home import open_home

    releases = open_home().releases
    first, second = (release.release_id for release in releases.published())
    for number in range(SWAPS):
        releases.rollback((first, second)[number % 2], f"swap {number}")
        time.sleep(0.5)
    return SWAPS


def _how() -> str:
    return (
        f"One `nightschool serve` on loopback, asked by a process of its own over 16 connections that stay open, for "
        f"{SECONDS:.0f} s at a time; {ROUNDS} rounds ask the empty endpoint (`/health`) and lists of ten in turn; a "
        "share is the median of the rounds' ratios. A list that is asked for once was in no cache. Half load asks at a "
        "fixed rate, and a wait counts from when a request was due. Memory is the worker's own, without mapped files."
    )


def _rows(servers: Mapping[str, Measured]) -> list[list[str]]:
    columns = servers.values()
    names = list(next(iter(columns)).rounds)
    return [
        ["users with a list", *(f"{each.users:,}" for each in columns)],
        *([f"{name}, requests/s", *(f"{np.median(each.rounds[name]):,.0f}" for each in columns)] for name in names),
        *([f"{name}, share of empty", *(f"{each.share(name):.2f}" for each in columns)] for name in names[1:]),
        ["p50, p95, p99 at half load, ms", *(", ".join(f"{wait:.1f}" for wait in each.half) for each in columns)],
        ["memory, MB", *(f"{each.megabytes:,.0f}" for each in columns)],
        ["command to first list, s", *(f"{each.start:.1f}" for each in columns)],
    ]


def _result(largest: Measured, swaps: Mapping[str, Any]) -> str:
    shares = {name: largest.share(name) for name in largest.rounds if name != "empty"}
    parts = [f"{name}: {share:.2f} of the empty endpoint" for name, share in shares.items()]
    reached = "reached" if min(shares.values()) >= GOALS["share"] else "missed"
    waits = "reached" if largest.half[2] <= GOALS["p99"] else "missed"
    return (
        f"{largest.users:,} users: {'; '.join(parts)} (goal {GOALS['share']} {reached}); p99 {largest.half[2]:.1f} ms "
        f"at half load (goal {GOALS['p99']:.0f} {waits}); {largest.start:.1f} s to the first list; "
        f"{swaps['turns']} changes of the release: {swaps['failed']} failed requests"
    )


if __name__ == "__main__":
    typer.run(main)
