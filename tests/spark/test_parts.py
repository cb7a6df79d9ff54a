from pathlib import Path

import numpy as np
import polars as pl
import pytest

from nightschool.columns import USER_ID
from nightschool.data.splits.splitting import test_split as split_of_test
from nightschool.night.prepare import prepare_events
from nightschool.spark.parts import Parts, write_rows
from tests.spark.logs import divided, here, home_of, open_night, planted


@pytest.fixture
def both(tmp_path: Path, monkeypatch):
    night = open_night(home_of(planted(), tmp_path / "home"))
    return prepare_events(here(night)), divided(night, tmp_path / "parts", 4, monkeypatch)


def test_user_indices_follow_one_another(both) -> None:
    one, parts = both
    ids = pl.concat([parts.log(part).empty.user_ids for part in range(len(parts))])
    assert ids.equals(one.log.empty.user_ids)
    assert parts.n_users == one.log.empty.n_users
    assert parts.firsts == [0, *np.cumsum(parts.users)[:-1]]
    assert parts.user_frame()[USER_ID].equals(ids)


def test_splits_of_parts_are_those_of_one_machine(both) -> None:
    one, parts = both
    whole = split_of_test(one.log, one.cut)
    splits = [parts.test(part) for part in range(len(parts))]
    for name in ("history", "positives"):
        rows = np.concatenate([getattr(split.fitted, name)().toarray() for split in splits])
        np.testing.assert_array_equal(rows, getattr(whole.fitted, name)().toarray())
    assert pl.concat([split.held_out.drop("user_index") for split in splits]).equals(whole.held_out.drop("user_index"))
    for split in splits:
        np.testing.assert_array_equal(split.fitted.available, whole.fitted.available)


def test_parts_are_loaded_as_they_were_saved(both) -> None:
    _, parts = both
    assert Parts.load(parts.folder) == parts


def test_a_file_is_whole_or_not_there(tmp_path: Path) -> None:
    write_rows(pl.DataFrame({"a": [1]}), tmp_path / "x" / "rows.parquet")
    with pytest.raises(AttributeError):
        write_rows(None, tmp_path / "x" / "rows.parquet")
    assert [path.name for path in (tmp_path / "x").iterdir()] == ["rows.parquet"]
    assert pl.read_parquet(tmp_path / "x" / "rows.parquet")["a"].to_list() == [1]
