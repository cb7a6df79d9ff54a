"""Whole nights on real data, from the manifest alone to a published release, stage by stage."""

from pathlib import Path

import typer
from measured_night import MeasuredNight, run_night
from page import Page, interval, table
from surroundings import DATA, DataOption, in_fresh_process, source_of, temporary_home

PROTOCOLS = {"movielens-100k": "temporal-user", "mooccubex": "random-user"}
"""Data set to what its night must prove on: ratings too bursty for one instant, and enrolments without time."""


def main(data: DataOption = DATA) -> None:
    """Run a night on each data set."""
    nights = {dataset: _run(dataset, source_of(dataset, data)) for dataset in PROTOCOLS}
    released = sum(night.report["status"] == "published" for night in nights.values())
    Page(
        name="nights",
        title="Nights on real data",
        claim="movielens-100k and mooccubex run to a published release from the manifest alone",
        command="python benchmarks/nights.py",
        result=f"{released} of {len(nights)} published, in {', '.join(f'{n.seconds:.0f} s' for n in nights.values())}",
        body=[
            "Each night is one `nightschool retrain --dataset NAME --source-root DIR` into an empty home, in a process "
            "of its own; memory is the resident memory of that process, without Prefect's own server.",
            *(_section(dataset, night) for dataset, night in nights.items()),
        ],
    ).write()


def _run(dataset: str, source: Path) -> MeasuredNight:
    with temporary_home():
        night = in_fresh_process(run_night, dataset, source)
    protocol = night.report["protocol"]
    assert protocol == PROTOCOLS[dataset], f"{dataset} was proved on {protocol}"
    assert night.report["warnings"], f"{dataset} does not say why its comparison is weaker"
    return night


def _section(dataset: str, night: MeasuredNight) -> str:
    report = night.report
    left_out = [f"{model} was left out: {reason}" for model, reason in report["failures"].items()]
    notes = [f"- {note}" for note in (*report["warnings"], *left_out)]
    roles = [
        [role["name"], f"{role['n_users']:,}", *(interval(role["metrics"][m]) for m in ("ndcg@10", "recall@10"))]
        for role in report["roles"]
    ]
    parts = [
        f"## {dataset}",
        f"{report['status'].capitalize()}: {report['sentence']}. Proved on `{report['protocol']}`:",
        "\n".join(notes),
        table(["role", "users", "ndcg@10", "recall@10"], roles),
        table(["stage", "wall s", "peak MB"], night.rows()),
    ]
    return "\n\n".join(parts)


if __name__ == "__main__":
    typer.run(main)
