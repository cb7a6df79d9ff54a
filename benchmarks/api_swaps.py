"""Releases that change while two workers answer lists and take events in."""

import json
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from load import Outcome
from measured_night import run_night
from server import PORT, ask, lists_of, running_server
from surroundings import in_fresh_process, temporary_home
from wrk import run_wrk

from nightschool.night.config import NightConfig
from nightschool.simulator.config import SimulatorConfig
from nightschool.simulator.simulate import simulate

SMALL: Final = SimulatorConfig(users=1_000, items=300, interactions=20_000)

_SWAPS: Final = 100
_SECONDS: Final = 5.0
_EVENTS_A_SECOND: Final = 200.0


class Swapped(NamedTuple):
    """What two workers did while the release changed.

    Attributes:
        turns: Changes of the release.
        most: Lists a second that they can answer.
        lists: At half of that.
        events: Taken in meanwhile.
    """

    turns: int
    most: float
    lists: Outcome
    events: Outcome


def measure_swaps() -> Swapped:
    """Measure a load while two releases of a small home take turns being current, and events come."""
    with tempfile.TemporaryDirectory(prefix="nightschool-") as folder, temporary_home():
        in_fresh_process(simulate, SMALL, Path(folder))
        for k in (50, 49):
            in_fresh_process(run_night, "learning", Path(folder), NightConfig(k=k))
        with running_server(workers=2), ThreadPoolExecutor(2) as together:
            lists, seconds = lists_of(range(1, 1001)), _SWAPS * 0.7
            most = run_wrk(PORT, lists, _SECONDS).requests
            turning = together.submit(_turn)
            sending = together.submit(ask, ["/v1/events"], bodies=_events(), rate=_EVENTS_A_SECOND, seconds=seconds)
            outcome = ask(lists, seconds=seconds, rate=most / 2)
            return Swapped(turning.result(), most, outcome, sending.result())


def _events() -> list[str]:
    rng = np.random.default_rng(7)
    users, items = rng.integers(1, 1001, 20_000).tolist(), rng.integers(1, 301, 20_000).tolist()
    kinds = rng.choice(["view", "like", "complete"], 20_000, p=[0.6, 0.2, 0.2]).tolist()
    return [
        json.dumps({"user_id": user, "item_id": item, "event": kind})
        for user, item, kind in zip(users, items, kinds, strict=True)
    ]


def _turn() -> int:
    """Make the other release current, a hundred times in about a minute, and count the turns."""
    from nightschool.application.home import open_home

    releases = open_home().releases
    first, second = (release.release_id for release in releases.published())
    for number in range(_SWAPS):
        releases.rollback((first, second)[number % 2], f"swap {number}")
        time.sleep(0.5)
    return _SWAPS
