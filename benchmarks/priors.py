"""Priors of the search: what validation chooses on each known data set, written for searches on similar data."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from given_test import GFCF
from surroundings import DATA, DataOption, in_fresh_process, ingested_home, leave_out_priors, source_of, temporary_home

BY_HAND: Mapping[str, Mapping[str, Mapping[str, Any]]] = {
    "gowalla": {
        "gfcf": GFCF,
        "dlae": {"l2": 50.0, "dropout": 0.7},
        "ials": {"factors": 768, "epochs": 8, "regularisation": 0.0035, "unobserved": 30.3, "likes": 18.2},
    },
    "yelp2018": {
        "gfcf": GFCF,
        "dlae": {"l2": 100.0, "dropout": 0.7},
        "ials": {"factors": 512, "epochs": 8, "regularisation": 0.0035, "unobserved": 30.0, "likes": 31.3},
    },
}
"""What trials by hand, and a search of half an hour for ials on gowalla, found on a validation cut.

With so many items a search of minutes tries too few settings.
"""
DATASETS = ("movielens-100k", "movielens-1m", "oulad", "pluralsight", "mooccubex", "goodbooks-10k", *BY_HAND)
MINUTES = 3.0

_FILE = Path(__file__).resolve().parents[1] / "nightschool" / "night" / "selection" / "priors.json"

Only = Annotated[
    str, typer.Option(help="Data sets to search now, by comma, in addition to those that are known; empty: all.")
]


def main(data: DataOption = DATA, only: Only = "", minutes: float = MINUTES) -> None:
    """Search each data set in a process of its own, without priors, and write the file after each."""
    found = json.loads(_FILE.read_text(encoding="utf-8"))
    for dataset in only.split(",") if only else DATASETS:
        found[dataset] = in_fresh_process(measure, dataset, source_of(dataset, data), minutes)
        _FILE.write_text(json.dumps(found, indent=1, sort_keys=True) + "\n", encoding="utf-8")
        print(dataset, found[dataset], flush=True)


def measure(dataset: str, source: Path, minutes: float) -> dict[str, Any]:
    """Return the shape of a data set, and for each model what was chosen of its searched hyper-parameters."""
    with temporary_home():
        home = ingested_home(dataset, source)
        leave_out_priors(*DATASETS)
        from models.catalog import create
        from nightschool.application.evaluate import events_of
        from nightschool.application.search import search_for
        from nightschool.data.shape import Shape
        from nightschool.data.splits.rotating import ValidationCuts
        from nightschool.data.splits.splitting import choose_cut
        from nightschool.night.config import NightConfig
        from nightschool.night.selection.search import densities
        from nightschool.night.selection.select import choose_recipe

        config = NightConfig(minutes=minutes)
        log = events_of(home, config)
        cuts = ValidationCuts(log, choose_cut(log, seed=config.seed), config.seed)
        fitted = cuts[0].fitted
        shape = Shape.of(fitted)
        counts = {"users": shape.users, "items": shape.items, "pairs": shape.pairs}
        if dataset in BY_HAND:
            return {**counts, "settings": BY_HAND[dataset]}
        search = search_for(config, fitted)
        found = choose_recipe(cuts, search, create)
        searched = {one.model: one.space.keys() | densities(one.space) for one in search.tunables if one.space}
        settings = {
            one.component.model: {k: v for k, v in one.component.params.items() if k in searched[one.component.model]}
            for one in found.candidates
            if one.component.model in searched
        }
    return {**counts, "settings": settings}


if __name__ == "__main__":
    typer.run(main)
