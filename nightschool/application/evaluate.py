"""Offline evaluation of a home's data on a named protocol; publishes nothing."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from models.catalog import build, create
from nightschool.application.home import manifest_of
from nightschool.application.search import search_for
from nightschool.application.sources import read_hold_out
from nightschool.columns import INTERACTIONS, ITEM_ID, RANK, RECOMMENDATIONS, USER_ID
from nightschool.contract import Dataset
from nightschool.data.dataset import EventLog
from nightschool.data.filters import Rules
from nightschool.data.splits.protocols import SESSION_MINUTES
from nightschool.data.splits.rotating import ValidationCuts
from nightschool.data.splits.splitting import TRAIN, VALIDATION, Window, named_cut, test_split
from nightschool.errors import ConfigurationError, NotFound
from nightschool.night.config import AUTO, Models, NightConfig
from nightschool.night.filter_report import measure_effects
from nightschool.night.prepare import event_log
from nightschool.night.reporting.metrics import figures
from nightschool.night.selection.search import Search
from nightschool.night.text_vectors import Encodings
from nightschool.offline.compare import compare_models, describe_measured, measure_lists
from nightschool.storage.as_of import newest_known
from nightschool.storage.home import Home
from nightschool.storage.release_reader import Reader
from nightschool.vocabulary import POPULARITY


@dataclass(frozen=True)
class Offline:
    """The request for an offline evaluation.

    Attributes:
        models: Names in the catalogue, of which popularity is always measured; or `auto`.
        protocol: Name of the protocol that cuts the test.
        k: The k of the ndcg that decides.
        seed: Seed of the split and of every fit.
        relevant: Whether the hits are those of the manifest's rule, or all held-out pairs.
        settings: Hyper-parameters and the rest of the configuration.
        session_minutes: The gap that ends a session, for the protocol next-session.
    """

    models: Models
    protocol: str
    k: int
    seed: int
    relevant: Literal["all", "manifest"]
    settings: NightConfig
    session_minutes: float = SESSION_MINUTES

    @property
    def config(self) -> NightConfig:
        """Return the settings with these models and popularity, this seed, and k among the cutoffs."""
        models = AUTO if self.models == AUTO else tuple(dict.fromkeys([POPULARITY, *self.models]))
        cutoffs = tuple(sorted({*self.settings.cutoffs, self.k}))
        return self.settings.model_copy(update={"models": models, "seed": self.seed, "cutoffs": cutoffs})

    def search_on(self, dataset: Dataset) -> Search:
        """Return the search that these settings describe, on data like these.

        Raises:
            ConfigurationError: A model or hyper-parameter does not exist, or a value is out of range.
        """
        return search_for(self.config, dataset, decisive_k=self.k)

    @property
    def window(self) -> Window:
        """Return the part of the time that a test takes."""
        settings = self.settings
        return Window(settings.window_days, settings.min_users, settings.max_test_share, self.session_minutes)

    def events(self, home: Home) -> EventLog:
        """Build the log of the home's events, with the requested rule of relevance.

        Raises:
            NotFound: The home holds no interactions.
        """
        log = events_of(home, self.settings, given=self.protocol == "given")
        return log.with_all_relevant() if self.relevant == "all" else log


def evaluate_models(home: Home, asked: Offline) -> dict[str, Any]:
    """Evaluate models on the test: metrics with intervals, and the paired difference to popularity."""
    log = asked.events(home)
    cut = named_cut(log, asked.protocol, seed=asked.seed, window=asked.window)
    cuts = ValidationCuts(log, cut, asked.seed)
    search = asked.search_on(cuts[0].fitted)
    effects = measure_effects(log, cut.part(TRAIN, VALIDATION), asked.config)
    rows, failures = compare_models(cuts, test_split(log, cut), search, create, build)
    return {
        "dataset": home.binding.dataset,
        "protocol": cut.protocol,
        "warnings": [*cut.warnings, *log.notes],
        "k": asked.k,
        "n_users": rows[0].evaluation.n_users,
        "events_by_part": np.bincount(cut.labels, minlength=3).tolist(),
        "signals": effects.rows,
        "models": [describe_measured(row, search.cutoffs) for row in rows],
        "failures": dict(failures),
    }


def evaluate_release(home: Home, asked: Offline, release_id: str) -> dict[str, Any]:
    """Evaluate a release's published lists on the manifest's given test.

    Raises:
        ConfigurationError: Another protocol was asked for; a release has seen everything else.
    """
    if asked.protocol != "given":
        raise ConfigurationError(
            "a release is evaluated on the given test only", seen=asked.protocol, do="--protocol given"
        )
    log = asked.events(home)
    reader = Reader.of(home, release_id)
    lists = reader.table(RECOMMENDATIONS).select(USER_ID, ITEM_ID, RANK).collect()
    cutoffs = asked.config.cutoffs
    evaluation = measure_lists(lists, test_split(log, named_cut(log, "given", seed=asked.seed)), cutoffs)
    measured = {"name": release_id, "metrics": figures(evaluation, cutoffs)}
    return {"dataset": home.binding.dataset, "protocol": "given", "warnings": [], "k": asked.k, "models": [measured]}


def events_of(home: Home, rules: Rules, *, given: bool = False) -> EventLog:
    """Build the log of every event of the home that is known now, with the manifest's given test if asked.

    Raises:
        NotFound: The home holds no interactions.
        ManifestError: The manifest has no given test.
    """
    if not home.lake.exists(INTERACTIONS):
        raise NotFound(f"home {home.paths.root} holds no interactions yet", do="run `nightschool ingest` first")
    held_out = read_hold_out(home) if given else None
    encodings = Encodings(home.paths.encodings)
    return event_log(home.lake, manifest_of(home), newest_known(home.lake), rules, held_out, encodings)
