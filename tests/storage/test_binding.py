from pathlib import Path

import polars as pl
import pytest

from nightschool.errors import ConfigurationError, NotFound
from nightschool.storage.binding import Binding, bind, find_binding, get_binding

LEARNING = Binding(
    dataset="learning", manifest="learning", source_root=Path("/data"), user_id="Int64", item_id="String"
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "home" / "dataset.json"


def test_a_new_home_holds_nothing(path: Path) -> None:
    assert find_binding(path) is None
    with pytest.raises(NotFound, match="holds no dataset yet"):
        get_binding(path)


def test_the_first_binding_is_kept_and_reused(path: Path) -> None:
    assert bind(path, LEARNING) == LEARNING
    before = path.stat().st_mtime_ns
    assert bind(path, LEARNING) == LEARNING
    assert get_binding(path) == LEARNING
    assert path.stat().st_mtime_ns == before


def test_dtypes_come_back_as_polars_dtypes(path: Path) -> None:
    bind(path, LEARNING)
    stored = get_binding(path)
    assert (stored.user_dtype, stored.item_dtype) == (pl.Int64, pl.String)


def test_a_moved_source_root_is_remembered(path: Path) -> None:
    bind(path, LEARNING)
    bind(path, LEARNING.model_copy(update={"source_root": Path("/moved")}))
    assert get_binding(path).source_root == Path("/moved")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"dataset": "movies"}, "home .*home holds dataset 'learning' and takes no other; saw 'movies'"),
        ({"user_id": "String"}, "filled with user_ids of type Int64; saw 'String'"),
        ({"item_id": "Int64"}, "filled with item_ids of type String; saw 'Int64'"),
    ],
)
def test_another_dataset_is_refused(path: Path, change: dict[str, str], says: str) -> None:
    bind(path, LEARNING)
    with pytest.raises(ConfigurationError, match=says):
        bind(path, LEARNING.model_copy(update=change))
    assert get_binding(path) == LEARNING


def test_a_broken_file_is_named(path: Path) -> None:
    path.parent.mkdir()
    path.write_text('{"dataset": 3}')
    with pytest.raises(ConfigurationError, match=r"dataset\.json does not say which dataset"):
        find_binding(path)
