"""A whole night from 0.3 to 30 million interactions: wall time and peak memory, stage by stage, and how they grow."""

import tempfile
from itertools import pairwise
from math import log10
from pathlib import Path

import numpy as np
import typer
from intake import SIZES, Upto
from measured_night import MeasuredNight, run_night
from memory_curve import draw_memory
from page import Page, interval, table
from surroundings import in_fresh_process, temporary_home

from nightschool.simulator.simulate import simulate

GOALS = {"3 M": (120.0, 6.0), "30 M": (400.0, 20.0)}
"""Size to the seconds and gigabytes that a night may take."""
EXPONENT = 1.1
"""The power of the rows that a night's seconds may grow with."""


def main(upto: Upto = "3 M") -> None:
    """Simulate a platform of each size in turn and run one night on it."""
    nights = {size: _run(size) for size in list(SIZES)[: list(SIZES).index(upto) + 1]}
    Page(
        name="scale",
        title="A night at three sizes",
        claim="A night on 3 M interactions takes 120 s and 6 GB; 30 M 400 s and 20 GB, and time grows "
        f"no faster than n^{EXPONENT}",
        command=f"python benchmarks/scale.py --upto '{upto}'",
        result="; ".join([*(f"{size}: {_summarize(size, night)}" for size, night in nights.items()), *_fitted(nights)]),
        body=[
            "Each night is the first one of an empty home: one `nightschool retrain` in a process of its own with "
            "the default configuration. Hyper-parameters are searched for as long as the budget of a night "
            "lasts: one setting tried means that only the defaults were. Memory is the peak resident memory of "
            "that process in each stage, without Prefect's own server; the simulation ran before, in another.",
            table(["", *nights], _stages(nights)),
            f"![Resident memory of a night over its time]({draw_memory(nights)})",
            *_growth(nights),
            *(_section(size, night) for size, night in nights.items()),
        ],
    ).write()


def _run(size: str) -> MeasuredNight:
    with tempfile.TemporaryDirectory(prefix="nightschool-") as folder, temporary_home():
        in_fresh_process(simulate, SIZES[size], Path(folder))
        return in_fresh_process(run_night, "learning", Path(folder))


def _summarize(size: str, night: MeasuredNight) -> str:
    seconds, gigabytes = night.seconds, night.peak_megabytes / 1000
    figures = f"{seconds:.0f} s, {gigabytes:.1f} GB"
    if size not in GOALS:
        return figures
    within = seconds <= GOALS[size][0] and gigabytes <= GOALS[size][1]
    return f"{figures} (goal {'reached' if within else 'missed'})"


def _stages(nights: dict[str, MeasuredNight]) -> list[list[str]]:
    by_size = [night.rows() for night in nights.values()]
    return [
        [rows[0][0], *(f"{seconds} s, {peak} MB" for _, seconds, peak in rows)] for rows in zip(*by_size, strict=True)
    ]


def _fitted(nights: dict[str, MeasuredNight]) -> list[str]:
    """Fit the power of rows with which a night's time grew, and compare it with its goal; nothing for one size."""
    if len(nights) < 2:
        return []
    rows = [SIZES[size].interactions for size in nights]
    exponent = np.polyfit(np.log(rows), np.log([night.seconds for night in nights.values()]), 1)[0]
    return [f"time grows as n^{exponent:.2f} (goal {'reached' if exponent <= EXPONENT else 'missed'})"]


def _growth(nights: dict[str, MeasuredNight]) -> list[str]:
    return [
        f"From {small} to {large} the time of a night grows as n^"
        f"{log10(nights[large].seconds / nights[small].seconds):.2f}, its memory as n^"
        f"{log10(nights[large].peak_megabytes / nights[small].peak_megabytes):.2f}."
        for small, large in pairwise(nights)
    ]


def _section(size: str, night: MeasuredNight) -> str:
    config, report = SIZES[size], night.report
    candidates = [
        [
            entry["name"],
            str(report["trials"].get(entry["name"], "–")),
            f"{entry['fit_seconds']:.1f}",
            interval(entry["metrics"]["ndcg@10"]),
        ]
        for entry in report["candidates"]
    ]
    roles = [[role["name"], f"{role['n_users']:,}", interval(role["metrics"]["ndcg@10"])] for role in report["roles"]]
    counts = [[name, f"{rows:,}"] for name, rows in report["tables"].items()]
    return "\n\n".join(
        [
            f"## {size}: {config.users:,} users × {config.items:,} items × {config.interactions:,} interactions",
            f"{report['status'].capitalize()}: {report['sentence']}. Proved on `{report['protocol']}`.",
            table(["candidate (best setting)", "settings tried", "fit s", "validation ndcg@10"], candidates),
            table(["role", "users", "test ndcg@10"], roles),
            table(["table", "rows published"], counts),
        ]
    )


if __name__ == "__main__":
    typer.run(main)
