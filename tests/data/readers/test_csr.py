import io
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nightschool.data.readers import csr, sources
from nightschool.data.readers.csr import Csr
from nightschool.data.readers.parsing import RAW
from nightschool.data.readers.source_format import Reading
from nightschool.data.readers.sources import SourceFile
from nightschool.errors import DataRefused, NotFound
from tests.data.readers.format_contract import PAIRS, FormatContract

MATRIX = np.array([[30, 0, 1, 4], [10, 0, 0, 0], [0, 2, 0, 1]])
"""Column 0 holds ids, which the last row lacks."""
CELLS = ("row", "column", "value")


def saved(folder: Path, matrix: object, name: str = "m.npz") -> SourceFile:
    scipy.sparse.save_npz(folder / name, matrix)
    return SourceFile(name, folder / name)


def kind(**more: object) -> Csr:
    return Csr.model_validate({"kind": "csr", **more})


def rows_of(file: SourceFile, how: Csr, columns: tuple[str, ...] = CELLS) -> list[tuple[object, ...]]:
    return [row for frame in Reading(file, how, columns).batches() for row in frame[RAW].struct.unnest().rows()]


@pytest.mark.parametrize("dtype", [np.int8, np.int64, np.uint64, np.float32, np.float64])
def test_each_value_is_a_row_whatever_its_type(tmp_path, dtype):
    file = saved(tmp_path, scipy.sparse.csr_matrix(MATRIX.astype(dtype)))
    assert rows_of(file, kind()) == [
        *[("0", "0", "30"), ("0", "2", "1"), ("0", "3", "4")],
        *[("1", "0", "10"), ("2", "1", "2"), ("2", "3", "1")],
    ]


def test_id_comes_from_a_column_and_values_from_a_range(tmp_path):
    file = saved(tmp_path, scipy.sparse.csr_matrix(MATRIX))
    assert rows_of(file, kind(id=0, columns=[2, 3])) == [("30", "2", "1"), ("30", "3", "4"), (None, "3", "1")]
    assert rows_of(file, kind(id=0)) == [("30", "2", "1"), ("30", "3", "4"), (None, "1", "2"), (None, "3", "1")]


def test_lists_make_a_row_a_row_of_the_matrix(tmp_path):
    file = saved(tmp_path, scipy.sparse.csr_matrix(MATRIX))
    how = kind(id=0, lists={"likes": [1, 2], "views": [3, 3]})
    assert rows_of(file, how, ("row", "likes", "views")) == [
        ("30", ["2"], ["3"]),
        ("10", [], []),
        (None, ["1"], ["3"]),
    ]
    assert rows_of(file, kind(lists={"likes": [1, 2]}), ("likes", "row")) == [(["2"], "0"), ([], "1"), (["1"], "2")]


def test_truths_fractions_and_what_is_no_number(tmp_path):
    truths = scipy.sparse.csr_matrix(np.array([[True, False]]))
    assert rows_of(saved(tmp_path, truths), kind()) == [("0", "0", "1")]
    fractions = scipy.sparse.csr_matrix(np.array([[0.5, np.nan, -np.inf, 2.0**70]]))
    values = [value for _, _, value in rows_of(saved(tmp_path, fractions), kind())]
    assert values[:3] == ["0.5", "NaN", "-inf"]
    assert float(values[3]) == 2.0**70


def test_stored_zeros_are_no_rows_and_repeated_cells_one(tmp_path):
    stored = scipy.sparse.csr_matrix((np.array([0, 2, 3]), np.array([0, 1, 1]), np.array([0, 3])), shape=(1, 2))
    assert rows_of(saved(tmp_path, stored), kind()) == [("0", "1", "5")]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30, deadline=None)
@given(seed=st.integers(0, 99), size=st.integers(1, 9))
def test_blocks_make_what_the_dense_matrix_shows(tmp_path, monkeypatch, seed, size):
    monkeypatch.setattr(csr, "_BLOCK_VALUES", size)
    dense = np.random.default_rng(seed).integers(0, 3, (7, 4)) * (np.arange(7) != 3)[:, None]
    file = saved(tmp_path, scipy.sparse.csr_matrix(dense))
    expected = [(str(row), str(column), str(dense[row, column])) for row, column in np.argwhere(dense)]
    if expected:
        assert rows_of(file, kind()) == expected
    lists = [(str(row), [str(column) for column in (1, 2) if dense[row, column]]) for row in range(7)]
    assert rows_of(file, kind(lists={"some": [1, 2]}), ("row", "some")) == lists


def test_same_file_adds_nothing_and_another_one_is_refused(tmp_path):
    file = saved(tmp_path, scipy.sparse.csr_matrix(MATRIX))
    first = Reading(file, kind(), CELLS)
    assert sum(frame.height for frame in first.batches()) == first.extent.rows == 6
    again = Reading(file, kind(), CELLS, first.extent)
    assert list(again.batches()) == []
    assert again.extent == first.extent
    saved(tmp_path, scipy.sparse.csr_matrix(MATRIX * 2))
    with pytest.raises(DataRefused, match=r"m\.npz was changed in place: files of its kind"):
        list(Reading(file, kind(), CELLS, first.extent).batches())


def test_empty_matrix_holds_no_rows(tmp_path):
    assert rows_of(saved(tmp_path, scipy.sparse.csr_matrix((3, 4))), kind()) == []


def test_columns_that_are_not_there_are_refused(tmp_path):
    file = saved(tmp_path, scipy.sparse.csr_matrix(MATRIX))
    for how in (kind(id=4), kind(columns=[1, 4]), kind(lists={"likes": [0, 4]})):
        with pytest.raises(DataRefused, match=r"m\.npz has no column 4; saw '4 columns'; count"):
            rows_of(file, how, ("row",))
    with pytest.raises(DataRefused, match="has no column user; saw 'columns row, column, value'"):
        rows_of(file, kind(), ("user",))


def archive(**arrays: np.ndarray) -> bytes:
    with io.BytesIO() as file:
        np.savez(file, allow_pickle=True, **arrays)
        return file.getvalue()


GOOD = {"format": np.array(b"csr"), "shape": np.array([1, 2]), "data": np.array([7])}
HOSTILE = {
    "no archive": b"user,item\n1,2\n",
    "an array": np.array([1, 2]).tobytes(),
    "objects": archive(**GOOD, indices=np.array([0]), indptr=np.array([0, {}], dtype=object)),
    "beyond its shape": archive(**GOOD, indices=np.array([5]), indptr=np.array([0, 1])),
    "negative": archive(**GOOD, indices=np.array([-1]), indptr=np.array([0, 1])),
    "rows missing": archive(**{**GOOD, "shape": np.array([10**12, 2])}, indices=np.array([0]), indptr=np.array([0, 1])),
    "words": archive(**{**GOOD, "data": np.array(["x"])}, indices=np.array([0]), indptr=np.array([0, 1])),
    "parts missing": archive(**GOOD),
    "one dimension": archive(
        **{**GOOD, "shape": np.array([2])}, indices=np.array([0]), indptr=np.array([0, 1]), _is_array=np.array(True)
    ),
}


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE)
def test_what_is_no_csr_matrix_is_refused(tmp_path, content):
    (tmp_path / "m.npz").write_bytes(content)
    with pytest.raises(
        DataRefused, match=r"m\.npz cannot be read as a CSR matrix; saw .*; write it with scipy"
    ) as error:
        rows_of(SourceFile("m.npz", tmp_path / "m.npz"), kind())
    assert error.value.exit_code == 3


def test_other_sparse_matrix_is_refused(tmp_path):
    with pytest.raises(DataRefused, match="saw 'a 2-dimensional csc matrix of int64'"):
        rows_of(saved(tmp_path, scipy.sparse.csc_matrix(MATRIX)), kind())


def test_missing_file_is_not_found(tmp_path):
    with pytest.raises(NotFound, match="is gone"):
        list(csr.csr_rows(SourceFile("m.npz", tmp_path / "m.npz"), kind(), CELLS))


def test_array_that_inflates_without_end_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "_HARMLESS_BYTES", 2**16)
    zeros = scipy.sparse.csr_matrix((np.zeros(10**5), np.zeros(10**5, np.int32), np.array([0, 10**5])), shape=(1, 1))
    with pytest.raises(DataRefused, match="holds more than 200 times its compressed size"):
        rows_of(saved(tmp_path, zeros), kind())


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150, deadline=None)
@given(places=st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), min_size=1, max_size=4))
def test_damaged_file_is_refused_or_read_but_never_breaks(tmp_path, places):
    file = saved(tmp_path, scipy.sparse.csr_matrix(MATRIX))
    content = bytearray(file.path.read_bytes())
    for place, value in places:
        content[place % len(content)] = value
    file.path.write_bytes(content)
    with suppress(DataRefused):
        assert len(rows_of(file, kind())) == 6


class TestContract(FormatContract):
    format = Csr(kind="csr")
    columns = ("row", "column")
    name = "m.npz"
    guessed = False
    appends = False
    n_counted = 0

    def write(self, path, pairs):
        rows, columns = ([int(pair[place]) for pair in pairs] for place in (0, 1))
        shape = (1 + int(PAIRS[-1][0]), 200)
        scipy.sparse.save_npz(path, scipy.sparse.csr_matrix((np.ones(len(rows)), (rows, columns)), shape=shape))
