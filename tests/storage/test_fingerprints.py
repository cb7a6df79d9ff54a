import json
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightschool.columns import (
    AVAILABLE_AT,
    CANDIDATE_SCORES,
    ITEM_ID,
    ITEMS,
    QUARANTINE,
    RANK,
    RECOMMENDATIONS,
    RELEASE_ID,
    TITLE,
    USER_ID,
)
from nightschool.storage.fingerprints import (
    code_version,
    content_hash,
    data_fingerprint,
    environment,
    environment_fingerprint,
    release_id,
    run_key,
)
from nightschool.storage.lake import Lake

NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)
ROWS: list[dict[str, Any]] = [
    {RELEASE_ID: "r1", USER_ID: 1, ITEM_ID: "a", "ease": 0.0, "tags": ["x", ""], "on": True},
    {RELEASE_ID: "r1", USER_ID: 1, ITEM_ID: "b", "ease": float("nan"), "tags": [], "on": None},
    {RELEASE_ID: "r1", USER_ID: 2, ITEM_ID: "", "ease": None, "tags": None, "on": False},
    {RELEASE_ID: "r1", USER_ID: None, ITEM_ID: None, "ease": 1.5, "tags": [None, "xy"], "on": True},
]
SCHEMA = {RELEASE_ID: pl.String, USER_ID: pl.Int64, ITEM_ID: pl.String, "ease": pl.Float32, "tags": pl.List(pl.String)}


def frame(rows: list[dict[str, Any]] = ROWS) -> pl.DataFrame:
    return pl.DataFrame(rows, schema={**SCHEMA, "on": pl.Boolean})


def items(titles: list[str]) -> pl.DataFrame:
    ids = [str(number) for number in range(len(titles))]
    return pl.DataFrame(
        {ITEM_ID: ids, TITLE: titles, AVAILABLE_AT: [NOON] * len(ids)}, schema_overrides={TITLE: pl.String}
    )


def hashed(rows: pl.DataFrame) -> str:
    return content_hash(rows, CANDIDATE_SCORES)


@given(st.permutations(ROWS + ROWS[:1]), st.integers(1, 3))
def test_neither_row_order_nor_chunks_matter(rows: list[dict[str, Any]], cut: int) -> None:
    pieces = pl.concat([frame(rows[:cut]), frame(rows[cut:])], rechunk=False)
    assert hashed(pieces) == hashed(frame(ROWS + ROWS[:1]))


@given(
    st.lists(
        st.tuples(st.sampled_from([1, None]), st.sampled_from([0.0, -0.0, float("nan"), -float("nan"), None, 2.0])),
        min_size=1,
        max_size=6,
    ),
    st.randoms(use_true_random=False),
)
def test_rows_that_share_a_key_hash_alike_in_any_order(
    values: list[tuple[int | None, float | None]], random: Any
) -> None:
    rows = [{USER_ID: user, ITEM_ID: "a", "ease": score} for user, score in values]
    before = hashed(frame(rows))
    random.shuffle(rows)
    assert hashed(frame(rows)) == before


@pytest.mark.parametrize(
    "same",
    [
        frame().select(reversed(frame().columns)),
        frame().with_columns(pl.col(ITEM_ID).cast(pl.Categorical)),
        frame().with_columns(pl.col("ease") * -1.0 * -1.0),
        frame().with_columns(pl.when(pl.col("ease") == 0).then(-0.0).otherwise("ease").cast(pl.Float32).alias("ease")),
        frame().with_columns(pl.lit("r2").alias(RELEASE_ID)),
        frame().with_columns(pl.lit(None, pl.Float32).alias("svd")),
        frame().clear().extend(frame()),
    ],
)
def test_what_does_not_change_the_content(same: pl.DataFrame) -> None:
    assert hashed(same) == hashed(frame())


@pytest.mark.parametrize(
    "other",
    [
        frame().head(3),
        pl.concat([frame(), frame().head(1)]),
        frame().rename({"ease": "svd"}),
        frame().cast({"ease": pl.Float64}),
        frame().with_columns(pl.col(USER_ID).fill_null(0)),
        frame().with_columns(pl.col(ITEM_ID).fill_null("")),
        frame().with_columns(pl.col("ease").fill_null(0)),
        frame().with_columns(pl.col("ease").fill_nan(None)),
        frame().with_columns(pl.col("tags").fill_null([])),
        frame().with_columns(pl.col("tags").list.eval(pl.element().fill_null(""))),
        frame().with_columns(pl.col("on").fill_null(value=False)),
        frame().with_columns(svd=pl.lit(0.0, pl.Float32)),
    ],
)
def test_what_changes_the_content(other: pl.DataFrame) -> None:
    assert hashed(other) != hashed(frame())


def test_text_does_not_flow_over_into_the_next_row() -> None:
    rows = items(["ab", "c"])
    assert content_hash(rows, ITEMS) != content_hash(items(["a", "bc"]), ITEMS)


def test_tables_of_equal_columns_differ() -> None:
    rows = pl.DataFrame({USER_ID: [1], ITEM_ID: [1], RANK: [1]})
    assert content_hash(rows, RECOMMENDATIONS) != content_hash(rows, CANDIDATE_SCORES)


def test_many_rows_hash_alike_sorted_shuffled_and_read_back(tmp_path: Path) -> None:
    users, items = np.divmod(np.arange(20_000), 100)
    rows = pl.DataFrame({RELEASE_ID: "r1", USER_ID: users, ITEM_ID: items, "ease": np.float32(items / 7)})
    lake = Lake(tmp_path, pl.Int64(), pl.Int64())
    lake.replace_release(CANDIDATE_SCORES, "r1", rows.sample(fraction=1.0, shuffle=True, seed=1))
    assert hashed(lake.scan(CANDIDATE_SCORES, "r1").collect()) == hashed(rows)


def test_blocks_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    one_block = frame([*ROWS, *ROWS])
    monkeypatch.setattr("nightschool.storage.fingerprints._BLOCK_ROWS", 3)
    assert hashed(one_block) == hashed(one_block.sample(fraction=1.0, shuffle=True, seed=2))


def test_a_hash_of_today_is_the_hash_of_tomorrow() -> None:
    assert hashed(frame()) == "4c9f38a159be0c7d3aac79be0cf5a5753719697a9438066158b5e9dcff6f8ba8"


def test_the_quarantines_clock_does_not_count() -> None:
    row = {"table": "users", "source_file": "u.csv", "source_row": 1, "reason": "r", "detail": None, "row": "{}"}
    times = [pl.DataFrame({**row, "quarantined_at": NOON + timedelta(days=day)}) for day in (0, 1)]
    assert len({content_hash(rows, QUARANTINE) for rows in times}) == 1


def test_the_data_fingerprint_covers_each_table_in_any_order() -> None:
    both = data_fingerprint({"users": "a", "items": "b"})
    assert both == data_fingerprint({"items": "b", "users": "a"})
    assert both not in {data_fingerprint({"users": "a", "items": "c"}), data_fingerprint({"users": "a"})}


def test_rows_that_are_not_collected_have_the_same_hash() -> None:
    rows = frame().lazy()
    assert content_hash(rows, CANDIDATE_SCORES) == content_hash(frame(), CANDIDATE_SCORES)
    assert content_hash(rows.reverse(), CANDIDATE_SCORES) == content_hash(frame(), CANDIDATE_SCORES)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    for name in ("nightschool/a.py", "nightschool/data/m.toml", "models/b.py", "docs/c.py", "models/x.pyc"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x = 1")
    return tmp_path


@pytest.mark.parametrize("name", ["nightschool/a.py", "nightschool/data/m.toml", "models/new.py"])
def test_the_code_version_follows_the_source(source: Path, name: str) -> None:
    before = code_version(source)
    (source / name).write_text("x = 2")
    assert code_version(source) != before


@pytest.mark.parametrize("name", ["docs/c.py", "models/x.pyc"])
def test_the_code_version_follows_nothing_else(source: Path, name: str) -> None:
    before = code_version(source)
    (source / name).write_text("x = 2")
    assert code_version(source) == before


def test_a_renamed_file_is_other_code(source: Path) -> None:
    before = code_version(source)
    (source / "models" / "b.py").rename(source / "models" / "c.py")
    assert code_version(source) != before


def test_the_environment_is_plain_and_steady() -> None:
    described = environment()
    assert described["packages"]["polars"] == pl.__version__
    assert described["linear_algebra"]
    assert json.loads(json.dumps(described)) == described
    assert environment_fingerprint(environment()) == environment_fingerprint(described)
    assert environment_fingerprint({**described, "python": "2.7"}) != environment_fingerprint(described)


def test_an_extra_that_is_not_installed_is_no_part_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    named = ["polars>=1", 'no-such-package>=5; extra == "text"']
    monkeypatch.setattr("nightschool.storage.fingerprints.requires", lambda _: named)
    assert environment()["packages"] == {"polars": pl.__version__}


INPUTS: dict[str, Any] = {"data": "d", "as_of": NOON, "config": {"k": 50, "a": [1.5]}, "code": "c", "environment": "e"}


def test_a_run_key_is_the_same_for_the_same_night() -> None:
    same = {**INPUTS, "config": {"a": [1.5], "k": 50}, "as_of": NOON.astimezone(timezone(timedelta(hours=5)))}
    assert run_key(**same) == run_key(**INPUTS)


@pytest.mark.parametrize(
    "change",
    [{"data": "x"}, {"as_of": NOON + timedelta(seconds=1)}, {"config": {}}, {"code": "x"}, {"environment": "x"}],
)
def test_a_run_key_changes_with_each_input(change: dict[str, Any]) -> None:
    assert run_key(**{**INPUTS, **change}) != run_key(**INPUTS)


def test_a_release_is_named_by_its_utc_date_and_key() -> None:
    late = datetime(2024, 5, 2, 1, tzinfo=timezone(timedelta(hours=5)))
    assert release_id(late, "0123456789abcdef") == "2024-05-01-01234567"
