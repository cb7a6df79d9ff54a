from pathlib import Path

import polars as pl
import pytest

from nightschool.errors import Unreachable
from serving.candidate_pools import CandidatePools
from tests.serving.conftest import Served


def pool_file(path: Path, rows: dict[str, list[object]]) -> Path:
    pl.DataFrame(rows).write_parquet(path)
    return path


def test_a_user_s_candidates_come_from_whichever_file_holds_them(tmp_path: Path) -> None:
    files = [
        pool_file(tmp_path / "a", {"user_id": [1, 1, 3], "item_id": [7, 8, 9], "ease": [0.5, 0.25, 1.0]}),
        pool_file(tmp_path / "b", {"user_id": [5], "item_id": [7], "ease": [2.0]}),
    ]
    pools = CandidatePools(files)
    first, last = pools.of(1), pools.of(5)
    assert first is not None
    assert last is not None
    assert first.to_dict(as_series=False) == {"item_id": [7, 8], "ease": [0.5, 0.25]}
    assert last.rows() == [(7, 2.0)]


def test_a_pool_is_read_once(tmp_path: Path) -> None:
    file = pool_file(tmp_path / "a", {"user_id": [1, 3], "item_id": [7, 9]})
    pools = CandidatePools([file])
    read = [pools.of(user) for user in (1, 2)]
    file.unlink()
    assert [pools.of(user) for user in (1, 2)] == read
    with pytest.raises(Unreachable, match="being replaced"):
        pools.of(3)


@pytest.mark.parametrize("user", [0, 2, 4, 9])
def test_who_has_no_candidates_has_none(tmp_path: Path, user: int) -> None:
    files = [pool_file(tmp_path / "a", {"user_id": [1, 3], "item_id": [7, 9]})]
    assert CandidatePools(files).of(user) is None


def test_without_files_nobody_has_candidates() -> None:
    assert CandidatePools([]).of(1) is None


def test_users_may_be_texts(tmp_path: Path) -> None:
    files = [pool_file(tmp_path / "a", {"user_id": ["a", "é"], "item_id": [7, 9]})]
    found = CandidatePools(files).of("é")
    assert found is not None
    assert found.rows() == [(9,)]


def test_the_users_with_an_item_among_their_candidates_come_from_all_files(tmp_path: Path) -> None:
    files = [
        pool_file(tmp_path / "a", {"user_id": [1, 1, 3], "item_id": [7, 8, 7], "ease": [0.5, 0.25, 1.0]}),
        pool_file(tmp_path / "b", {"user_id": [5], "item_id": [7], "ease": [2.0]}),
    ]
    pools = CandidatePools(files)
    assert pools.holding(7).rows() == [(1, 0.5), (3, 1.0), (5, 2.0)]
    assert pools.holding(9).columns == ["user_id", "ease"]
    assert pools.holding(9).is_empty()
    assert CandidatePools([]).holding(7).is_empty()
    files[1].unlink()
    with pytest.raises(Unreachable, match="being replaced"):
        pools.holding(7)


def test_a_release_holds_the_pool_behind_each_list(served: Served) -> None:
    user = known_user(served)
    found = served.snapshot.pools.of(user)
    listed = served.snapshot.lists.columns_of(user)
    assert found is not None
    assert listed is not None
    assert found.columns == ["item_id", "ease", "content"]
    assert set(listed["item_id"]) <= set(found["item_id"])


def known_user(served: Served) -> int:
    user = served.snapshot.histories.keys[0]
    assert isinstance(user, int)
    return user


def test_pools_that_are_at_hand_are_not_read_again(tmp_path: Path) -> None:
    file = pool_file(tmp_path / "a", {"user_id": [1, 3], "item_id": [7, 9]})
    pools, others = CandidatePools([file]), CandidatePools([])
    read = pools.of_many([1, 2])
    file.unlink()
    with read.at_hand():
        found = pools.of(1)
        assert found is not None
        assert found.rows() == [(7,)]
        assert pools.of(2) is None
        assert others.of(1) is None
        with pytest.raises(Unreachable, match="being replaced"):
            pools.of(3)
    with pytest.raises(Unreachable):
        pools.of(1)
    assert pools.of_many([]).found == {}
