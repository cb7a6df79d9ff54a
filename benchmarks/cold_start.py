"""Cold start: what models are worth to users of whom little is known, and for items that nobody has met."""

from pathlib import Path
from typing import Any

import typer
from page import Page, called, interval, settings, table
from surroundings import DATA, DataOption, apart, ingested_home, source_of, temporary_home

DATASETS = ("movielens-100k", "mooccubex")
MODELS = {
    "leave-users": ("ease", "dlae", "ials", "gfcf", "itemknn", "content"),
    "leave-items": ("content", "dlae"),
}
K = 10


def main(data: DataOption = DATA) -> None:
    """Measures both protocols of cold start on each data set, in a process each."""
    tables = [
        (dataset, found)
        for dataset in DATASETS
        for protocol in MODELS
        for found in apart(measure, dataset, source_of(dataset, data), protocol)
    ]
    Page(
        name="cold_start",
        title="Cold start",
        claim="From a user's first event on, what validation chooses beats popularity; for new items, content does",
        command="python benchmarks/cold_start.py",
        result=_told(tables),
        body=[
            "`leave-users` holds users out whole and scores them by folding in their first events; `leave-items` holds "
            f"items out whole. Hyper-parameters are chosen on validation, held out the same way; ndcg@{K}, intervals "
            "of 95 % over users, `over popularity` is the paired difference.",
            *(text for dataset, found in tables for text in _section(dataset, found)),
        ],
    ).write()


def measure(dataset: str, source: Path, protocol: str) -> list[dict[str, Any]]:
    """What `nightschool evaluate --protocol leave-users` or `leave-items` finds."""
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
            called(model),
            interval(model["metrics"][f"ndcg@{K}"]),
            interval(model["over_popularity"]),
            settings(model),
        ]
        for model in found["models"]
    ]
    head = f"## {dataset}: {found['name']}, {found['n_users']:,} users"
    return [head, table(["model", f"ndcg@{K}", "over popularity", "settings"], rows)]


def _told(tables: list[tuple[str, dict[str, Any]]]) -> str:
    """In how many tables the choice is shown over popularity, and which are the others."""
    others = [f"{dataset}, {found['name']}" for dataset, found in tables if not _over_popularity(found)[1] > 0]
    return f"shown in {len(tables) - len(others)} of {len(tables)} tables; not in {'; '.join(others) or 'none'}"


def _over_popularity(found: dict[str, Any]) -> list[float]:
    """The difference of what validation chose, or of content where no recipe can be compared, and its interval."""
    by_name = {model["name"]: model for model in found["models"]}
    difference: list[float] = next((m for m in found["models"] if m["chosen"]), by_name["content"])["over_popularity"]
    return difference


if __name__ == "__main__":
    typer.run(main)
