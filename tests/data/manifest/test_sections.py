from datetime import date

import pytest
from pydantic import ValidationError

from nightschool.data.manifest.sections import Constant, IdMap, Origins, Rating, Sourced, Time
from nightschool.data.readers.sql import Sql

QUERY = Sql(kind="sql", uri="$X", query="SELECT 1 AS id", key="id")


def test_rows_come_from_files_or_from_a_query():
    assert Sourced(files=("a", "b/")).files == ("a", "b/")
    assert Sourced(format=QUERY).files == ()
    with pytest.raises(ValidationError, match="at least 1 file"):
        Sourced()
    with pytest.raises(ValidationError, match="take files out"):
        Sourced(files=("a",), format=QUERY)


def test_map_is_a_file_of_two_columns():
    assert IdMap.model_validate({"file": "map.csv", "from": "a", "to": "b"}).target == "b"
    with pytest.raises(ValidationError, match="'sql'"):
        IdMap.model_validate({"file": "m", "format": QUERY.model_dump(), "from": "a", "to": "b"})


def test_only_days_have_an_origin():
    assert Time(column="at", unit="days", origin="2014-02-01").origin == date(2014, 2, 1)
    assert Time(column="at", unit="s").source_columns == ("at",)
    for wrong in ({"unit": "days"}, {"unit": "s", "origin": "2014-02-01"}):
        with pytest.raises(ValidationError, match='unit "days" needs an origin'):
            Time(column="at", **wrong)


def test_origins_name_at_least_one_day():
    origins = Origins(column="term", dates={"B": "2014-02-01"})
    assert Time(column="at", unit="days", origin=origins).source_columns == ("at", "term")
    with pytest.raises(ValidationError, match="at least 1"):
        Origins(column="term", dates={})


def test_scale_has_two_ends():
    assert Rating(column="stars", min=0, max=5).max == 5
    with pytest.raises(ValidationError, match="min must be below max"):
        Rating(column="stars", min=5, max=5)


def test_constant_is_some_text():
    assert Constant(value="view").value == "view"
    with pytest.raises(ValidationError, match="at least 1"):
        Constant(value="")
