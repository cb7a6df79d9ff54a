import polars as pl
import pytest

from nightschool.data.readers.delimited import Csv
from nightschool.errors import DataRefused
from nightschool.inspection.joins import shares_known, shares_repeated
from tests.inspection.conftest import lines


def test_share_is_of_the_rows_not_of_the_ids(put):
    file = put("items.csv", lines("id,other", "1,7", "2,8"))
    wanted = {"item": pl.Series(["1", "1", "1", "9"]), "user": pl.Series(["7", None])}
    found = shares_known(wanted, [file], Csv(), ["id", "other"])
    assert found == {("item", "id"): 0.75, ("item", "other"): 0.0, ("user", "id"): 0.0, ("user", "other"): 0.5}


def test_files_are_read_until_every_id_is_found(put):
    files = [put("a.csv", lines("id", "1")), put("b.csv", lines("id", "2")), put("c.csv", b"id\n\xff\n")]
    assert shares_known({"item": pl.Series(["1", "2"])}, files, Csv(), ["id"]) == {("item", "id"): 1.0}
    with pytest.raises(DataRefused, match=r"c\.csv is not utf-8"):
        shares_known({"item": pl.Series(["1", "3"])}, files, Csv(), ["id"])


def test_rows_are_repeated_where_all_their_columns_are(put):
    file = put("log.csv", lines("user,item", "1,2", "3,4", "5"))
    marks = {name: pl.DataFrame(rows, ["user", "item"], orient="row").hash_rows() for name, rows in ROWS.items()}
    assert shares_repeated(marks, [file], Csv(), ["user", "item"]) == {"copy": 1.0, "half": 0.5, "other": 0.0}


ROWS = {
    "copy": [("3", "4"), ("1", "2")],
    "half": [("1", "2"), ("1", "4")],
    "other": [("2", "1")],
}
