"""Stage prepare on Spark: scored, indexed and cut events in parts, by the code that one machine runs on all of them."""

from dataclasses import replace
from functools import partial, reduce
from operator import add
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from nightschool.columns import (
    AVAILABLE_AT,
    INSTANT,
    ITEM_ID,
    ITEM_INDEX,
    ITEMS,
    TIMESTAMP,
    UNTIL,
    USER_ID,
    USERS,
)
from nightschool.data.build_log import first_uses, header_of, with_availability
from nightschool.data.dataset import EventLog, LogHeader, empty_dataset
from nightschool.data.filters import Rules, check_rules
from nightschool.data.indexing import index_events, index_ids
from nightschool.data.splits.splitting import Evaluable, Plan, Window, choose_plan, count_evaluable_parts, weigh
from nightschool.data.splits.timeline import Ends, Timeline
from nightschool.errors import DataRefused
from nightschool.night.config import NightConfig
from nightschool.night.departed import present
from nightschool.night.filter_report import Effects, measure_effects
from nightschool.night.night import Night
from nightschool.night.prepare import Prepared
from nightschool.night.records import PrepareRecord
from nightschool.night.text_vectors import Encodings, with_text_vectors
from nightschool.spark.divide import RAW, divide_interactions, part_of_ids
from nightschool.spark.jobs import on_executors
from nightschool.spark.parts import Parts, items_folder, part_folder, write_rows
from nightschool.spark.views import with_views
from nightschool.storage.as_of import scan_at

SAMPLE_EVENTS: Final = 500_000
"""Events that recipes are chosen on: all where there are no more, else those of a random sample of the users."""

_DECLARED: Final = "declared.parquet"
_HEADER: Final = "header.json"
_FIRST: Final = "first.parquet"


def prepare_parts(night: Night, folder: Path) -> PrepareRecord:
    """Score, index and cut the night's events in parts below the folder.

    Raises:
        DataRefused: There are no interactions, every user has left, or the rules leave too little to learn from.
        Unavailable: Spark does not answer.
    """
    manifest, config = night.manifest, night.config
    check_rules(config, manifest)
    users, items, notes = _tables(night)
    events = divide_interactions(night.home.lake, manifest, night.identity.as_of, folder)
    n_parts = len(events)
    if users is not None:
        _divide_users(users, folder, n_parts)
    header = header_of(manifest, users, items)
    header = header.model_copy(update={"rules": _rules(config), "as_of": night.identity.as_of})
    shared = items_folder(folder)
    shared.mkdir()
    (shared / _HEADER).write_text(header.model_dump_json(), encoding="utf-8")
    item_frame = _index_items(folder, n_parts, items)
    item_frame.write_parquet(shared / "ids.parquet")
    contexts = tuple(manifest.contexts)
    parts_told = on_executors(partial(_index_part, folder, users is not None, contexts), range(n_parts), "index")
    if not any(told.present for told in parts_told):
        n_users = sum(told.users for told in parts_told)
        raise DataRefused("every user has left", seen=n_users, do="deliver the users who are there")
    _save_items(folder, n_parts, item_frame, items, header)
    ends = reduce(add, (told.ends for told in parts_told))
    users_of_parts = tuple(told.users for told in parts_told)
    draft = Parts(folder=folder, users=users_of_parts, events=tuple(events), plan=Plan(""), seed=config.seed)
    window = Window(config.window_days, config.min_users, config.max_test_share)

    def timeline() -> Timeline:
        draft.save()
        return reduce(add, on_executors(partial(_timeline_of, folder, ends), range(n_parts), "count days"))

    def count(plan: Plan) -> Evaluable:
        draft.model_copy(update={"plan": plan}).save()
        counted = on_executors(partial(_count_evaluable, folder), range(n_parts), "count users")
        return Evaluable(*(sum(each) for each in zip(*counted, strict=True)))

    plan, found = choose_plan(ends, header.ordered, timeline, count, window)
    parts = draft.model_copy(update={"plan": plan})
    parts.save()
    cut = weigh(plan.label(parts.items(), config.seed), found, window)
    parts = with_views(parts, config)
    parts.save()
    labelled = on_executors(partial(_effects_of, folder, config), range(n_parts), "filter")
    effects = Effects.join([effects for _, effects in labelled])
    effects.set_aside.write_parquet(folder / "set_aside.parquet")
    return PrepareRecord(
        protocol=cut.protocol,
        validation_from=cut.validation_from,
        test_from=cut.test_from,
        warnings=(*cut.warnings, *notes, *_said_of_sample(parts)),
        underpowered=cut.underpowered,
        users=parts.n_users,
        items=item_frame.height,
        events=sum(events),
        events_by_part=tuple(np.sum([counts for counts, _ in labelled], axis=0).tolist()),
        signals=effects.rows,
    )


def load_sample(folder: Path, record: PrepareRecord) -> Prepared:
    """Return the events that recipes are chosen on, and their cut."""
    parts = Parts.load(folder)
    log = parts.sample(SAMPLE_EVENTS)
    cut = parts.cut(log)
    return Prepared(log, replace(cut, warnings=record.warnings, underpowered=record.underpowered))


def _said_of_sample(parts: Parts) -> tuple[str, ...]:
    total = sum(parts.events)
    if total <= SAMPLE_EVENTS:
        return ()
    share = SAMPLE_EVENTS / total
    return (f"the recipe is chosen on a random {share:.1%} of the users, and proved on all of them",)


def _rules(config: Rules) -> Rules:
    return Rules.model_validate({name: getattr(config, name) for name in Rules.model_fields})


def _tables(night: Night) -> tuple[pl.DataFrame | None, pl.DataFrame | None, tuple[str, ...]]:
    lake, as_of, manifest = night.home.lake, night.identity.as_of, night.manifest
    users = scan_at(lake, USERS, as_of).collect() if manifest.users is not None else None
    items = scan_at(lake, ITEMS, as_of).collect() if manifest.items is not None else None
    if items is None or manifest.items is None or manifest.items.text_encoder is None:
        return users, items, ()
    items, notes = with_text_vectors(items, manifest.items.text_encoder, Encodings(night.home.paths.encodings))
    return users, items, notes


def _divide_users(users: pl.DataFrame, folder: Path, n_parts: int) -> None:
    """Write the declared users of each part."""
    numbered = users.with_columns(part_of_ids(users[USER_ID], n_parts).alias("part"))
    found = {key[0]: frame.drop("part") for key, frame in numbered.partition_by("part", as_dict=True).items()}
    for part in range(n_parts):
        write_rows(found.get(part, users.clear()), part_folder(folder, part) / _DECLARED)


def _index_items(folder: Path, n_parts: int, items: pl.DataFrame | None) -> pl.DataFrame:
    """Return all items in the order of their index."""
    ids = on_executors(partial(_items_of, folder), range(n_parts), "items")
    return index_ids(items, pl.concat(ids).unique(), ITEM_ID)


def _items_of(folder: Path, part: int) -> pl.Series:
    raw = part_folder(folder, part) / RAW
    return _raw(raw).select(pl.col(ITEM_ID).unique()).collect().to_series()


def _raw(file: Path) -> pl.LazyFrame:
    return pl.scan_parquet(file, glob=False, hive_partitioning=False)


class _Indexed(NamedTuple):
    """What is known of a part once it is indexed."""

    users: int
    present: bool
    ends: Ends


def _index_part(folder: Path, declares_users: bool, contexts: tuple[str, ...], part: int) -> _Indexed:
    """Write the users and the events of a part."""
    place = part_folder(folder, part)
    header = LogHeader.model_validate_json((items_folder(folder) / _HEADER).read_bytes())
    scored = _raw(place / RAW).with_columns(pl.col(contexts).cast(pl.Categorical)).collect()
    declared = pl.read_parquet(place / _DECLARED, glob=False) if declares_users else None
    users = index_ids(declared, scored[USER_ID], USER_ID)
    items = pl.read_parquet(items_folder(folder) / "ids.parquet", glob=False)
    events = index_events(scored, users[USER_ID], items[ITEM_ID], contexts)
    write_rows(first_uses(events), place / _FIRST)
    log = _log_of(users, items, events, header)
    log.save_users(place)
    return _Indexed(users.height, bool(present(log.empty).any()), Ends.of(log))


def _log_of(users: pl.DataFrame, items: pl.DataFrame, events: pl.DataFrame, header: LogHeader) -> EventLog:
    lacking = [name for name in (AVAILABLE_AT, UNTIL) if name not in items.columns]
    items = items.with_columns(pl.lit(None, INSTANT).alias(name) for name in lacking)
    log = EventLog(empty_dataset(users, items, header), events, items[AVAILABLE_AT], items[UNTIL], header.signal)
    return replace(log, rules=header.rules, as_of=header.as_of, ordered=header.ordered, timezone=header.timezone)


def _save_items(
    folder: Path,
    n_parts: int,
    items: pl.DataFrame,
    declared: pl.DataFrame | None,
    header: LogHeader,
) -> None:
    """Write all items with the instants between which they are available, and a log without users."""
    uses = [pl.scan_parquet(part_folder(folder, part) / _FIRST, glob=False) for part in range(n_parts)]
    first = pl.concat(uses).group_by(ITEM_INDEX).agg(pl.col(TIMESTAMP).min()).collect()
    placed = with_availability(items, first, declared=declared)
    # All parts have the same columns.
    events = pl.read_parquet(part_folder(folder, 0) / "events.parquet", glob=False, n_rows=0)
    users = pl.read_parquet(part_folder(folder, 0) / "users.parquet", glob=False, n_rows=0)
    log = _log_of(users, placed, events, header)
    log.save(items_folder(folder))


def _timeline_of(folder: Path, ends: Ends, part: int) -> Timeline:
    return Timeline.of(Parts.load(folder).log(part), ends)


def _count_evaluable(folder: Path, part: int) -> Evaluable:
    parts = Parts.load(folder)
    log = parts.log(part)
    return count_evaluable_parts(log, parts.cut(log))


def _effects_of(folder: Path, config: NightConfig, part: int) -> tuple[NDArray[np.int64], Effects]:
    """Count the events of a part by what they are for, and measure what signals and filters did."""
    parts = Parts.load(folder)
    log = parts.log(part)
    counts = np.bincount(parts.cut(log).labels, minlength=3)
    return counts, measure_effects(log, log.known, config, parts.elsewhere("everything"))
