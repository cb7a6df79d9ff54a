"""A small platform whose first night was published, for tests that run further nights on it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from flows.retrain import retrain
from nightschool.night.config import NightConfig
from nightschool.simulator.config import SimulatorConfig
from nightschool.simulator.simulate import simulate

N_USERS, N_ITEMS = 200, 100
SEEN_ALL = 1
"""The user who has seen everything."""
CONFIG = NightConfig(
    k=200,
    models=("popularity", "ease", "content"),
    params={"ease": {"l2": 50.0}},
    alpha_steps=2,
    minutes=0.01,
    min_users=50,
    window_days=56,
)


@dataclass(frozen=True)
class Platform:
    """A home whose first night was published from the first nine tenths of the events, to be copied.

    Attributes:
        home: The home.
        source: The source files as they were then.
        later: The lines of events that came later.
        report: What the first night reported.
    """

    home: Path
    source: Path
    later: list[bytes]
    report: dict[str, Any]


def make_platform(folder: Path) -> Platform:
    """Simulates a platform below the folder and runs its first night, on a Prefect server that is there."""
    home, source = folder / "home", folder / "source"
    simulate(SimulatorConfig(users=N_USERS, items=N_ITEMS, interactions=6_000, seed=1), source)
    events = source / "engagements.csv"
    lines = events.read_bytes().splitlines(keepends=True)
    start, now = lines[: len(lines) * 9 // 10], lines[len(lines) * 9 // 10 :]
    everything = [
        f"{SEEN_ALL},{item},2025-01-05T10:00:00Z,viewed,600,true\n".encode() for item in range(1, N_ITEMS + 1)
    ]
    events.write_bytes(b"".join(start + everything))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NIGHTSCHOOL_HOME", str(home))
        patch.setattr("nightschool.application.opening.code_version", lambda: "code")
        report = retrain("learning", source, config=CONFIG)
    return Platform(home, source, now, report)
