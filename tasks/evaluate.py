"""Offline evaluation of a home's data on a named protocol; publishes nothing."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import polars as pl

from models.catalog import build, create
from nightschool.columns import INTERACTIONS, ITEM_ID, ITEMS, RANK, RECOMMENDATIONS, USER_ID, USERS
from nightschool.data.dataset import EventLog, build_event_log
from nightschool.data.splitting import named_cut, test_split, validation_split
from nightschool.errors import ConfigurationError, NotFound
from nightschool.night.config import NightConfig
from nightschool.night.lookup import Reader
from nightschool.night.offline import compare_models, measure_lists
from nightschool.night.run import Home, newest_known, tables_at
from nightschool.night.summary import figures
from tasks.home import manifest_of
from tasks.ingest import read_hold_out
from tasks.select import search_for


@dataclass(frozen=True)
class Offline:
    """What to evaluate.

    Attributes:
        models: Names in the catalogue; popularity is always measured.
        protocol: How the test is cut.
        k: The k that decides.
        seed: Seed of the split and of every fit.
        relevant: What counts as a hit: what the manifest says, or every held-out pair.
        settings: Hyper-parameters and the rest of the configuration.
    """

    models: tuple[str, ...]
    protocol: str
    k: int
    seed: int
    relevant: Literal["all", "manifest"]
    settings: NightConfig


def evaluate_models(home: Home, asked: Offline) -> dict[str, Any]:
    """One row a model: figures on the test with intervals, and the paired difference to popularity."""
    log = _event_log(home, asked)
    cut = named_cut(log, asked.protocol, seed=asked.seed)
    models = tuple(dict.fromkeys(["popularity", *asked.models]))
    cutoffs = tuple(sorted({*asked.settings.cutoffs, asked.k}))
    config = asked.settings.model_copy(update={"models": models, "seed": asked.seed, "cutoffs": cutoffs})
    search = search_for(config, decisive_k=asked.k)
    rows, failures = compare_models(validation_split(log, cut), test_split(log, cut), search, create, build)
    return {
        "dataset": home.binding.dataset,
        "protocol": cut.protocol,
        "warnings": list(cut.warnings),
        "k": asked.k,
        "n_users": rows[0].evaluation.n_users,
        "events_by_part": np.bincount(cut.labels, minlength=3).tolist(),
        "models": [
            {
                "name": row.name,
                "params": dict(row.params),
                "fit_seconds": round(row.fit_seconds, 3),
                "metrics": figures(row.evaluation, cutoffs),
                "over_popularity": [
                    row.over_popularity.difference,
                    row.over_popularity.ci_low,
                    row.over_popularity.ci_high,
                ],
                "verdict": row.over_popularity.verdict,
            }
            for row in rows
        ],
        "failures": dict(failures),
    }


def evaluate_release(home: Home, asked: Offline, release_id: str) -> dict[str, Any]:
    """The figures of a release's published lists on the manifest's given test.

    Raises:
        ConfigurationError: Another protocol was asked for; a release has seen everything else.
    """
    if asked.protocol != "given":
        raise ConfigurationError(
            "a release is evaluated on the given test only", seen=asked.protocol, do="--protocol given"
        )
    log = _event_log(home, asked)
    reader = Reader.of(home, release_id)
    lists = reader.table(RECOMMENDATIONS).select(USER_ID, ITEM_ID, RANK).collect()
    cutoffs = tuple(sorted({*asked.settings.cutoffs, asked.k}))
    evaluation = measure_lists(lists, test_split(log, named_cut(log, "given", seed=asked.seed)), cutoffs)
    measured = {"name": release_id, "metrics": figures(evaluation, cutoffs)}
    return {"dataset": home.binding.dataset, "protocol": "given", "warnings": [], "k": asked.k, "models": [measured]}


def _event_log(home: Home, asked: Offline) -> EventLog:
    if not home.lake.exists(INTERACTIONS):
        raise NotFound(f"home {home.paths.root} holds no interactions yet", do="run `nightschool ingest` first")
    manifest = manifest_of(home)
    if asked.relevant == "all":
        manifest = manifest.model_copy(update={"relevant": None})
    tables = tables_at(home.lake, newest_known(home.lake))
    users: pl.DataFrame | None = tables[USERS.name] if manifest.users is not None else None
    items: pl.DataFrame | None = tables[ITEMS.name] if manifest.items is not None else None
    held_out = read_hold_out(home) if asked.protocol == "given" else None
    return build_event_log(users, items, tables[INTERACTIONS.name], manifest, held_out=held_out)
