"""A whole night with the wall time and the peak memory of each of its stages."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from threading import Thread
from typing import Any

from surroundings import leave_out_priors

from nightschool.cli.environment import prepare_environment, prepare_flow_run
from nightschool.night.config import NightConfig
from nightschool.night.records import STAGES as RECORDS

_RECOVER, _INGEST, *_OTHERS = (record.stage for record in RECORDS)
STAGES = (_RECOVER, _INGEST, "open_night", *_OTHERS, "report")
"""The names under which the flow calls its stages, in their order."""


@dataclass(frozen=True)
class Stage:
    """Cost of one stage: wall seconds, and the peak resident memory of the process during it, in MB."""

    name: str
    began: float
    seconds: float
    peak_megabytes: float

    def row(self) -> list[str]:
        """Write the stage as a row of a table."""
        return [self.name, f"{self.seconds:.1f}", f"{self.peak_megabytes:,.0f}"]


@dataclass(frozen=True)
class MeasuredNight:
    """A night's report, its stages, and the seconds of everything, imports and Prefect's own server included.

    `curve` holds the resident memory in MB at about four instants a second; all instants are `time.perf_counter`'s.
    """

    report: dict[str, Any]
    stages: tuple[Stage, ...]
    began: float
    seconds: float
    curve: list[tuple[float, float]]

    @property
    def peak_megabytes(self) -> float:
        """Return the largest resident memory of any stage, in MB."""
        return max(stage.peak_megabytes for stage in self.stages)

    def rows(self) -> list[list[str]]:
        """Write the stages, and the time outside them, as rows of a table."""
        within = sum(stage.seconds for stage in self.stages)
        rest = ["imports, Prefect's server, bookkeeping", f"{self.seconds - within:.1f}", "–"]
        total = ["**the night**", f"**{self.seconds:.1f}**", f"**{self.peak_megabytes:,.0f}**"]
        return [*(stage.row() for stage in self.stages), rest, total]


def run_night(dataset: str, source_root: Path, config: NightConfig = NightConfig()) -> MeasuredNight:
    """Run `nightschool retrain` in the home that NIGHTSCHOOL_HOME names; call it in a process of its own.

    The flow is the one that Prefect runs; each stage is watched from outside, where the flow calls it.
    """
    started = time.perf_counter()
    curve: list[tuple[float, float]] = []
    Thread(target=_watch_memory, args=(curve,), daemon=True).start()
    prepare_environment()
    server = prepare_flow_run()
    server.start()
    import flows.retrain as night

    server.wait()
    leave_out_priors(dataset)

    stages: list[Stage] = []
    for name in STAGES:
        setattr(night, name, _watched(name, getattr(night, name), stages))
    report = night.retrain(dataset=dataset, source_root=source_root, config=config)
    return MeasuredNight(report, tuple(stages), started, time.perf_counter() - started, list(curve))


def measured(name: str, function: Callable[..., Any], *args: Any) -> Stage:
    """Measure one call; its result is dropped."""
    stages: list[Stage] = []
    _watched(name, function, stages)(*args)
    return stages[0]


def _watched(name: str, stage: Callable[..., Any], stages: list[Stage]) -> Callable[..., Any]:
    @wraps(stage)
    def watched(*args: Any, **kwargs: Any) -> Any:
        _forget_peak()
        started = time.perf_counter()
        try:
            return stage(*args, **kwargs)
        finally:
            stages.append(Stage(name, started, time.perf_counter() - started, _peak_megabytes()))

    return watched


def _forget_peak() -> None:
    """Reset the kernel's peak counter: exact, where a sampling thread would wait for the interpreter lock."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def _peak_megabytes() -> float:
    return _megabytes("VmHWM")


def _watch_memory(curve: list[tuple[float, float]]) -> None:
    while True:
        curve.append((time.perf_counter(), _megabytes("VmRSS")))
        time.sleep(0.25)


def _megabytes(entry: str) -> float:
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition(f"{entry}:")[2].split()[0]) / 1000
