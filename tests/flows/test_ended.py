"""Whole nights at two instants: what had ended by T, and who had left by then, is in no published table."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from flows.retrain import retrain
from nightschool.application.bind_home import bind_home
from nightschool.application.home import open_home
from nightschool.application.sources import ingest_sources
from nightschool.columns import (
    AUDIENCE_RECOMMENDATIONS,
    AVAILABLE_AT,
    CANDIDATE_SCORES,
    INTERACTIONS,
    ITEM_ID,
    ITEM_WEIGHTS,
    ITEMS,
    METRICS,
    NEIGHBOR_ID,
    NEXT_ITEMS,
    RECOMMENDATIONS,
    SIMILAR_ITEMS,
    SIMILAR_USERS,
    TIMESTAMP,
    USER_ID,
    USERS,
    WITHDRAWN,
    Table,
)
from nightschool.night.config import NightConfig
from nightschool.simulator.config import SimulatorConfig
from nightschool.simulator.simulate import simulate
from nightschool.storage.home import Home
from nightschool.storage.release_reader import Reader

pytestmark = pytest.mark.usefixtures("prefect_api")

CONFIG = NightConfig(
    k=20,
    models=("popularity", "ease", "content"),
    params={"ease": {"l2": 50.0}},
    alpha_steps=2,
    minutes=0.01,
    min_users=50,
    window_days=56,
)
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Ended:
    """Items and users by what became of them, and the two instants of the nights.

    Attributes:
        first: T of the first night, ten days before the newest event.
        second: T of the second night, when the newest event happened.
        back: An item and a user that were gone at the first T and are back at the second.
        gone: An item and a user that are there at the first T and gone at the second.
        over: An item whose `until` passed before either T.
    """

    first: datetime
    second: datetime
    back: tuple[int, int]
    gone: tuple[int, int]
    over: int


def restate(home: Home, table: Table, key: int, at: datetime, **values: Any) -> None:
    """Appends the first row of an id again, known from an instant on; a withdrawal has nothing but its id."""
    column = ITEM_ID if table is ITEMS else USER_ID
    row = home.lake.scan(table).filter(pl.col(column) == key).sort(AVAILABLE_AT).collect().head(1)
    kept = (column,) if values.get(WITHDRAWN) else tuple(row.columns)
    told = {**dict.fromkeys(set(row.columns) - {*kept}), AVAILABLE_AT: at, **values}
    home.lake.append(table, row.with_columns(pl.lit(told[name]).cast(row.schema[name]).alias(name) for name in told))


@pytest.fixture
def ended(home: Path, tmp_path: Path) -> Ended:
    """The home has taken in a platform whose most popular items and most active users change."""
    assert not home.exists()
    simulate(SimulatorConfig(users=200, items=100, interactions=6_000, seed=1), tmp_path / "source")
    opened = bind_home("learning", tmp_path / "source")
    ingest_sources(opened, None)
    log = opened.lake.scan(INTERACTIONS).select(USER_ID, ITEM_ID, TIMESTAMP).collect()
    newest = log[TIMESTAMP].max()
    assert isinstance(newest, datetime)
    items, users = (log[name].value_counts(sort=True)[name].to_list() for name in (ITEM_ID, USER_ID))
    for table, back, gone in ((ITEMS, items[0], items[1]), (USERS, users[0], users[1])):
        restate(opened, table, back, newest - 20 * DAY, withdrawn=True)
        restate(opened, table, back, newest - 5 * DAY)
        restate(opened, table, gone, newest - 5 * DAY, withdrawn=True)
    restate(opened, ITEMS, items[2], newest - 30 * DAY, until=newest - 15 * DAY)
    return Ended(newest - 10 * DAY, newest, (items[0], users[0]), (items[1], users[1]), items[2])


def named(reader: Reader, column: str, *tables: Table) -> set[int]:
    found = [reader.table(table).select(column).unique().collect()[column] for table in tables]
    return {*pl.concat(found)}


def test_what_had_ended_and_who_had_left_is_in_no_table_of_either_night(ended: Ended, tmp_path: Path) -> None:
    everyone = {*open_home().lake.scan(USERS).collect()[USER_ID]}
    for at, (item, user), (other_item, other_user) in (
        (ended.first, ended.back, ended.gone),
        (ended.second, ended.gone, ended.back),
    ):
        report = retrain("learning", tmp_path / "source", as_of=at, config=CONFIG)
        assert report["status"] == "published"
        reader = Reader.of(open_home(), report["release_id"])
        offered = named(reader, ITEM_ID, RECOMMENDATIONS, CANDIDATE_SCORES, AUDIENCE_RECOMMENDATIONS)
        offered |= named(reader, NEIGHBOR_ID, SIMILAR_ITEMS, NEXT_ITEMS, ITEM_WEIGHTS)
        assert not offered & {item, ended.over}
        assert other_item in offered
        assert named(reader, USER_ID, RECOMMENDATIONS) == everyone - {user}
        mentioned = named(reader, USER_ID, CANDIDATE_SCORES, SIMILAR_USERS) | named(reader, NEIGHBOR_ID, SIMILAR_USERS)
        assert user not in mentioned
        assert other_user in mentioned
        assert reader.titles([item, ended.over]).keys() == {item, ended.over}
        assert_told(report["freshness"], reader)


def assert_told(shares: dict[str, float | None], reader: Reader) -> None:
    """The report's shares are the metrics of the release."""
    rows = reader.table(METRICS).filter(pl.col("model") == "lists").collect()
    told = rows.filter(pl.col("metric").is_in([*shares]))
    assert dict(told.select("metric", "value").iter_rows()) == shares
    assert all(share is not None for share in shares.values())
