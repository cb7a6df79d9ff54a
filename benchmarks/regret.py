"""Regret of the default search: the chosen recipe against the best single model of the test, by minutes and seeds.

A seed draws which users there are, so that every figure comes from another cut of the data; the search never sees the
test. "Best single model" is the best of all candidates on the test itself, with the settings that validation chose for
each: it is known only in hindsight, so that a regret of zero is more than a fair choice would reach.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Annotated, Any

import numpy as np
import polars as pl
import typer
from page import Page, table
from surroundings import DATA, DataOption, in_fresh_process, ingested_home, source_of, temporary_home

DATASETS = ("movielens-100k", "movielens-1m", "oulad", "pluralsight", "mooccubex", "goodbooks-10k")
MINUTES = (1.0, 3.0, 10.0)
SEEDS = 10
USERS = 610
"""Users of a draw: few, as on a young platform, where luck decides most."""
K = 10

Draw = tuple[int | None, float]
"""A seed, or None for all users; and the minutes of the search."""

Kept = Annotated[Path, typer.Option(help="A folder for the figures; what is there is not measured again.")]
Only = Annotated[str, typer.Option(help="Data sets to measure now, by comma; empty: all.")]
Whole = Annotated[bool, typer.Option(help="Measure whole data sets with the most minutes, in place of draws of users.")]


def main(
    kept: Kept,
    data: DataOption = DATA,
    only: Only = "",
    seeds: int = SEEDS,
    most_minutes: float = MINUTES[-1],
    whole: Whole = False,
) -> None:
    """Measure what is not kept yet, each data set in a process of its own, and write the page."""
    kept.mkdir(parents=True, exist_ok=True)
    minutes = [one for one in MINUTES if one <= most_minutes]
    draws = [(None, minutes[-1])] if whole else [(seed, one) for seed in range(seeds) for one in minutes]
    for dataset in only.split(",") if only else DATASETS:
        in_fresh_process(measure, dataset, source_of(dataset, data), kept, draws)
    _write([json.loads(file.read_text(encoding="utf-8")) for file in sorted(kept.glob("*.json"))])


def measure(dataset: str, source: Path, kept: Path, draws: Sequence[Draw]) -> None:
    """Search with each budget on each draw of users, and measure every candidate on the test."""
    wanted = [(seed, minutes, kept / _file_name(dataset, seed, minutes)) for seed, minutes in draws]
    missing = [one for one in wanted if not one[2].exists()]
    if not missing:
        return
    with temporary_home():
        home = ingested_home(dataset, source)
        from nightschool.application.evaluate import events_of
        from nightschool.night.config import NightConfig
        from nightschool.storage.durable import atomic_write_text

        log = events_of(home, NightConfig())
        for seed, minutes, file in missing:
            drawn = log if seed is None else _sample(log, seed)
            found = {"dataset": dataset, "seed": seed, **_search(drawn, seed or 0, minutes)}
            print(found, flush=True)
            atomic_write_text(file, json.dumps(found))


def _file_name(dataset: str, seed: int | None, minutes: float) -> str:
    return f"{dataset}-{'whole' if seed is None else seed}-{minutes:g}.json"


def _sample(log: Any, seed: int) -> Any:
    """Return the log of some users, drawn by seed."""
    events = log.events
    known = np.unique(events["user_index"].to_numpy())
    drawn = np.random.default_rng(seed).choice(known, min(USERS, len(known)), replace=False)
    return replace(log, events=events.filter(pl.col("user_index").is_in(drawn)))


def _search(log: Any, seed: int, minutes: float) -> dict[str, Any]:
    from models.catalog import build, create
    from nightschool.application.search import search_for
    from nightschool.data.splits.rotating import ValidationCuts
    from nightschool.data.splits.splitting import choose_cut, test_split
    from nightschool.evaluation.compare import compare
    from nightschool.evaluation.evaluate import evaluate
    from nightschool.night.config import NightConfig
    from nightschool.night.selection.reranking import with_reranker
    from nightschool.night.selection.select import choose_recipe

    config = NightConfig(seed=seed, minutes=minutes)
    cut = choose_cut(log, seed=seed)
    cuts, test = ValidationCuts(log, cut, seed), test_split(log, cut)
    search = search_for(config, cuts[0].fitted, decisive_k=K)
    found = with_reranker(choose_recipe(cuts, search, create), cuts, search, build)
    recipes = {one.recipe.name: one.recipe for one in found.candidates} | {"chosen": found.recipe}
    measured = {name: evaluate(build(recipe).fit(test.fitted, seed=seed), test) for name, recipe in recipes.items()}
    values = {name: one.mean("ndcg", K) for name, one in measured.items()}
    best = max((name for name in values if name != "chosen"), key=lambda name: values[name])
    over = compare(measured[best], measured["chosen"], k=K)
    return {
        "minutes": minutes,
        "protocol": cut.protocol,
        "n_users": over.n_users,
        "recipe": found.recipe.name,
        "best": best,
        "values": values,
        "regret": [over.difference, over.ci_low, over.ci_high],
    }


def _write(found: Sequence[Mapping[str, Any]]) -> None:
    draws = [one for one in found if one["seed"] is not None]
    seeds = len({one["seed"] for one in draws})
    names = sorted({one["dataset"] for one in draws})
    overall = [f"{minutes:g} min {_median(rows):+.4f}" for minutes in MINUTES if (rows := _of(draws, minutes=minutes))]
    whole = [one for one in found if one["seed"] is None]
    ahead = sum(one["regret"][2] < 0 for one in whole)
    behind = sum(one["regret"][1] > 0 for one in whole)
    found_in_short = [
        f"median regret in ndcg@{K}, {len(names)} data sets, draws of each: {seeds}: {', '.join(overall)}"
    ]
    if whole:
        found_in_short.append(
            f"on {len(whole)} whole ones with {MINUTES[-1]:g} min better by interval on {ahead}, worse on {behind}"
        )
    Page(
        name="regret",
        title="Regret of the default search",
        claim="The chosen recipe against the best single model of the test, with more and more time",
        command="python benchmarks/regret.py --kept FOLDER",
        result="; ".join(found_in_short),
        body=[
            f"Draws of {USERS} users of each data set, the night's own cut, `models = auto`. Regret is the best single "
            f"model's ndcg@{K} on the test less the chosen recipe's: below zero, the recipe is better than any single "
            "model could have been. `worse` counts draws whose paired interval lies above zero.",
            table(
                ["data set, minutes", "draws", "chosen", "best single", "median regret", "largest", "worse"],
                [
                    _row(name, minutes, rows)
                    for name in names
                    for minutes in MINUTES
                    if (rows := _of(draws, name, minutes))
                ],
            ),
            *(_whole_table(whole) if whole else []),
        ],
    ).write()


def _of(
    found: Sequence[Mapping[str, Any]], dataset: str | None = None, minutes: float | None = None
) -> list[Mapping[str, Any]]:
    return [one for one in found if dataset in (None, one["dataset"]) and minutes in (None, one["minutes"])]


def _median(rows: Sequence[Mapping[str, Any]]) -> float:
    return median(row["regret"][0] for row in rows)


def _row(name: str, minutes: float, rows: Sequence[Mapping[str, Any]]) -> list[str]:
    chosen = np.mean([row["values"]["chosen"] for row in rows])
    best = np.mean([row["values"][row["best"]] for row in rows])
    largest = max(row["regret"][0] for row in rows)
    worse = sum(row["regret"][1] > 0 for row in rows)
    figures = [f"{chosen:.4f}", f"{best:.4f}", f"{_median(rows):+.4f}", f"{largest:+.4f}", str(worse)]
    return [f"{name}, {minutes:g}", str(len(rows)), *figures]


def _whole_table(whole: Sequence[Mapping[str, Any]]) -> list[str]:
    return [
        f"All users, {MINUTES[-1]:g} minutes (`--whole`); the regret with its paired interval over users.",
        table(["data set", "chosen", "ndcg", "best single", "ndcg", "regret"], [_whole_row(one) for one in whole]),
    ]


def _whole_row(one: Mapping[str, Any]) -> list[str]:
    chosen, best = (f"{one['values'][name]:.4f}" for name in ("chosen", one["best"]))
    value, low, high = one["regret"]
    return [one["dataset"], one["recipe"], chosen, one["best"], best, f"{value:+.4f} [{low:+.4f}, {high:+.4f}]"]


if __name__ == "__main__":
    typer.run(main)
