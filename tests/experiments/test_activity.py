from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest
import sqlalchemy as sa

from nightschool.columns import INTERACTIONS
from nightschool.data.manifest.manifest import load_manifest
from nightschool.data.signals import signal_of
from nightschool.experiments.activity import read_events, read_interactions, with_after, with_before, with_known
from nightschool.storage.events import EventStore, Sent
from nightschool.storage.home import Home

START, HOUR, DAY = datetime(2026, 1, 10, tzinfo=UTC), timedelta(hours=1), timedelta(days=1)
INSTANT = pl.Datetime("us", "UTC")


def outcomes(first: dict[str, datetime]) -> pl.DataFrame:
    rows = {"user_id": [*first], "first_shown_at": [*first.values()]}
    return pl.DataFrame(rows, schema={"user_id": pl.String, "first_shown_at": INSTANT})


def test_sums_after_and_before_are_those_of_a_plain_loop() -> None:
    rng = np.random.default_rng(0)
    first = {f"u{n}": START + int(rng.integers(48)) * HOUR for n in range(40)}
    did = [
        (f"u{rng.integers(50)}", START + int(rng.integers(-300, 120)) * HOUR, float(rng.random())) for _ in range(2_000)
    ]
    activity = pl.DataFrame(did, {"user_id": pl.String, "at": INSTANT, "minutes": pl.Float64}, orient="row")
    found = with_after(outcomes(first), activity, ("minutes",), DAY)
    found = with_before(found, activity, ("minutes",), 7 * DAY)
    assert found["user_id"].to_list() == [*first]
    for user, at, after, before in found.iter_rows():
        own = [(when, value) for who, when, value in did if who == user]
        assert after == pytest.approx(sum(value for when, value in own if at <= when < at + DAY))
        assert before == pytest.approx(sum(value for when, value in own if at - 7 * DAY <= when < at))
    nobody = with_after(outcomes(first), activity.clear(), ("minutes",), DAY)
    assert nobody["minutes"].to_list() == [0.0] * 40


def test_events_are_read_by_what_they_say_and_not_once_they_were_taken_back(database: sa.Engine) -> None:
    store = EventStore(database)
    kinds = ("view", "like", "complete", "dislike", "hide")
    store.append([Sent(kind, "u", "1", kind, START + HOUR) for kind in kinds])
    store.append([Sent("old", "u", "1", "like", START - HOUR), Sent("other", "v", "1", "like", START + HOUR)])
    store.append([Sent("gone", "u", "1", "like", START + HOUR)])
    store.undo("gone", "u")
    with database.connect() as connection:
        found = read_events(connection, sa.select(sa.literal("u")), START)
    assert found.select(pl.col("events", "hits", "rejected").sum()).row(0) == (3.0, 2.0, 2.0)
    assert found["user_id"].unique().to_list() == ["u"]


def test_the_tables_know_minutes_and_scores_of_the_users_asked_for(home: Home) -> None:
    signal = signal_of(load_manifest(home.binding.manifest))
    since = datetime(2025, 6, 1, tzinfo=UTC)
    rows = home.lake.scan(INTERACTIONS).filter(pl.col("timestamp") >= since).collect()
    every = read_interactions(home.lake, signal, None, since)
    assert every.height == rows.height
    assert every["minutes"].sum() == pytest.approx(rows["duration_seconds"].sum() / 60)
    scores = (rows["duration_seconds"] / 300).clip(upper_bound=5) + 5 * rows["liked"].fill_null(value=False).cast(
        pl.Float64
    )
    assert every["scores"].sum() == pytest.approx(scores.sum(), rel=1e-5)
    two = pl.Series([str(user) for user in rows["user_id"].unique().sort()[:2]])
    assert set(read_interactions(home.lake, signal, two, since)["user_id"]) == set(two)


def test_a_user_s_window_is_known_once_the_tables_are_past_it() -> None:
    frame = outcomes({"early": START, "late": START + 2 * DAY})
    assert with_known(frame, DAY, START + DAY)["known"].to_list() == [True, False]
