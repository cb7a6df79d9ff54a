from pathlib import Path

import polars as pl
import pytest

from nightschool.columns import INTERACTIONS
from nightschool.errors import DataRefused
from tasks.validate import validate
from tests.night.nights import MONDAY, make_home, meet, start


def test_every_table_is_judged_and_shown(tmp_path: Path) -> None:
    home = make_home(tmp_path / "home")
    record = validate.fn(start(home))
    assert record.tables.keys() == {"interactions", "items", "users"}
    assert {rule.passed for rules in record.tables.values() for rule in rules} == {True}
    assert record.warnings == ()
    assert "accepted" in (home.paths.docs / "index.html").read_text()


def test_refused_tables_are_shown_too(tmp_path: Path) -> None:
    home = make_home(tmp_path / "home")
    meet(home, MONDAY, row=1)
    with pytest.raises(DataRefused, match=r"interactions breaks its rules: read_twice \(1 of 2 rows\).*stays up"):
        validate.fn(start(home))
    assert "read_twice: 1 of 2 rows" in (home.paths.docs / "index.html").read_text()


def test_interactions_of_people_and_items_that_nobody_declared_are_refused(tmp_path: Path) -> None:
    home = make_home(tmp_path / "home")
    home.lake.delete(INTERACTIONS, pl.col("user_id") == 1)
    meet(home, MONDAY, row=2)
    rows = home.lake.scan(INTERACTIONS).collect()
    home.lake.append(INTERACTIONS, rows.with_columns(user_id=9, item_id=9, source_row=3).cast(dict(rows.schema)))
    with pytest.raises(DataRefused, match=r"unknown_user \(1 users\), unknown_item \(1 items\)"):
        validate.fn(start(home))
