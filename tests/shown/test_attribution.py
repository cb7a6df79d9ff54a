"""What was shown and what came of it, against a plain loop and by hand."""

from datetime import datetime
from typing import Any

import numpy as np
import polars as pl

from nightschool.columns import INSTANT
from nightschool.shown.attribution import COLUMNS, REACTIONS, entries_of, shown_rows
from nightschool.shown.impression_store import Impression
from nightschool.shown.list_store import ListRow
from nightschool.storage.events import Sent
from tests.shown.given import HOUR, START, a_list, did, seen

LISTS = ("list_id", "user_id", "scenario", "release_id", "arms", "tuned", "first_place", "items")


def frames(
    lists: list[ListRow], impressions: list[Impression], events: list[Sent]
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """The frames as the database gives them."""
    made = pl.DataFrame(
        [[getattr(row, name) for name in LISTS] for row in lists],
        {**dict.fromkeys(LISTS, pl.String), "tuned": pl.Boolean, "first_place": pl.Int64},
        orient="row",
    )
    schema = {"list_id": pl.String, "at": INSTANT, "places": pl.List(pl.Int64)}
    told = pl.DataFrame([[one.list_id, one.at, one.places] for one in impressions], schema, orient="row")
    names = ("user_id", "item_id", "event", "at", "list_id")
    happened = pl.DataFrame(
        [[getattr(one, name) for name in names] for one in events],
        {**dict.fromkeys(names, pl.String), "at": INSTANT},
        orient="row",
    )
    return made, told, happened


def shown(
    lists: list[ListRow], impressions: list[Impression], events: list[Sent]
) -> dict[tuple[str, int], dict[str, Any]]:
    """What was shown, by list and place; times as hours after the start."""
    found = shown_rows(*frames(lists, impressions, events))
    assert dict(found.schema) == COLUMNS
    return {(row["list_id"], row["place"]): {**row, **hours(row)} for row in found.iter_rows(named=True)}


def hours(row: dict[str, Any]) -> dict[str, float | None]:
    return {name: value and (value - START) / HOUR for name, value in row.items() if name.endswith("_at")}


def test_a_list_that_nobody_saw_is_not_shown() -> None:
    assert shown([a_list("a", "xy")], [], [did("x", 1)]) == {}
    assert shown([], [seen("a", 1)], [did("x", 2, list_id="a")]) == {}
    assert shown([], [], []) == {}


def test_an_impression_shows_all_places_or_those_that_it_names() -> None:
    told = [seen("a", 2), seen("a", 1, [2]), seen("a", 3, [2, 3, 9]), seen("b", 1, [12])]
    found = shown([a_list("a", "xyz"), a_list("b", "xyz", first_place=11, scenario="hero")], told, [])
    assert {key: (row["shown_at"], row["times"]) for key, row in found.items()} == {
        ("a", 1): (2, 1),
        ("a", 2): (1, 3),
        ("a", 3): (2, 2),
        ("b", 12): (1, 1),
    }
    assert found["b", 12]["item_id"] == "y"
    assert found["b", 12]["scenario"] == "hero"


def test_an_event_shows_its_item_and_without_an_impression_the_whole_list() -> None:
    lists = [a_list("a", "xy"), a_list("b", "xy", "v")]
    events = [did("x", 1, list_id="a"), did("y", 2, "like", list_id="b", user_id="v"), did("?", 1, list_id="b")]
    found = shown(lists, [seen("a", 2)], events)
    assert {key: (row["shown_at"], row["times"]) for key, row in found.items()} == {
        ("a", 1): (1, 1),
        ("a", 2): (2, 1),
        ("b", 1): (1, 0),
        ("b", 2): (1, 0),
    }
    assert (found["a", 1]["viewed_at"], found["b", 2]["liked_at"], found["b", 1]["viewed_at"]) == (1, 2, None)


def test_an_event_is_due_to_the_list_that_it_names_and_else_to_the_newest() -> None:
    lists = [a_list("a", "xy"), a_list("b", "zx"), a_list("c", "x", "v")]
    told = [seen("a", 1), seen("b", 5), seen("c", 6)]
    events = [
        did("x", 7, "like"),
        did("x", 8, "complete", list_id="a"),
        did("y", 9, "hide", list_id="b"),
        did("x", 10, "view", list_id="gone"),
        did("z", 5, "dislike"),
        did("z", 4.9, "view"),
    ]
    found = shown(lists, told, events)
    reactions = {key: {name: row[name] for name in REACTIONS if row[name] is not None} for key, row in found.items()}
    assert reactions == {
        ("a", 1): {"completed_at": 8},
        ("a", 2): {"rejected_at": 9},
        ("b", 1): {"rejected_at": 5},
        ("b", 2): {"liked_at": 7, "viewed_at": 10},
        ("c", 1): {},
    }


def test_an_event_counts_within_the_window_and_the_first_of_a_kind_does() -> None:
    events = [did("x", 25, "like"), did("y", 24.9, "view"), did("y", 3, "view"), did("y", 0.5, "view")]
    found = shown([a_list("a", "xy")], [seen("a", 1)], events)
    assert (found["a", 1]["liked_at"], found["a", 2]["viewed_at"]) == (None, 3)
    named = [did("x", 26, "like", list_id="a"), did("y", 2, "like", list_id="a")]
    found = shown([a_list("a", "xy")], [seen("a", 1)], named)
    assert (found["a", 1]["liked_at"], found["a", 2]["liked_at"]) == (None, 2)


def test_a_session_s_list_gets_only_events_that_name_it() -> None:
    lists = [a_list("a", "xy", user_id=None)]
    found = shown(lists, [seen("a", 1, user_id=None)], [did("x", 2, list_id="a"), did("y", 2)])
    assert [found["a", place]["viewed_at"] for place in (1, 2)] == [2, None]


def test_propensities_and_sources_keep_their_places() -> None:
    row = a_list("a", "xy")._replace(items='{"item_id":["x","y"],"propensity":[0.98,0.01],"source":["ease","random"]}')
    found = shown([row], [seen("a", 1)], [])
    assert [(found["a", n]["propensity"], found["a", n]["source"]) for n in (1, 2)] == [
        (0.98, "ease"),
        (0.01, "random"),
    ]
    assert entries_of(frames([a_list("e", "")], [], [])[0]).height == 0


def test_attribution_is_that_of_a_plain_loop() -> None:
    rng = np.random.default_rng(0)
    lists = [a_list(f"l{n}", [f"{item}" for item in rng.permutation(8)[:4]], f"u{rng.integers(4)}") for n in range(30)]
    told = [seen(f"l{rng.integers(30)}", float(rng.integers(80)), None if n % 2 else [1, 3]) for n in range(40)]
    kinds = ("view", "like", "complete", "dislike", "hide")
    events = []
    for _ in range(300):
        named = lists[rng.integers(30)] if rng.random() < 0.4 else None
        user = named.user_id if named and named.user_id else f"u{rng.integers(4)}"
        name = named.list_id if named else None
        events.append(did(f"{rng.integers(8)}", rng.integers(900) / 10, kinds[rng.integers(5)], name, user))
    assert shown_rows(*frames(lists, told, events)).rows() == slowly(lists, told, events)


def slowly(lists: list[ListRow], told: list[Impression], events: list[Sent]) -> list[tuple[Any, ...]]:
    """The same in loops over lists, places and events."""
    places = {}
    for row in lists:
        for place, item in enumerate(entries_of(frames([row], [], [])[0])["item_id"], start=1):
            of_impressions = [one for one in told if one.list_id == row.list_id]
            by_impression = [one.at for one in of_impressions if not one.places or place in one.places]
            of_list = [one for one in events if one.list_id == row.list_id]
            by_event = [one.at for one in of_list if one.item_id == item]
            if not of_impressions:
                by_event = [one.at for one in of_list]
            times: list[datetime] = [at for at in (*by_impression, *by_event) if at]
            if times:
                places[row.list_id, place] = (row, item, min(times), len(by_impression), dict[str, datetime]())
    for one in sorted(events, key=lambda event: event.at or START):
        own = [found for (name, _), found in places.items() if name == one.list_id and found[1] == one.item_id]
        if not own:
            theirs = [found for found in places.values() if (found[0].user_id, found[1]) == (one.user_id, one.item_id)]
            before = [found for found in theirs if one.at is not None and found[2] <= one.at]
            own = [max(before, key=lambda found: found[2])] if before else []
        for found in own:
            column = next(name for name, kinds in REACTIONS.items() if one.event in kinds)
            if one.at is not None and found[2] <= one.at < found[2] + 24 * HOUR:
                found[4].setdefault(column, one.at)
    return [
        (name, row.user_id, item, place, "", "r", "{}", False, 1.0, "ease", at, n, *(did.get(c) for c in REACTIONS))
        for (name, place), (row, item, at, n, did) in sorted(places.items())
    ]
