"""Homes with a published release, made by the night's own functions without its selection, in a second or two."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl

from models.catalog import build
from models.hybrid import Hybrid
from nightschool.columns import AVAILABLE_AT, CONTEXT_LIFTS, INTERACTIONS, ITEMS, METRICS, USERS, Table
from nightschool.contract import Dataset
from nightschool.data.manifest.manifest import load_manifest
from nightschool.night.config import NightConfig
from nightschool.night.identity import Request
from nightschool.night.night import Night, resolve_night
from nightschool.night.prepare import event_log
from nightschool.night.records import ContextualiseRecord, ProveRecord
from nightschool.night.release.contexts import context_lifts
from nightschool.night.release.lists import write_rows, write_tables
from nightschool.night.release.publish import draft_release, publish_release
from nightschool.night.reporting.contexts import stored_contexts
from nightschool.recipe import Recipe
from nightschool.settings import HomePaths, Settings
from nightschool.simulator.config import SimulatorConfig
from nightschool.simulator.simulate import simulate
from nightschool.storage.binding import Binding, bind
from nightschool.storage.database import open_database
from nightschool.storage.home import Home
from nightschool.storage.lake import Lake
from nightschool.storage.releases import Release, Releases
from serving.changes import SentChanges
from serving.current import Current
from tests.night.records import example

N_USERS, N_ITEMS, N_INTERACTIONS = 250, 120, 5_000
HYBRID = {
    "components": [{"model": "ease", "weight": 0.7}, {"model": "content", "weight": 0.3}],
    "alpha": 0.7,
}
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def make_home(root: Path, **ids: str) -> Home:
    """A home of a simulated platform, without a release.

    Args:
        root: Its folder.
        ids: Kinds of user_id and item_id where they are no numbers.
    """
    source = root.with_name(f"{root.name}-source")
    simulate(SimulatorConfig(users=N_USERS, items=N_ITEMS, interactions=N_INTERACTIONS), source)
    binding = Binding(
        dataset="learning", manifest="learning", source_root=source, **{"user_id": "Int64", "item_id": "Int64", **ids}
    )
    paths = HomePaths(root)
    lake = Lake(paths.lake, binding.user_dtype, binding.item_dtype)
    read = {"content_id": "item_id"}
    users = pl.read_csv(source / "users.csv").with_columns(pl.lit(LONG_AGO).alias(AVAILABLE_AT))
    items = (
        pl.read_csv(source / "content.csv")
        .rename(read)
        .with_columns(pl.col("title").alias("text"), pl.lit(LONG_AGO).alias(AVAILABLE_AT))
        .with_columns(pl.col("prerequisites", "skills").cast(pl.String).str.split(";"))
    )
    log = pl.read_csv(source / "engagements.csv", try_parse_dates=True).rename(read)
    log = log.with_columns(
        pl.col("timestamp").alias(AVAILABLE_AT),
        pl.lit("engagements.csv").alias("source_file"),
        pl.int_range(1, pl.len() + 1).alias("source_row"),
        pl.lit(0).alias("revision"),
    )
    for table, frame in ((USERS, users), (ITEMS, items), (INTERACTIONS, log)):
        lake.append(table, _shaped(lake, table, frame))
    bind(paths.binding, binding)
    return Home(paths, binding, lake, Releases(lake))


def _shaped(lake: Lake, table: Table, frame: pl.DataFrame) -> pl.DataFrame:
    schema = lake.schema(table)
    extra = [name for name in frame.columns if name not in schema] if table.open else []
    lacking = [pl.lit(None).alias(name) for name in schema if name not in frame.columns]
    return frame.with_columns(lacking).select(*(pl.col(name).cast(dtype) for name, dtype in schema.items()), *extra)


def publish(
    home: Home,
    recipe: Mapping[str, Any] = HYBRID,
    contextual: ContextualiseRecord | None = None,
    **config: Any,
) -> Release:
    """A release of the home by a recipe and, where there are any, with these contexts, now current."""
    night = _night(home, NightConfig.model_validate({"k": 20, **config}))
    dataset = event_log(home.lake, night.manifest, night.identity.as_of, night.config).dataset()
    fitted = build(Recipe.model_validate(recipe)).fit(dataset, seed=1)
    tables = night.folder / "recommend"
    write_tables(fitted, dataset, tables, k=night.config.k, megabytes=64)
    proved: ProveRecord = example(ProveRecord, recipe=Recipe.model_validate(recipe), sentence="for a test")
    gates = {"tuned": True, "asked": [], "contexts": stored_contexts(contextual)}
    if contextual is not None:
        write_rows(context_lifts(dataset, (), contextual), tables, CONTEXT_LIFTS)
    draft = draft_release(night, proved, gates, "")
    metrics = pl.DataFrame(schema=home.lake.schema(METRICS)).drop("release_id")
    release = publish_release(night, draft, tables, metrics)
    night.close()
    return release


def learn(home: Home, recipe: Mapping[str, Any] = HYBRID) -> tuple[Hybrid, Dataset]:
    """A recipe fitted as `publish` fits it, and what it was fitted on."""
    night = _night(home, NightConfig(k=20))
    dataset = event_log(home.lake, night.manifest, night.identity.as_of, night.config).dataset()
    night.close()
    return build(Recipe.model_validate(recipe)).fit(dataset, seed=1), dataset


def _night(home: Home, config: NightConfig) -> Night:
    request = Request(as_of=None, code=f"code {len(home.releases.history())}", environment="environment")
    night = resolve_night(home, load_manifest(home.binding.manifest), config, request)
    assert isinstance(night, Night)
    return replace(night)


def current_of(settings: Settings) -> Current:
    """What serves the releases of a home that may not be there, with a database of its own beside it."""
    return Current(settings, SentChanges(open_database(f"sqlite:///{settings.home.with_name('changes.db')}")))


def settings_of(home: Home) -> Settings:
    """The settings that name the home."""
    return Settings(home=home.paths.root)
