from dataclasses import asdict, replace
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

from nightschool.columns import (
    AUDIENCE_RECOMMENDATIONS,
    CANDIDATE_SCORES,
    HISTORIES,
    METRICS,
    RECOMMENDATIONS,
    RELEASE_TABLES,
    SIMILAR_ITEMS,
)
from nightschool.errors import Busy, GateRefused
from nightschool.night.basis import describe_basis
from nightschool.night.night import Night
from nightschool.night.records import ProveRecord, RecommendRecord, SelectRecord
from nightschool.night.release.publish import describe_gates, draft_release, publish_release
from nightschool.recipe import Recipe
from nightschool.storage.fingerprints import content_hash
from nightschool.storage.releases import Draft, Release
from nightschool.storage.search_index import SEARCH_INDEX
from nightschool.storage.serving_files import SERVED, ServingFile, lists_path
from nightschool.storage.verify import verify_release
from tests.night.nights import MONDAY, POPULARITY, REQUEST, finish, make_home, meet, start
from tests.night.records import COVERAGE, LEARNABLE, example, keep

PROVED: ProveRecord = example(
    ProveRecord, recipe=Recipe.model_validate(POPULARITY), sentence="nothing beats popularity"
)
GATES = {"tuned": True, "asked": []}


@pytest.fixture
def night(tmp_path: Path) -> Night:
    return start(make_home(tmp_path / "home"))


@pytest.fixture
def staged(night: Night, tmp_path: Path) -> Path:
    """What the recommend stage left: user 1 is offered item 8, as a pool of one component."""
    one = {"user_id": 1, "item_id": 8}
    stage(night, tmp_path, RECOMMENDATIONS, {**one, "rank": 1, "score": 2.0, "source": "popularity"})
    stage(night, tmp_path, CANDIDATE_SCORES, {**one, "popularity": 0.5})
    stage(night, tmp_path, HISTORIES, {**one, "item_id": 9, "score": 1.0})
    stage(night, tmp_path, AUDIENCE_RECOMMENDATIONS, {"audience": "everyone", "item_id": 8, "rank": 1, "score": 2.0})
    return tmp_path


def stage(night: Night, folder: Path, table, row: dict[str, object]) -> None:
    (folder / table.name).mkdir(exist_ok=True)
    known = night.home.lake.schema(table)
    lacking = {name: None for name in known if name not in row and name != "release_id"}
    schema = {name: known.get(name, pl.Float32()) for name in (*lacking, *row)}
    pl.DataFrame([{**lacking, **row}], schema=schema).write_parquet(folder / table.name / "00000.parquet")


@pytest.fixture
def metrics(night: Night) -> pl.DataFrame:
    schema = night.home.lake.schema(METRICS)
    row = {"model": "popularity", "split": "test", "segment": "all", "metric": "ndcg", "k": 10, "value": 0.5}
    return pl.DataFrame([row], schema=schema).drop("release_id")


@pytest.fixture
def draft(night: Night) -> Draft:
    return draft_release(night, PROVED, GATES, "run-1")


def test_draft_tells_who_made_it_from_what(night: Night, draft: Draft) -> None:
    assert (draft.release_id, draft.run_key) == (night.identity.release_id, night.identity.run_key)
    assert (draft.as_of, draft.data_fingerprint) == (night.identity.as_of, night.identity.data)
    assert (draft.code_version, draft.environment) == ("code", "environment")
    assert draft.config["k"] == night.config.k
    assert (draft.recipe, draft.gates, draft.mlflow_run_id) == (PROVED.recipe.model_dump(mode="json"), GATES, "run-1")
    assert draft.reason == "nothing beats popularity"


def test_published_release_is_current_and_all_its_tables_are_there(
    night: Night, draft: Draft, staged: Path, metrics: pl.DataFrame
) -> None:
    release = publish_release(night, draft, staged, metrics)
    assert night.home.releases.current() == release
    assert release.row_counts == {table.name: 0 for table in RELEASE_TABLES} | {
        "recommendations": 1,
        "candidate_scores": 1,
        "audience_recommendations": 1,
        "metrics": 1,
    }
    lists = night.home.lake.scan(RECOMMENDATIONS, release.release_id).collect()
    assert lists.select("release_id", "user_id", "item_id", "rank").row(0) == (release.release_id, 1, 8, 1)
    assert night.home.lake.scan(METRICS, release.release_id).collect()["value"].to_list() == [0.5]
    assert night.home.lake.scan(SIMILAR_ITEMS, release.release_id).collect().is_empty()
    assert night.home.lake.scan(CANDIDATE_SCORES).collect()["popularity"].to_list() == [0.5]
    served = {t.name: ServingFile(lists_path(night.home.paths.serving, release.release_id, t)) for t in SERVED}
    assert {name: len(lists) for name, lists in served.items()} == {
        "recommendations": 1,
        "histories": 1,
        "similar_users": 0,
        "similar_items": 0,
        "next_items": 0,
    }
    assert served["histories"].columns_of(1) == {"item_id": [9], "score": [1.0], "timestamp": [None]}
    assert verify_release(night.home, release.release_id).state == "intact"


def test_hashes_are_those_of_what_can_be_read_back(
    night: Night, draft: Draft, staged: Path, metrics: pl.DataFrame
) -> None:
    release = publish_release(night, draft, staged, metrics)
    for table in RELEASE_TABLES:
        rows = night.home.lake.scan(table, release.release_id).collect()
        assert release.content_hashes[table.name] == content_hash(rows, table)


def test_publishing_again_replaces_what_an_earlier_try_left(
    night: Night, draft: Draft, staged: Path, metrics: pl.DataFrame
) -> None:
    first = publish_release(night, draft, staged, metrics)
    path = night.home.paths.serving / first.release_id / SEARCH_INDEX
    path.write_bytes(b"half an index")
    again = publish_release(night, draft, staged, metrics)
    assert again == first
    assert verify_release(night.home, first.release_id).parts[SEARCH_INDEX] == "intact"
    assert night.home.lake.scan(RECOMMENDATIONS).collect().height == 1
    assert len(night.home.releases.history()) == 1


def test_night_that_was_overtaken_does_not_publish(
    night: Night, draft: Draft, staged: Path, metrics: pl.DataFrame
) -> None:
    other: Release = night.home.releases.publish(
        draft.model_copy(update={"release_id": "2024-05-06-other", "run_key": "other"}), night.base_version
    )
    with pytest.raises(Busy, match="2024-05-06-other was published while the night ran"):
        publish_release(night, draft, staged, metrics)
    assert night.home.releases.current() == other


def test_hold_that_came_during_the_night_is_kept(
    night: Night, draft: Draft, staged: Path, metrics: pl.DataFrame
) -> None:
    night.home.releases.hold("exam week")
    with pytest.raises(GateRefused, match="exam week"):
        publish_release(night, draft, staged, metrics)
    assert night.home.releases.current() is None


def test_components_of_another_release_keep_their_columns(
    night: Night, draft: Draft, staged: Path, metrics: pl.DataFrame
) -> None:
    publish_release(night, draft, staged, metrics)
    night.close()
    later = start(night.home, config=night.config.model_copy(update={"k": 49}))
    stage(later, staged, CANDIDATE_SCORES, {"user_id": 1, "item_id": 8, "ease": 0.25})
    release = publish_release(later, draft_release(later, PROVED, GATES, "run-2"), staged, metrics)
    pool = night.home.lake.scan(CANDIDATE_SCORES, release.release_id).collect()
    assert (pool["ease"].to_list(), pool["popularity"].to_list()) == ([0.25], [None])
    assert finish(start(night.home, config=night.config.model_copy(update={"k": 48}))).status == "published"


def test_gates_hold_what_a_repeat_of_the_night_must_know(night: Night) -> None:
    keep(night, example(SelectRecord))
    gates = describe_gates(night, PROVED, example(RecommendRecord))
    assert (gates["tuned"], gates["decision"]) == (True, "first")
    assert gates["asked"] == [asdict(LEARNABLE), asdict(COVERAGE)]
    assert (gates["champion"], gates["comparable"]) == (None, True)
    assert gates["basis"] == describe_basis(night.manifest)["basis"]


def test_backfill_is_stored_whole_beside_the_current_release(
    night: Night, draft: Draft, staged: Path, metrics: pl.DataFrame
) -> None:
    current = publish_release(night, draft, staged, metrics)
    night.close()
    meet(night.home, MONDAY - timedelta(days=1), row=3)
    late = start(night.home, replace(REQUEST, as_of=MONDAY - timedelta(hours=1)))
    assert (late.moves_pointer, late.champion) == (False, None)
    release = publish_release(late, draft_release(late, PROVED, GATES, "run-2"), staged, metrics)
    assert release.status == "backfilled"
    assert night.home.releases.current() == current
    assert verify_release(night.home, release.release_id).state == "intact"
    assert len(ServingFile(lists_path(night.home.paths.serving, release.release_id, RECOMMENDATIONS))) == 1
