from itertools import groupby

import polars as pl
import pytest

from nightschool.data.readers.adjacency import Adjacency, looks_like_adjacency, split_adjacency
from nightschool.data.readers.parsing import RAW, to_lines
from tests.data.readers.format_contract import PAIRS, FormatContract


class TestContract(FormatContract):
    format = Adjacency(kind="adjacency")
    n_counted = len({user for user, _ in PAIRS})

    def write(self, path, pairs):
        lines = (
            " ".join([user, *(item for _, item in theirs)]) for user, theirs in groupby(pairs, lambda pair: pair[0])
        )
        path.write_text("".join(f"{line}\n" for line in lines))


def test_no_lines_make_no_rows():
    assert split_adjacency(to_lines(b"")).height == 0


def test_adjacency_makes_one_row_a_pair():
    frame = split_adjacency(to_lines(b"u1 a b\r\n\nu2\tc \nu3\n"))
    assert frame[RAW].struct.unnest().rows() == [("u1", "a"), ("u1", "b"), ("u2", "c"), ("u3", None)]


@pytest.mark.parametrize(
    ("rows", "adjacency"),
    [
        (["0 5 6 7", "1 5", "2 8 9"], True),
        (["u1 c5 c6", "", "u2  c7"], True),
        (["0 5 6 7"], False),
        (["0 5 6", "0 7", "0 8 9"], False),
        (["0", "1", "2"], False),
        (["one two", "three four five"], False),
        (["1, 2, 3", "4, 5"], False),
    ],
)
def test_adjacency_is_an_id_a_line_and_what_goes_with_it(rows, adjacency):
    assert looks_like_adjacency(pl.Series(rows)) == adjacency
