"""Releases that change while two workers answer lists and take events in."""

import json
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from intake import SIZES
from load import Outcome
from measured_night import run_night
from server import PORT, ask, lists_of, running_server
from surroundings import in_fresh_process, temporary_home
from wrk import run_wrk

from nightschool.night.config import NightConfig
from nightschool.simulator.simulate import simulate

PLATFORM: Final = SIZES["0.3 M"]

SWAPS: Final = 20
SECONDS_BETWEEN: Final = 15.0
SECONDS_BEFORE: Final = 60.0
"""Of events alone: then a user has one or two, and a list is made from what it was published with and from them."""
_SECONDS_OF_MOST: Final = 20.0
_EVENTS_A_SECOND: Final = 200.0


class Swapped(NamedTuple):
    """What two workers did while the release changed and events came.

    Attributes:
        turns: Changes of the release.
        most: Lists a second that they can answer meanwhile.
        lists: At half of that.
        events: Taken in meanwhile.
    """

    turns: int
    most: float
    lists: Outcome
    events: Outcome


def measure_swaps() -> Swapped:
    """Measure a load while two releases take turns being current, and events come."""
    with tempfile.TemporaryDirectory(prefix="nightschool-") as folder, temporary_home():
        in_fresh_process(simulate, PLATFORM, Path(folder))
        for k in (50, 49):
            in_fresh_process(run_night, "learning", Path(folder), NightConfig(k=k))
        with running_server(workers=2), ThreadPoolExecutor(2) as together:
            rng, seconds = np.random.default_rng(7), SWAPS * SECONDS_BETWEEN
            lists, events = lists_of((1 + rng.permutation(PLATFORM.users)).tolist()), _events(rng, round(seconds))
            turning = together.submit(_turn)
            sending = together.submit(ask, ["/v1/events"], bodies=events, rate=_EVENTS_A_SECOND, seconds=seconds)
            time.sleep(SECONDS_BEFORE)
            most = run_wrk(PORT, lists, _SECONDS_OF_MOST).requests
            outcome = ask(lists, seconds=seconds - SECONDS_BEFORE - _SECONDS_OF_MOST, rate=most / 2)
            return Swapped(turning.result(), most, outcome, sending.result())


def _events(rng: np.random.Generator, seconds: int) -> list[str]:
    n = seconds * round(_EVENTS_A_SECOND)
    users, items = rng.integers(1, PLATFORM.users + 1, n).tolist(), rng.integers(1, PLATFORM.items + 1, n).tolist()
    kinds = rng.choice(["view", "like", "complete"], n, p=[0.6, 0.2, 0.2]).tolist()
    return [
        json.dumps({"user_id": user, "item_id": item, "event": kind})
        for user, item, kind in zip(users, items, kinds, strict=True)
    ]


def _turn() -> int:
    """Make the other release current every fifteen seconds, and count the turns."""
    from nightschool.application.home import open_home

    releases = open_home().releases
    first, second = (release.release_id for release in releases.published())
    for number in range(SWAPS):
        releases.rollback((first, second)[number % 2], f"swap {number}")
        time.sleep(SECONDS_BETWEEN)
    return SWAPS
