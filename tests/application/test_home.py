from pathlib import Path

import polars as pl
import pytest

from nightschool.application.home import holds_data, home_at, open_home
from nightschool.columns import INTERACTIONS, NIGHTS
from nightschool.errors import NotFound
from nightschool.settings import HomePaths, Settings
from nightschool.storage.binding import Binding, bind
from nightschool.storage.lake import Lake


def test_a_home_without_data_is_neither_opened_nor_made(tmp_path: Path) -> None:
    for opening in (open_home, lambda: home_at(HomePaths(tmp_path / "home"))):
        with pytest.raises(NotFound, match="holds no dataset yet"):
            opening()
    assert not (tmp_path / "home").exists()


def test_a_home_is_opened_with_the_types_of_its_ids(tmp_path: Path) -> None:
    paths = Settings().paths
    bind(paths.binding, Binding(dataset="x", manifest="x", source_root=tmp_path, user_id="Int64", item_id="String"))
    for home in (open_home(), home_at(paths)):
        assert (home.lake.user_id, home.lake.item_id) == (pl.Int64(), pl.String())


def test_the_table_of_nights_alone_is_no_data(tmp_path: Path) -> None:
    paths = HomePaths(tmp_path / "home")
    lake = Lake(paths.lake, pl.Int64(), pl.Int64())
    assert not holds_data(paths)
    lake.append(NIGHTS, pl.DataFrame(schema=lake.schema(NIGHTS)))
    assert not holds_data(paths)
    lake.append(INTERACTIONS, pl.DataFrame(schema=lake.schema(INTERACTIONS)))
    assert holds_data(paths)
