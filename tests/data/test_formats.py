import pytest
from pydantic import TypeAdapter, ValidationError

from nightschool.data.formats import Adjacency, Csv, Format, Jsonl, Parquet

FORMATS = TypeAdapter(Format)


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ({"kind": "csv"}, Csv),
        ({"kind": "csv", "separator": "::", "header": False, "columns": ["a", "b"]}, Csv),
        ({"kind": "parquet"}, Parquet),
        ({"kind": "jsonl", "encoding": "utf-16"}, Jsonl),
        ({"kind": "adjacency"}, Adjacency),
    ],
)
def test_kind_chooses_the_format(value, kind):
    assert isinstance(FORMATS.validate_python(value), kind)


def test_kind_without_the_option_refuses_it():
    with pytest.raises(ValidationError, match="separator"):
        FORMATS.validate_python({"kind": "parquet", "separator": ","})


def test_encodings_have_one_spelling():
    assert Csv(encoding="Latin1").encoding == Csv(encoding="iso-8859-1").encoding
