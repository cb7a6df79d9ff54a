"""Protocol C: movielens-1m's prefix by each user's time, goodbooks-10k at random, against our own EASE."""

from pathlib import Path
from typing import Any

import typer
from page import Page, interval, label_of, settings, table
from surroundings import DATA, SEARCH, DataOption, in_fresh_process, ingested_home, source_of, temporary_home

MODELS = (
    "popularity",
    "recent_popularity",
    "ease",
    "dlae",
    "ials",
    "gfcf",
    "itemknn",
    "userknn",
    "content",
    "reranker",
)
CUTS = {"movielens-1m": "temporal-user", "goodbooks-10k": "random-user"}
K = 10


def main(data: DataOption = DATA) -> None:
    """Measure what validation chooses against EASE, on the same users."""
    rows = {dataset: in_fresh_process(measure, dataset, source_of(dataset, data)) for dataset in CUTS}
    ahead = [dataset for dataset, found in rows.items() if found[-1]["over_ease"][1] > 0]
    Page(
        name="protocol_c",
        title="Protocol C: movielens-1m (a prefix) and goodbooks-10k, beside our own EASE",
        claim="What validation chooses is shown better than EASE by a paired interval",
        command="python benchmarks/protocol_c.py",
        result=f"shown better on {len(ahead)} of {len(CUTS)}: {', '.join(ahead) or 'none'}",
        body=[text for dataset, found in rows.items() for text in _body(dataset, found)],
    ).write()


def measure(dataset: str, source: Path) -> list[dict[str, Any]]:
    """Measure each model, and last what validation chose, with the paired difference to EASE."""
    with temporary_home():
        home = ingested_home(dataset, source)
        from models.catalog import build, create
        from nightschool.application.evaluate import events_of
        from nightschool.application.search import search_for
        from nightschool.data.splits.rotating import ValidationCuts
        from nightschool.data.splits.splitting import named_cut, test_split
        from nightschool.evaluation.compare import compare
        from nightschool.night.config import NightConfig
        from nightschool.offline.compare import compare_models

        config = NightConfig(models=MODELS, **SEARCH)
        log = events_of(home, config).with_all_relevant()
        cut = named_cut(log, CUTS[dataset], seed=config.seed)
        cuts = ValidationCuts(log, cut, config.seed)
        search = search_for(config, cuts[0].fitted, decisive_k=K)
        found, _ = compare_models(cuts, test_split(log, cut), search, create, build)
    ease = next(row.evaluation for row in found if row.name == "ease")
    chosen = sorted(found, key=lambda row: row.chosen)
    return [
        {
            "name": row.name,
            "chosen": row.chosen,
            "params": dict(row.params),
            "fit_seconds": row.fit_seconds,
            "n_users": row.evaluation.n_users,
            **{name: [row.evaluation.mean(name, K), *row.evaluation.interval(name, K)] for name in ("ndcg", "recall")},
            "over_ease": _ends(compare(row.evaluation, ease, k=K)),
        }
        for row in chosen
    ]


def _ends(comparison: Any) -> list[float]:
    return [comparison.difference, comparison.ci_low, comparison.ci_high]


def _body(dataset: str, found: list[dict[str, Any]]) -> list[str]:
    rows = [
        [
            label_of(row),
            interval(row["ndcg"]),
            interval(row["recall"]),
            interval(row["over_ease"]),
            settings(row),
            f"{row['fit_seconds']:.1f}",
        ]
        for row in found
    ]
    prefix = " (the first 487,650 ratings, users 1–2999)" if dataset == "movielens-1m" else ""
    return [
        f"## {dataset}{prefix}: `{CUTS[dataset]}`, 80/20",
        f"All pairs are relevant, full ranking, seen items excluded, {found[0]['n_users']:,} users, intervals of 95 % "
        "over users. Hyper-parameters, weights and the choice come from a validation cut of the training pairs. "
        "The test was read before, while the models were built.",
        table(["model", f"ndcg@{K}", f"recall@{K}", f"ndcg@{K} over EASE", "settings", "fit s"], rows),
    ]


if __name__ == "__main__":
    typer.run(main)
