"""The API under load: lists and sessions a second, waits, memory, start, and releases that change while events come."""

import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import psutil
import typer
from api_swaps import PLATFORM, SECONDS_BEFORE, SECONDS_BETWEEN, Swapped, measure_swaps
from intake import SIZES, Upto
from measured_night import run_night
from page import Page, table
from server import PORT, ask, lists_of, running_server
from surroundings import in_fresh_process, temporary_home
from wrk import Answered, run_wrk

from nightschool.errors import NotFound
from nightschool.night.config import NightConfig
from nightschool.simulator.config import SimulatorConfig
from nightschool.simulator.simulate import simulate

ONCE, AGAIN, SESSIONS = "lists, each user once", "lists, the same 1,000 users", "sessions of 2 to 8 items"
SHARES = {ONCE: 0.8, AGAIN: 1.0, SESSIONS: 0.3}
"""What is asked, to how many answers a second there should be as a share of the empty endpoint's."""
MOST_MILLISECONDS = 20.0
"""At p99, at half the load."""
MOST_MEGABYTES = 500.0

ROUNDS = 5
SECONDS = 5.0

EMPTY = "empty"
SESSIONS_PATH = "/v1/recommendations"
SMALL = SimulatorConfig(users=1_000, items=300, interactions=20_000)


class Measured(NamedTuple):
    """Figures of one server.

    Attributes:
        users: Who have a list.
        start: Seconds from the command to the first list.
        memory: Megabytes of the worker after the load: its own, and those of files that it maps.
        peak: The most memory that it held, in megabytes.
        rounds: What wrk measured by what was asked, one a round.
        half: Milliseconds p50, p95, p99 at half of the lists a second.
        floor: The same of the empty endpoint at that rate: what the generator and the machine add.
    """

    users: int
    start: float
    memory: tuple[float, float]
    peak: float
    rounds: Mapping[str, list[Answered]]
    half: Sequence[float]
    floor: Sequence[float]

    def share(self, name: str) -> float:
        """Compute the median over rounds of answers a second divided by the empty endpoint's in the same round."""
        return float(np.median([one.requests / empty.requests for one, empty in self._pairs(name)]))

    def median(self, name: str, figure: str) -> float:
        """Compute the median of a figure over rounds."""
        return float(np.median([getattr(one, figure) for one in self.rounds[name]]))

    @property
    def failed(self) -> int:
        """Return how many requests failed."""
        return sum(one.failed for rounds in self.rounds.values() for one in rounds)

    def _pairs(self, name: str) -> Iterator[tuple[Answered, Answered]]:
        return zip(self.rounds[name], self.rounds[EMPTY], strict=True)


def main(upto: Upto = "3 M") -> None:
    """Publish a release of each size, and serve it."""
    if shutil.which("wrk") is None:
        raise NotFound("no wrk", do="install it from your system's packages")
    sizes = list(SIZES)[: list(SIZES).index(upto) + 1]
    servers = {size: _measure(SIZES[size]) for size in sizes}
    network = _measure(SMALL, NightConfig(models=["sasrec"]))
    largest, swaps = servers[sizes[-1]], measure_swaps()
    Page(
        name="serving",
        title="The API under load",
        claim="Lists at 80 % of the empty endpoint's rate, cached ones at its own, sessions at 30 %; p99 within 20 ms "
        "at half load while the release changes and events come; 500 MB a worker",
        command=f"python benchmarks/api_load.py --upto '{upto}'",
        result=_result(largest, swaps),
        body=[
            _how(),
            table(["", *sizes], _rows(servers)),
            f"With `sasrec` alone, which publishes no weights but a network, {SMALL.users:,} users and {SMALL.items} "
            f"items: {network.median(SESSIONS, 'requests'):,.0f} sessions/s, {network.share(SESSIONS):.2f} of the "
            f"empty endpoint, p50 and p99 {_waits(network, SESSIONS)} ms.",
            f"Two releases of {PLATFORM.users:,} users took turns being current {swaps.turns} times, every "
            f"{SECONDS_BETWEEN:.0f} seconds, and {swaps.events.requests:,.0f} events/s came, while two workers "
            f"answered {swaps.lists.requests:,.0f} lists/s, half of what they can meanwhile ({swaps.most:,.0f}), from "
            f"the {SECONDS_BEFORE + 20:.0f}th second on, when most users have events that lists take in: "
            f"p50, p95, p99 of the lists {_listed(swaps.lists.milliseconds)} ms, "
            f"of the events {_listed(swaps.events.milliseconds)} ms, "
            f"{swaps.lists.failed + swaps.events.failed} failed.",
        ],
    ).write()


def _measure(platform: SimulatorConfig, night: NightConfig = NightConfig()) -> Measured:
    with tempfile.TemporaryDirectory(prefix="nightschool-") as folder, temporary_home():
        in_fresh_process(simulate, platform, Path(folder))
        in_fresh_process(run_night, "learning", Path(folder), night)
        with running_server() as (process, start):
            return _loaded(process, start, platform)


def _loaded(process: psutil.Process, start: float, config: SimulatorConfig) -> Measured:
    """Measure a running server; each round sends all kinds in turn, so that noise of the machine affects them alike."""
    everybody = lists_of(np.random.default_rng(42).permutation(np.arange(1, config.users + 1)).tolist())
    asked = {EMPTY: ["/health"], ONCE: everybody, AGAIN: everybody[:1000], SESSIONS: _sessions(config.items)}
    rounds: dict[str, list[Answered]] = {name: [] for name in asked}
    for number in range(ROUNDS):
        for name, lines in asked.items():
            start_at = number * len(lines) // ROUNDS
            turned = [*lines[start_at:], *lines[:start_at]]
            path = SESSIONS_PATH if name == SESSIONS else ""
            rounds[name].append(run_wrk(PORT, turned, SECONDS, path=path))
    rate = float(np.median([one.requests for one in rounds[ONCE]])) / 2
    half, floor = (ask(paths, SECONDS, rate=rate).milliseconds for paths in (everybody, asked[EMPTY]))
    workers = [*map(_memory_of, (process, *process.children()))]
    own, mapped, peak = max(workers)
    return Measured(config.users, start, (own, mapped), peak, rounds, half, floor)


def _memory_of(process: psutil.Process) -> tuple[float, float, float]:
    """Read a process's memory from the kernel: its own, that of mapped files, and the most of both together, in MB."""
    status = Path(f"/proc/{process.pid}/status").read_text(encoding="ascii")
    found = dict(line.split(":", 1) for line in status.splitlines())
    own, mapped, peak = (int(found[name].split()[0]) / 1000 for name in ("RssAnon", "RssFile", "VmHWM"))
    return own, mapped, peak


def _sessions(n_items: int) -> list[str]:
    """Draw the bodies of requests for sessions, each of another few items."""
    rng = np.random.default_rng(42)
    lengths = rng.integers(2, 9, 20_000)
    return [json.dumps({"items": (rng.integers(1, n_items + 1, length)).tolist()}) for length in lengths]


def _how() -> str:
    return (
        "One `nightschool serve` on loopback, asked by wrk over 16 connections that stay open, for "
        f"{SECONDS:.0f} s at a time; {ROUNDS} rounds ask the empty endpoint (`/health`), lists of ten and sessions in "
        "turn; a share is the median of the rounds' ratios. A list that is asked for once was in no cache, and no "
        "session is asked for twice. Half load asks at a fixed rate by a generator of our own, and a wait counts from "
        "when a request was due. Memory is the own one of the worker after the load, as the kernel counts it, and that "
        "of the files that it maps, which workers share."
    )


def _rows(servers: Mapping[str, Measured]) -> list[list[str]]:
    columns = servers.values()
    names = [EMPTY, *SHARES]
    return [
        ["users with a list", *(f"{each.users:,}" for each in columns)],
        *([f"{name}, requests/s", *(f"{each.median(name, 'requests'):,.0f}" for each in columns)] for name in names),
        *([f"{name}, share of empty", *(f"{each.share(name):.2f}" for each in columns)] for name in SHARES),
        *([f"{name}, p50 and p99 at full load, ms", *(_waits(each, name) for each in columns)] for name in names),
        ["lists, p50, p95, p99 at half load, ms", *(_listed(each.half) for each in columns)],
        ["empty at that rate, ms", *(_listed(each.floor) for each in columns)],
        ["failed", *(f"{each.failed}" for each in columns)],
        ["memory of its own, MB", *(f"{each.memory[0]:,.0f}" for each in columns)],
        ["memory of mapped files, MB", *(f"{each.memory[1]:,.0f}" for each in columns)],
        ["most of both, MB", *(f"{each.peak:,.0f}" for each in columns)],
        ["command to first list, s", *(f"{each.start:.1f}" for each in columns)],
    ]


def _waits(server: Measured, name: str) -> str:
    return f"{server.median(name, 'p50'):.1f}, {server.median(name, 'p99'):.1f}"


def _listed(waits: Sequence[float]) -> str:
    return ", ".join(f"{wait:.1f}" for wait in waits)


def _result(largest: Measured, swaps: Swapped) -> str:
    shares = [
        f"{name} {largest.share(name):.2f} of the empty endpoint ({_goal(largest.share(name) >= least, least)})"
        for name, least in SHARES.items()
    ]
    wait, memory = swaps.lists.milliseconds[2], largest.memory[0]
    return (
        f"{largest.users:,} users: {'; '.join(shares)}; p99 at half load {largest.half[2]:.1f} ms, and while the "
        f"release changes and {swaps.events.requests:.0f} events/s come {wait:.1f} ms "
        f"({_goal(max(wait, largest.half[2]) <= MOST_MILLISECONDS, MOST_MILLISECONDS)}); memory of a worker's own "
        f"{memory:,.0f} MB ({_goal(memory <= MOST_MEGABYTES, MOST_MEGABYTES)}); {largest.start:.1f} s to the first "
        f"list; {largest.failed + swaps.lists.failed + swaps.events.failed} failed requests"
    )


def _goal(reached: bool, goal: float) -> str:
    return f"goal {goal:g} {'reached' if reached else 'missed'}"


if __name__ == "__main__":
    typer.run(main)
