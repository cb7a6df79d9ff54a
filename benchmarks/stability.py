"""Churn of lists over a week of nights, tied to the lists before and not, and what it costs on the test."""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import typer
from page import Page, table
from surroundings import DATA, DataOption, in_fresh_process, ingested_home, source_of, temporary_home

DATASETS = ("movielens-100k", "movielens-1m", "simulation")
NIGHTS = 7
RECIPES = {
    "ials": ("ials",),
    "blend": ("ials", "dlae", "gfcf"),
}


@dataclass(frozen=True)
class Week:
    """What a week of nights of one recipe showed.

    Attributes:
        changed: The mean share of lists a night that changed without new events, untied and tied.
        strengths: The strength of each night's tie.
        ndcg: ndcg@10 of the last night's lists, untied and tied, of users without events on the last day.
        difference: Tied less untied with its 95 % interval, the same users.
        n_users: How many these are.
    """

    changed: tuple[float, float]
    strengths: tuple[float, ...]
    ndcg: tuple[float, float]
    difference: tuple[float, float, float]
    n_users: int


def main(data: DataOption = DATA) -> None:
    """Measure each data set in a process of its own."""
    weeks: dict[tuple[str, str], Week] = {}
    for dataset in DATASETS:
        source = None if dataset == "simulation" else source_of(dataset, data)
        for name, week in in_fresh_process(measure, dataset, source).items():
            weeks[dataset, name] = week
    halved = sum(week.changed[1] <= week.changed[0] / 2 for week in weeks.values())
    worse = sum(week.difference[2] < 0 for week in weeks.values())
    rows = [[dataset, recipe, *_row(week)] for (dataset, recipe), week in weeks.items()]
    columns = ["data", "recipe", "changed, untied", "tied", "mean tie", "users", "ndcg@10 untied", "tied", "difference"]
    Page(
        name="stability",
        title="Lists that stay as they are",
        claim="the tie to the release before halves the lists that change without new events, at no loss shown",
        command="python benchmarks/stability.py",
        result=f"halved in {halved} of {len(weeks)}, shown worse in {worse}",
        body=[
            f"{NIGHTS + 1} nights, a day apart, up to the instant from which the test is; each fits the recipe anew on "
            "what was known then. A list changed when it holds another item among its first ten, and only users count "
            "without an event since the night before. Tied lists are tied to the tied ones of the night before. The "
            "test is the four weeks after the last night, of users without an event on its last day.",
            table(columns, rows),
        ],
    ).write()


def _row(week: Week) -> list[str]:
    churn = [f"{share:.1%}" for share in week.changed]
    difference, low, high = week.difference
    quality = [*(f"{value:.4f}" for value in week.ndcg), f"{difference:+.4f} [{low:+.4f}, {high:+.4f}]"]
    return [*churn, f"{np.mean(week.strengths):.1f}", f"{week.n_users:,}", *quality]


def measure(dataset: str, source: Path | None) -> dict[str, Week]:
    """Run the nights of each recipe."""
    with temporary_home() as folder:
        if source is None:
            from nightschool.simulator.config import SimulatorConfig
            from nightschool.simulator.simulate import simulate

            source = folder / "source"
            simulate(SimulatorConfig(), source)
        home = ingested_home("learning" if dataset == "simulation" else dataset, source)
        from nightschool.application.evaluate import events_of
        from nightschool.night.config import NightConfig

        log = events_of(home, NightConfig())
        return {name: _week(log, models) for name, models in RECIPES.items()}


def _week(log: Any, models: tuple[str, ...]) -> Week:
    from models.catalog import build
    from nightschool.night.monitoring.lists import Since, measure_lists
    from nightschool.night.release.stability import UNTIED, tie_to
    from nightschool.recipe import Component, Recipe

    recipe = Recipe(components=tuple(Component(model=model, weight=1 / len(models)) for model in models))
    times = log.events["timestamp"]
    end = times.max() - timedelta(days=28)
    changed: list[tuple[float, float]] = []
    strengths = []
    untied = tied = None
    for night in range(NIGHTS + 1):
        at = end - timedelta(days=NIGHTS - night)
        dataset = log.dataset((times <= at).fill_null(False).to_numpy(), at)
        fitted = build(recipe).fit(dataset, seed=42)
        day = log.events.filter((times > at - timedelta(days=1)) & (times <= at))
        events = pl.LazyFrame(
            {"user_id": dataset.user_ids[day["user_index"]], "item_id": dataset.item_ids[day["item_index"]]}
        )
        tie = UNTIED
        if tied is not None and untied is not None:
            tie = tie_to(Since(tied.lazy(), events), fitted, dataset)
        lists = [_lists(fitted, dataset, one) for one in (UNTIED, tie)]
        if tied is not None and untied is not None:
            pair = [
                next(
                    one.value
                    for one in measure_lists(new, dataset, Since(old.lazy(), events))
                    if one.metric == "changed_lists"
                )
                for new, old in zip(lists, (untied, tied), strict=True)
            ]
            changed.append((pair[0] or 0.0, pair[1] or 0.0))
            strengths.append(tie.strength)
        untied, tied = lists
    quality = _on_the_test(log, dataset, end, day, (untied, tied))
    return Week(tuple(np.mean(changed, axis=0).tolist()), tuple(strengths), *quality)


def _lists(fitted: Any, dataset: Any, tie: Any) -> pl.DataFrame:
    from nightschool.ranking.blocks import block_users, in_blocks
    from nightschool.ranking.candidates import rank_pool

    def of_block(users: Any) -> Any:
        pool = fitted.pool(users)
        return rank_pool(pool, tie.apply(fitted.combine(pool, users), pool, users), 50)[0].items

    users = np.flatnonzero(~dataset.cold_users).astype(np.int32)
    items = np.concatenate(list(in_blocks(of_block, users, block_users(dataset.n_items, 64, components=4))))
    rows, places = np.nonzero(items >= 0)
    return pl.DataFrame(
        {
            "user_id": dataset.user_ids[users[rows]],
            "item_id": dataset.item_ids[items[rows, places]],
            "rank": (places + 1).astype(np.int32),
        }
    )


def _on_the_test(log: Any, dataset: Any, end: Any, day: pl.DataFrame, lists: tuple[Any, Any]) -> tuple[Any, ...]:
    """Return ndcg@10 of both, their difference with its interval, and the number of users."""
    from nightschool.evaluation.intervals import mean_intervals
    from nightschool.evaluation.metrics import ndcg_at

    later = log.events.filter((pl.col("timestamp") > end) & pl.col("relevant"))
    seen = dataset.interactions.select("user_index", "item_index")
    wanted = later.select("user_index", "item_index").unique().join(seen, on=["user_index", "item_index"], how="anti")
    wanted = wanted.join(day.select("user_index").unique(), on="user_index", how="anti")
    known = pl.Series("user_index", np.flatnonzero(~dataset.cold_users), dtype=pl.Int32).to_frame()
    wanted = wanted.join(known, on="user_index", how="semi")
    ids = wanted.select(
        user_id=dataset.user_ids.gather(wanted["user_index"]), item_id=dataset.item_ids.gather(wanted["item_index"])
    )
    counts = ids.group_by("user_id").len().sort("user_id")
    values = []
    for each in lists:
        first = each.filter(pl.col("rank") <= 10).join(counts, on="user_id", how="semi")
        hit = first.join(ids.with_columns(hit=True), on=["user_id", "item_id"], how="left").fill_null(False)
        places = counts.select("user_id").join(
            hit.pivot("rank", index="user_id", values="hit"), on="user_id", how="left"
        )
        hits = places.select(str(rank) for rank in range(1, 11)).fill_null(False).to_numpy()
        values.append(ndcg_at(hits, counts["len"].to_numpy().astype(np.int64), 10))
    low, high = mean_intervals((values[1] - values[0])[:, None])
    means = tuple(float(each.mean()) for each in values)
    return means, (means[1] - means[0], float(low[0]), float(high[0])), len(counts)


if __name__ == "__main__":
    typer.run(main)
