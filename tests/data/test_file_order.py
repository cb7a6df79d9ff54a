"""Histories without times whose rows stand in the order of time."""

import numpy as np
import polars as pl
import pytest

from models.sequential.transitions import Transitions
from nightschool.columns import ALWAYS, INSTANT, ITEM_ID, ITEM_INDEX, POSITION, USER_INDEX
from nightschool.data.build_log import build_event_log
from nightschool.data.dataset import EventLog
from nightschool.data.manifest.manifest import Manifest
from nightschool.data.splits.splitting import TEST, choose_cut, named_cut
from nightschool.data.splits.splitting import test_split as split_of_test
from nightschool.errors import ConfigurationError

PATHS = {user: [f"c{(user + step) % 12}" for step in range(8)] for user in range(30)}
"""Courses on a ring; each learner takes eight that follow each other."""


def log(order: str) -> EventLog:
    part = {"format": {"kind": "adjacency"}, "files": ["log.txt"], "user": "user", "item": "item", "order": order}
    manifest = Manifest.model_validate({"name": "paths", "score": "implicit", "interactions": [part]})
    rows = [(f"u{user}", item) for user, items in PATHS.items() for item in items]
    table = pl.DataFrame(rows, schema=["user_id", "item_id"], orient="row").with_columns(
        pl.lit(None, INSTANT).alias("timestamp"),
        pl.lit(ALWAYS, INSTANT).alias("available_at"),
        pl.lit("log.txt").alias("source_file"),
        pl.int_range(pl.len()).alias("source_row"),
    )
    return build_event_log(None, None, table.sample(fraction=1, shuffle=True, seed=1), manifest)


def items_by_place(events: EventLog) -> dict[str, list[str]]:
    dataset = events.dataset()
    assert dataset.places is not None
    ordered = dataset.interactions.with_columns(place=-pl.Series(dataset.places)).sort(USER_INDEX, "place")
    names = dataset.items[ITEM_ID]
    return {
        dataset.user_ids[user]: names[own[ITEM_INDEX]].to_list()
        for (user,), own in ordered.group_by(USER_INDEX, maintain_order=True)
    }


def test_places_are_those_in_the_file() -> None:
    assert items_by_place(log("file")) == {f"u{user}": items for user, items in PATHS.items()}


def test_without_it_there_is_no_order() -> None:
    dataset = log("time").dataset()
    assert (dataset.places, dataset.has_order, POSITION in dataset.interactions.columns) == (None, False, True)
    with pytest.raises(ConfigurationError, match=r"transitions needs the order.*order = \"file\""):
        Transitions().fit(dataset, seed=0)


def test_each_learners_last_courses_are_the_test_and_transitions_find_them() -> None:
    events = log("file")
    cut = choose_cut(events, seed=1)
    assert cut.protocol == "temporal-user"
    assert "an order and no time" in cut.warnings[0]
    split = split_of_test(events, cut)
    assert split.held_out.height == 2 * len(PATHS)
    model = Transitions().fit(split.fitted, seed=0)
    best = model.recommend(split.fitted.user_ids, 1)
    expected = {f"u{user}": items[6] for user, items in PATHS.items()}
    assert dict(best.select("user_id", "item_id").iter_rows()) == expected


def test_leave_last_is_a_protocol_then(tmp_path_factory: pytest.TempPathFactory) -> None:
    events = log("file")
    assert int((named_cut(events, "leave-last", seed=1).labels == TEST).sum()) == len(PATHS)
    folder = tmp_path_factory.mktemp("saved")
    events.save(folder)
    assert items_by_place(EventLog.load(folder)) == items_by_place(events)
    with pytest.raises(ConfigurationError, match="use temporal-user"):
        named_cut(events, "temporal", seed=1)
    with pytest.raises(ConfigurationError, match="use random-user"):
        named_cut(log("time"), "leave-last", seed=1)


def test_events_with_a_time_are_newer_than_the_rows_of_the_file() -> None:
    events = log("file")
    first = pl.int_range(pl.len()) == 0
    timed = pl.when(first).then(pl.lit("2020-01-01").str.to_datetime(time_zone="UTC", time_unit="us"))
    sent = EventLog(
        events.empty,
        events.events.with_columns(timestamp=timed),
        events.item_available_at,
        events.item_until,
        events.signal,
        ordered=True,
    )
    before, after = items_by_place(events)["u0"], items_by_place(sent)["u0"]
    assert after == [*before[1:], before[0]]


def test_of_equal_times_the_later_row_is_the_newer() -> None:
    events = log("file")
    same = events.events.with_columns(timestamp=pl.lit("2024-01-01").str.to_datetime(time_zone="UTC", time_unit="us"))
    timed = EventLog(events.empty, same, events.item_available_at, events.item_until, events.signal)
    assert timed.dataset().places is not None
    assert np.array_equal(timed.dataset().places, events.dataset().places)
