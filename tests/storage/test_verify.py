from pathlib import Path

import polars as pl
import pytest

from nightschool.columns import METRICS, RECOMMENDATIONS, RELEASE_TABLES, SIMILAR_USERS, Table
from nightschool.errors import NotFound
from nightschool.storage.component_files import file_hash
from nightschool.storage.home import Home
from nightschool.storage.search_index import SEARCH_INDEX
from nightschool.storage.serving_files import SERVED, lists_path, read_lists, write_serving_files
from nightschool.storage.verify import Verification, verify_release
from tests.privacy.users import NUMBERS, RELEASES, users_home

CURRENT = RELEASES[1]
LISTS = "recommendations.arrow"
FILES = {"recommendations.arrow", "histories.arrow", "similar_users.arrow", "similar_items.arrow", "next_items.arrow"}


@pytest.fixture
def opened(tmp_path: Path) -> Home:
    return users_home(tmp_path / "home", NUMBERS)


def test_a_release_that_was_left_alone_is_intact(opened: Home) -> None:
    found = verify_release(opened, CURRENT)
    assert found.state == "intact"
    assert set(found.parts.values()) == {"intact"}
    assert {"recommendations", "metrics", *FILES} <= set(found.parts)


def test_rows_in_another_order_are_the_same_release(opened: Home) -> None:
    rows = opened.lake.scan(RECOMMENDATIONS, CURRENT).collect()
    opened.lake.replace_release(RECOMMENDATIONS, CURRENT, rows.reverse())
    assert verify_release(opened, CURRENT).state == "intact"


def damaged(opened: Home) -> list[str]:
    found = verify_release(opened, CURRENT)
    assert found.state == "damaged"
    return [part for part, state in found.parts.items() if state == "damaged"]


def test_a_value_that_changed_is_damage(opened: Home) -> None:
    rows = opened.lake.scan(SIMILAR_USERS, CURRENT).collect()
    opened.lake.replace_release(SIMILAR_USERS, CURRENT, rows.with_columns(pl.lit(9, pl.Int32).alias("support")))
    assert damaged(opened) == ["similar_users"]
    assert verify_release(opened, RELEASES[0]).state == "intact"


def test_rows_that_are_gone_or_were_added_are_damage(opened: Home) -> None:
    opened.lake.drop_release(SIMILAR_USERS, CURRENT)
    row = {"release_id": CURRENT, "model": "x", "value": 1.0}
    opened.lake.append(METRICS, pl.DataFrame([row], schema=opened.lake.schema(METRICS)))
    assert damaged(opened) == ["similar_users", "metrics"]


@pytest.mark.parametrize("content", [b"", b"half a file", b"x" * 100_000])
def test_a_file_that_cannot_be_read_is_damage(opened: Home, content: bytes) -> None:
    folder = opened.lake.root / RECOMMENDATIONS.name / f"release_id={CURRENT}"
    for file in folder.glob("*.parquet"):
        file.write_bytes(content)
    lists_path(opened.paths.serving, CURRENT).write_bytes(content)
    assert damaged(opened) == ["recommendations", LISTS]


@pytest.mark.parametrize("name", ["sasrec.network.npz", SEARCH_INDEX])
def test_another_file_that_changed_or_is_gone_is_damage(
    opened: Home, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    path = opened.paths.serving / CURRENT / name
    path.write_bytes(b"arrays")
    row = next(row for row in opened.releases.stored() if row.release_id == CURRENT)
    named = row.model_copy(update={"content_hashes": {**row.content_hashes, path.name: file_hash(path)}})
    monkeypatch.setattr(type(opened.releases), "stored", lambda _: [named])
    assert verify_release(opened, CURRENT).parts[path.name] == "intact"
    path.write_bytes(b"other arrays")
    assert damaged(opened) == [path.name]
    path.unlink()
    assert damaged(opened) == [path.name]


@pytest.mark.parametrize("table", SERVED, ids=lambda table: table.name)
def test_lists_that_differ_from_what_was_published_are_damage(table: Table, opened: Home) -> None:
    path = lists_path(opened.paths.serving, CURRENT, table)
    schema = opened.lake.schema(table)
    row = {"user_id": 99, "item_id": 99, "neighbor_id": 98, "rank": 1}
    added = pl.DataFrame([{name: row.get(name) for name in schema}], schema=schema)
    changed = pl.concat([read_lists(path), added.drop("release_id", strict=False)], how="diagonal")
    write_serving_files(opened.paths.serving, CURRENT, {table.name: changed.lazy()})
    assert damaged(opened) == [path.name]
    path.unlink()
    assert damaged(opened) == [path.name]


def test_a_release_that_was_never_published_is_not_found(opened: Home) -> None:
    with pytest.raises(NotFound, match="no such release was published"):
        verify_release(opened, "2001-01-01-00000000")


def test_a_release_of_before_histories_were_served_is_whole_without_them(opened: Home) -> None:
    release = opened.releases.get(CURRENT)
    hashes = {name: value for name, value in release.content_hashes.items() if name != "histories"}
    older = release.draft().model_copy(update={"content_hashes": hashes, "release_id": "old", "run_key": "old"})
    for table in RELEASE_TABLES:
        opened.lake.replace_release(
            table, "old", opened.lake.scan(table, CURRENT).collect().with_columns(release_id=pl.lit("old"))
        )
    rows = opened.lake.scan(RECOMMENDATIONS, "old")
    write_serving_files(opened.paths.serving, "old", {"recommendations": rows})
    opened.releases.publish(older, opened.releases.version())
    assert verify_release(opened, "old").state == "intact"
    assert LISTS in verify_release(opened, "old").parts


def test_one_damaged_part_outweighs_an_erasure() -> None:
    assert Verification("r", {"a": "intact", "b": "erased"}).state == "erased"
    assert Verification("r", {"a": "damaged", "b": "erased"}).state == "damaged"
    assert Verification("r", {"a": "intact"}).state == "intact"
