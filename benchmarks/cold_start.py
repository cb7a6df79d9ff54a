"""Cold start: quality of models for users with few events, and for new items."""

from pathlib import Path
from typing import Any

import typer
from page import Page, interval, label_of, settings, table
from surroundings import DATA, DataOption, in_fresh_process, ingested_home, source_of, temporary_home

DATASETS = ("movielens-100k", "mooccubex")
MODELS = {
    "leave-users": ("ease", "dlae", "ials", "gfcf", "itemknn", "content"),
    "leave-items": ("content", "dlae", "ials"),
}
K = 10


def main(data: DataOption = DATA) -> None:
    """Measure both protocols of cold start on each data set, each in a process of its own."""
    tables = [
        (dataset, found)
        for dataset in DATASETS
        for protocol in MODELS
        for found in in_fresh_process(measure, dataset, source_of(dataset, data), protocol)
    ]
    Page(
        name="cold_start",
        title="Cold start",
        claim="From a user's first event on, what validation chooses beats popularity; for new items, content does",
        command="python benchmarks/cold_start.py",
        result=_summarize(tables),
        body=[
            "`leave-users` holds users out whole and scores them by folding in their first events; `leave-items` holds "
            f"items out whole. Hyper-parameters are chosen on validation, held out the same way; ndcg@{K}, intervals "
            "of 95 % over users, `over popularity` is the paired difference.",
            *(text for dataset, found in tables for text in _section(dataset, found)),
        ],
    ).write()


def measure(dataset: str, source: Path, protocol: str) -> list[dict[str, Any]]:
    """Run what `nightschool evaluate --protocol leave-users` or `leave-items` runs."""
    with temporary_home():
        home = ingested_home(dataset, source)
        from nightschool.application.cold_start import evaluate_cold_start
        from nightschool.application.evaluate import Offline
        from nightschool.night.config import NightConfig

        asked = Offline(MODELS[protocol], protocol, K, 42, "manifest", NightConfig())
        tables: list[dict[str, Any]] = evaluate_cold_start(home, asked)["tables"]
    return tables


def _section(dataset: str, found: dict[str, Any]) -> list[str]:
    rows = [
        [
            label_of(model),
            interval(model["metrics"][f"ndcg@{K}"]),
            interval(model["over_popularity"]),
            settings(model),
        ]
        for model in found["models"]
    ]
    head = f"## {dataset}: {found['name']}, {found['n_users']:,} users"
    return [head, table(["model", f"ndcg@{K}", "over popularity", "settings"], rows)]


def _summarize(tables: list[tuple[str, dict[str, Any]]]) -> str:
    """Count the tables in which the chosen model is shown better than popularity, and name the others."""
    others = [f"{dataset}, {found['name']}" for dataset, found in tables if not _over_popularity(found)[1] > 0]
    return f"shown in {len(tables) - len(others)} of {len(tables)} tables; not in {'; '.join(others) or 'none'}"


def _over_popularity(found: dict[str, Any]) -> list[float]:
    """Return the difference of the chosen model, or of content where no recipe can be compared, and its interval."""
    by_name = {model["name"]: model for model in found["models"]}
    difference: list[float] = next((m for m in found["models"] if m["chosen"]), by_name["content"])["over_popularity"]
    return difference


if __name__ == "__main__":
    typer.run(main)
