"""Offline evaluation on users or items who were held out altogether; publishes nothing."""

from typing import Any

import numpy as np

from models.catalog import build, create
from nightschool.application.evaluate import Offline
from nightschool.data.splits.cold_start import leave_out
from nightschool.data.splits.splitting import TRAIN, VALIDATION
from nightschool.errors import ConfigurationError
from nightschool.night.filter_report import measure_effects
from nightschool.offline.cold_start import Makers, describe_table, measure_cold_start
from nightschool.offline.compare import describe_measured
from nightschool.recipe import RERANKER
from nightschool.storage.home import Home


def evaluate_cold_start(home: Home, asked: Offline) -> dict[str, Any]:
    """Evaluate models on held-out users or items: one table each number of first events or set of candidates.

    Raises:
        ConfigurationError: A reranker was asked for.
        NotFound: The home holds no interactions.
    """
    if RERANKER in asked.models:
        raise ConfigurationError(
            "a reranker orders lists of users and items that it was fitted on", seen=asked.protocol, do="leave it out"
        )
    log = asked.events(home)
    cut = leave_out(log, asked.protocol, seed=asked.seed)
    config, search = asked.config, asked.search_on(log.dataset(cut.part(TRAIN)))
    effects = measure_effects(log, cut.part(TRAIN, VALIDATION), config)
    tables = measure_cold_start(log, cut, search, Makers(create, build))
    documents = [describe_table(table, lambda row: describe_measured(row, search.cutoffs)) for table in tables]
    few = [table for table in documents if table["n_users"] < config.min_users]
    return {
        "dataset": home.binding.dataset,
        "protocol": cut.protocol,
        "warnings": [
            *log.notes,
            *(f"{t['name']}: {t['n_users']} users are few; {config.min_users} are wanted" for t in few),
        ],
        "k": asked.k,
        "events_by_part": np.bincount(cut.labels, minlength=3).tolist(),
        "signals": effects.rows,
        "tables": documents,
    }
