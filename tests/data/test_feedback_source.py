from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from nightschool.data.feedback_source import FEEDBACK, feedback_part, is_feedback, with_feedback
from nightschool.data.manifest.manifest import Manifest
from nightschool.data.normalization.normalise import IdMaps, IdTypes, normalise_interactions
from nightschool.data.readers.source_format import Reading
from nightschool.data.signals import score_events, signal_of
from nightschool.ingest.ledger import mapping
from nightschool.storage.database import open_database
from nightschool.storage.events import EventStore, Sent

AT = datetime(2026, 1, 1, 12, 0, 0, 123456, tzinfo=UTC)
TYPES = ("view", "complete", "like", "dislike", "hide")
RATING = {"rating": {"column": "r", "min": 1, "max": 5}}
MODES: dict[str, dict[str, Any]] = {
    "rating": {"score": "rating", "interactions": RATING, "relevant": {"rating_min": 4}},
    "engagement": {"score": "engagement", "interactions": {"liked": "l", "duration": "d"}},
    "implicit": {"score": "implicit"},
    "events": {"score": "events", "interactions": {"event": "e"}},
}


def manifest(score: str, interactions: Mapping[str, Any] = {}, **more: Any) -> Manifest:
    log = {"files": ["log.csv"], "user": "user", "item": "item", **interactions}
    return Manifest.model_validate({"name": "log", "score": score, "interactions": log, **more})


@pytest.fixture(params=["sqlite", "postgresql"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database of either kind to which one person sent an event of every kind, each about another item."""
    if request.param == "sqlite":
        where = f"sqlite:///{tmp_path / 'elsewhere? %20' / 'events.db'}"
    else:
        server = request.getfixturevalue("postgres")
        server.run("DROP SCHEMA public CASCADE", "CREATE SCHEMA public")
        where = server.uri
    engine = open_database(where)
    EventStore(engine).append([Sent(f"e{item}", "u1", str(item), kind, AT) for item, kind in enumerate(TYPES)])
    engine.dispose()
    return where


def scored(given: Manifest, address: str, root: Path) -> dict[str, tuple[float, bool, bool]]:
    """Event type to its score, whether it is a hit, and whether it says no."""
    widened = with_feedback(given, address)
    part = feedback_part(widened)
    assert part is not None
    (file,) = part.sources(root)
    rows = pl.concat(Reading(file, part.format, part.source_columns).batches())
    good = normalise_interactions(rows, part, widened, IdTypes(pl.String(), pl.Int64()), IdMaps())
    assert good["reason"].to_list() == [None] * good.height
    assert good["event_id"].str.starts_with("sent:e").all()
    assert good["timestamp"].to_list() == [AT] * good.height
    found = score_events(good, signal_of(widened))
    return {event: tuple(worth) for event, *worth in found.select("event", "score", "relevant", "negative").rows()}


NO = {"dislike": (-5.0, False, True), "hide": (-10.0, False, True)}
WANTED = {
    "rating": {"complete": (4.0, True, False), "like": (5.0, True, False), **NO},
    "engagement": {"complete": (5.0, True, False), "like": (5.0, True, False), **NO},
    "implicit": {"complete": (1.0, True, False), "like": (1.0, True, False), **NO},
    "events": {"view": (1.0, True, False), "complete": (10.0, True, False), "like": (10.0, True, False), **NO},
}


@pytest.mark.parametrize("mode", MODES)
def test_what_is_liked_or_completed_is_a_hit_and_a_dislike_says_no(mode: str, address: str, tmp_path: Path) -> None:
    assert scored(manifest(**MODES[mode]), address, tmp_path) == WANTED[mode]


def test_a_completed_item_is_worth_the_best_rating_where_nothing_says_what_counts(address: str, tmp_path: Path) -> None:
    found = scored(manifest("rating", RATING), address, tmp_path)
    assert found["complete"] == found["like"] == (5.0, True, False)


def test_hits_that_are_told_by_ratings_are_told_so_in_other_scores_too(address: str, tmp_path: Path) -> None:
    found = scored(manifest("implicit", RATING, relevant={"rating_min": 3}), address, tmp_path)
    assert found == WANTED["implicit"]


def test_the_manifests_own_weights_win(address: str, tmp_path: Path) -> None:
    found = scored(manifest("events", {"event": "e"}, event_weights={"like": 7, "hide": -1}), address, tmp_path)
    assert (found["like"][0], found["hide"][0], found["complete"][0]) == (7.0, -1.0, 10.0)


def test_contexts_come_with_the_events_whatever_their_names(address: str, tmp_path: Path) -> None:
    names = ("device", "o\"d'd: 100%", "gerät")
    engine = open_database(address)
    context = {"device": "phone", "o\"d'd: 100%": "\"'%:{}", "gerät": "ß", "undeclared": "x"}
    EventStore(engine).append([Sent("e9", "u2", "9", "like", AT, context=context)])
    EventStore(engine).undo("e9", "u2")
    engine.dispose()
    widened = with_feedback(manifest("implicit", {"context": names}), address)
    part = feedback_part(widened)
    assert part is not None
    (file,) = part.sources(tmp_path)
    rows = pl.concat(Reading(file, part.format, part.source_columns).batches())
    good = normalise_interactions(rows, part, widened, IdTypes(pl.String(), pl.Int64()), IdMaps())
    values = ("phone", "\"'%:{}", "ß")
    assert good.filter(pl.col("user_id") == "u2").select(names).rows() == [values, values]
    assert set(good.filter(pl.col("user_id") == "u1").select(names).rows()) == {(None, None, None)}


def test_the_part_is_known_by_its_name_and_tells_no_address(address: str) -> None:
    given = manifest("implicit")
    assert feedback_part(given) is None
    widened = with_feedback(given, address)
    first, second = widened.interactions
    assert (is_feedback(first), is_feedback(second)) == (False, True)
    assert second.format.name == FEEDBACK
    for secret in (address, "elsewhere", "127.0.0.1"):
        assert secret not in widened.model_dump_json() + repr(widened) + mapping(second)


def test_where_the_database_is_does_not_change_what_the_rows_mean() -> None:
    parts = [
        feedback_part(with_feedback(manifest("implicit"), f"sqlite:///{place}/events.db")) for place in ("/a", "/b/c")
    ]
    assert parts[0] is not None
    assert parts[1] is not None
    assert mapping(parts[0]) == mapping(parts[1])
