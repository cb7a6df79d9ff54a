from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl

from nightschool.experiments.outcomes import outcomes_of

START, HOUR = datetime(2026, 1, 1, tzinfo=UTC), timedelta(hours=1)
WINDOW, NOW = 24 * HOUR, START + 40 * HOUR
INSTANT = pl.Datetime("us", "UTC")
EXPOSURES = {
    "user_id": pl.String(),
    "arm": pl.String(),
    "at": INSTANT,
    "items": pl.List(pl.Struct({"item_id": pl.String})),
}
REACTIONS = {"user_id": pl.String(), "item_id": pl.String(), "event": pl.String(), "at": INSTANT}
COLUMNS = ["user_id", "arm", "first_shown_at", "settled", "converted", "rejected"]


def test_outcomes_are_those_of_a_plain_loop() -> None:
    rng = np.random.default_rng(0)
    lists = sorted(
        (START + int(rng.integers(60)) * HOUR, f"u{rng.integers(30)}", "ab"[rng.integers(2)], rng.integers(12, size=3))
        for _ in range(120)
    )
    kinds = ("like", "complete", "view", "dislike", "hide")
    events = [
        (
            f"u{rng.integers(30)}",
            f"{rng.integers(12)}",
            kinds[rng.integers(5)],
            START + int(rng.integers(99)) * HOUR / 2,
        )
        for _ in range(400)
    ]
    expected = {}
    for _, user, _, _ in lists:
        own = [each for each in lists if each[1] == user]
        first = own[0][0]
        done = set()
        for who, item, event, at in events:
            seen = [shown_at for shown_at, _, _, items in own if int(item) in items]
            if who == user and seen and min(seen) <= at < first + WINDOW:
                done.add(event)
        flags = (bool(done & {"like", "complete"}), bool(done & {"dislike", "hide"}))
        expected[user] = (own[0][2], first, first + WINDOW <= NOW, *flags)
    rows = [(user, arm, at, [{"item_id": f"{item}"} for item in items]) for at, user, arm, items in lists]
    exposures = pl.DataFrame(rows, EXPOSURES, orient="row")
    found = outcomes_of(exposures, pl.DataFrame(events, REACTIONS, orient="row"), WINDOW, NOW)
    assert found.columns == COLUMNS
    assert {row[0]: row[1:] for row in found.rows()} == expected
    assert found["first_shown_at"].is_sorted()
    assert 0 < found["converted"].sum() < found.height
    assert 0 < found["settled"].sum() < found.height


def test_nobody_has_no_outcome() -> None:
    found = outcomes_of(pl.DataFrame(schema=EXPOSURES), pl.DataFrame(schema=REACTIONS), WINDOW, NOW)
    assert (found.height, found.columns) == (0, COLUMNS)
    assert found.schema["converted"] == pl.Boolean
