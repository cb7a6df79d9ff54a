"""Ingest, validate and prepare from 0.3 to 30 million interactions: wall time, peak memory, and how they grow."""

import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from itertools import pairwise
from math import log10
from pathlib import Path
from typing import Annotated, Any

import polars as pl
import typer
from measured_night import Stage, measured
from page import Page, table
from surroundings import in_fresh_process, temporary_home

from nightschool.cli.environment import prepare_environment
from nightschool.simulator.config import SimulatorConfig
from nightschool.simulator.simulate import simulate

SIZES = {
    "0.3 M": SimulatorConfig(users=10_000, items=3_000, interactions=300_000),
    "3 M": SimulatorConfig(users=100_000, items=10_000, interactions=3_000_000),
    "30 M": SimulatorConfig(users=300_000, items=10_000, interactions=30_000_000),
}
GOALS = {"3 M": "goal 15 s and 2.5 GB", "30 M": "goal 8 GB"}
COUNTED = ("ingest", "validate", "prepare")

Upto = Annotated[str, typer.Option(help="The largest size: '0.3 M', '3 M' or '30 M'.")]


@dataclass(frozen=True)
class Measured:
    """One size: plain polars reading the same file, our stages, and a second ingest as a command."""

    polars: Stage
    stages: tuple[Stage, ...]
    again_seconds: float

    @property
    def seconds(self) -> float:
        """Sum the seconds of ingest, validate and prepare."""
        return sum(stage.seconds for stage in self.stages if stage.name in COUNTED)

    @property
    def gigabytes(self) -> float:
        """Return the largest of their memory peaks, in GB."""
        return max(stage.peak_megabytes for stage in self.stages if stage.name in COUNTED) / 1000


def main(upto: Upto = "3 M") -> None:
    """Simulate each size in turn and measure it in processes of its own."""
    sizes = list(SIZES)[: list(SIZES).index(upto) + 1]
    results = {size: _measure(SIZES[size]) for size in sizes}
    parts = [f"{size}: {each.seconds:.1f} s, {each.gigabytes:.1f} GB" for size, each in results.items()]
    Page(
        name="intake",
        title="Ingest, validate and prepare",
        claim="3 M rows are ingested, validated and prepared in 15 s and 2.5 GB, 30 M rows in 8 GB",
        command=f"python benchmarks/intake.py --upto '{upto}'",
        result="; ".join(parts),
        body=[*_body(results)],
    ).write()


def _measure(config: SimulatorConfig) -> Measured:
    with tempfile.TemporaryDirectory(prefix="nightschool-") as folder, temporary_home() as home:
        in_fresh_process(simulate, config, Path(folder))
        plain = in_fresh_process(measured, "polars", _read_plainly, Path(folder) / "engagements.csv")
        stages = in_fresh_process(_take_in_and_prepare, Path(folder))
        return Measured(plain, stages, _again(home))


def _read_plainly(file: Path) -> None:
    pl.read_csv(file, try_parse_dates=True)


def _take_in_and_prepare(folder: Path) -> tuple[Stage, ...]:
    prepare_environment()
    from nightschool.application.bind_home import bind_home
    from nightschool.application.opening import open_night
    from nightschool.night.config import NightConfig
    from tasks.ingest import ingest
    from tasks.prepare import prepare
    from tasks.validate import validate

    home = bind_home("learning", folder)
    stages = [measured("ingest", ingest.fn, home, None)]
    night: Any = open_night(home, NightConfig(), None, force=False)
    return (*stages, measured("validate", validate.fn, night), measured("prepare", prepare.fn, night))


def _again(home: Path) -> float:
    command = [str(Path(sys.executable).with_name("nightschool")), "--home", str(home), "ingest", "--json"]
    started = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - started


def _body(results: dict[str, Measured]) -> list[str]:
    rows = []
    for size, each in results.items():
        parts = [
            f"{stage.seconds:.1f} s, {stage.peak_megabytes / 1000:.1f} GB" for stage in (each.polars, *each.stages)
        ]
        ratio = each.stages[0].seconds / each.polars.seconds
        rows.append([size, *parts, f"{each.seconds:.1f} s", f"{ratio:.1f}×", f"{each.again_seconds:.1f} s"])
    columns = ["interactions", "plain polars", *COUNTED, "the three", "ingest : polars", "the same files again"]
    body = [
        "Plain polars reads the same CSV file with `try_parse_dates` and does nothing else. Ingest also reads users "
        "and content, hashes every byte, checks every row, and commits the tables. `The same files again` is the whole "
        "command `nightschool ingest`, imports included; the stages are timed without imports. Memory is the peak "
        "resident memory of the stage's process.",
        table(columns, rows),
        *(
            f"{size}: {results[size].seconds:.1f} s, {results[size].gigabytes:.1f} GB; {goal}."
            for size, goal in GOALS.items()
            if size in results
        ),
    ]
    sizes = list(results)
    for small, large in pairwise(sizes):
        growth = log10(results[large].seconds / results[small].seconds)
        body.append(f"From {small} to {large} the time of the three grows as n^{growth:.2f}.")
    return body


if __name__ == "__main__":
    typer.run(main)
