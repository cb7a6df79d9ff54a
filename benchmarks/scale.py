"""A night at the seed scale or a tenth of it: wall time and peak memory, stage by stage."""

import tempfile
from pathlib import Path
from typing import Annotated

import typer
from measured_night import MeasuredNight, Stage, measured, run_night
from page import Page, table
from surroundings import apart, temporary_home

from nightschool.data.simulator.config import SimulatorConfig
from nightschool.data.simulator.simulate import simulate

SIZES = {
    "tenth": SimulatorConfig(users=10_000, items=3_000, interactions=300_000),
    "full": SimulatorConfig(users=100_000, items=10_000, interactions=3_000_000),
}
LIMIT_GIGABYTES = 20

Full = Annotated[bool, typer.Option("--full/--tenth", help="The whole seed scale, or a tenth of it.")]


def main(full: Full = False) -> None:
    """Simulates a platform and runs one night on it."""
    size = "full" if full else "tenth"
    config = SIZES[size]
    with tempfile.TemporaryDirectory(prefix="nightschool-") as folder:
        simulation = apart(measured, "simulate", simulate, config, Path(folder))
        with temporary_home():
            night = apart(run_night, "learning", Path(folder))
    took = f"{night.seconds:.0f} s, peak {night.peak_megabytes / 1000:.1f} GB"
    scale = f"{config.users:,} users × {config.items:,} items × {config.interactions:,} interactions"
    Page(
        name=f"scale_{size}",
        title=f"A night on {scale}",
        claim=f"A night on {scale} fits {LIMIT_GIGABYTES} GB",
        command=f"python benchmarks/scale.py --{size}",
        result=f"{took}; simulated in {simulation.seconds:.0f} s",
        body=[*_body(simulation, night)],
    ).write()


def _body(simulation: Stage, night: MeasuredNight) -> list[str]:
    report = night.report
    candidates = [
        [entry["name"], f"{entry['fit_seconds']:.1f}", f"{entry['metrics']['ndcg@10'][0]:.4f}"]
        for entry in report["candidates"]
    ]
    counts = [[name, f"{rows:,}"] for name, rows in report["tables"].items()]
    return [
        f"{report['status'].capitalize()}: {report['sentence']}. Proved on `{report['protocol']}`. Memory is the "
        "resident memory of the night's process, without Prefect's own server; the simulation ran before, in another.",
        table(["stage", "wall s", "peak MB"], [simulation.row(), *night.rows()]),
        table(["candidate (best setting)", "fit s", "validation ndcg@10"], candidates),
        table(["table", "rows published"], counts),
    ]


if __name__ == "__main__":
    typer.run(main)
