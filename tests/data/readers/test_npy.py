import numpy as np
import pytest

from nightschool.data.readers.npy import measure_vectors, read_vectors
from nightschool.errors import DataRefused, NotFound


def write(folder, values, ids="a\nb\n"):
    np.save(folder / "image.npy", values)
    (folder / "image.ids").write_text(ids, encoding="utf-8")


def test_rows_belong_to_the_ids_in_their_order(tmp_path):
    write(tmp_path, np.array([[1, 2], [3, 4]], dtype=np.float16), "\ufeffé\r\nb")
    found = read_vectors(tmp_path, "image.npy")
    assert found.ids.to_list() == ["é", "b"]
    np.testing.assert_array_equal(found.values, [[1, 2], [3, 4]])


@pytest.mark.parametrize(
    ("values", "ids", "message"),
    [
        (np.zeros((2, 3)), "a\n", r"image.ids does not say whose .*1 lines, where image.npy has 2 rows"),
        (np.zeros((2, 3)), "a\na\n", r"image.ids names an id twice; saw 'a'"),
        (np.zeros(2), "a\nb\n", r"holds no rows of numbers; saw 'float64 \[2\]'"),
        (np.zeros((2, 1), dtype=complex), "a\nb\n", "holds no rows of numbers; saw 'complex128"),
        (np.array([["x"], ["y"]]), "a\nb\n", "holds no rows of numbers"),
        (np.array([[{}], [{}]]), "a\nb\n", "holds no array of numbers; .*numpy.save"),
    ],
)
def test_what_holds_no_vectors_is_refused(tmp_path, values, ids, message):
    write(tmp_path, values, ids)
    with pytest.raises(DataRefused, match=message):
        read_vectors(tmp_path, "image.npy")


@pytest.mark.parametrize("content", [b"", b"\x93NUMPY", b"no array", b"PK\x03\x04"], ids=str)
def test_damaged_file_is_refused(tmp_path, content):
    write(tmp_path, np.zeros((2, 3)))
    (tmp_path / "image.npy").write_bytes(content)
    with pytest.raises(DataRefused, match=r"image\.npy holds no"):
        read_vectors(tmp_path, "image.npy")


def test_file_that_was_cut_short_is_refused(tmp_path):
    write(tmp_path, np.zeros((2, 300)))
    whole = (tmp_path / "image.npy").read_bytes()
    (tmp_path / "image.npy").write_bytes(whole[:1000])
    with pytest.raises(DataRefused, match=r"image\.npy holds no array"):
        read_vectors(tmp_path, "image.npy")


def test_archive_is_refused(tmp_path):
    write(tmp_path, np.zeros((2, 3)))
    with (tmp_path / "image.npy").open("wb") as file:
        np.savez(file, a=np.zeros((2, 3)))
    with pytest.raises(DataRefused, match=r"image\.npy holds no array"):
        read_vectors(tmp_path, "image.npy")


@pytest.mark.parametrize("name", ["image.npy", "image.ids"])
def test_missing_file_is_named(tmp_path, name):
    write(tmp_path, np.zeros((2, 3)))
    before = measure_vectors(tmp_path, "image.npy")
    (tmp_path / name).unlink()
    with pytest.raises(NotFound, match=f"File {name} is gone"):
        read_vectors(tmp_path, "image.npy")
    assert measure_vectors(tmp_path, "image.npy") != before


def test_ids_that_are_not_utf_8_are_refused(tmp_path):
    write(tmp_path, np.zeros((2, 3)))
    (tmp_path / "image.ids").write_bytes(b"\xff\n\xfe\n")
    with pytest.raises(DataRefused, match=r"image\.ids is not UTF-8"):
        read_vectors(tmp_path, "image.npy")


def test_link_out_of_the_root_is_refused(tmp_path):
    root = tmp_path / "root"
    root.mkdir()
    write(tmp_path, np.zeros((2, 3)))
    for name in ("image.npy", "image.ids"):
        (root / name).symlink_to(tmp_path / name)
    with pytest.raises(DataRefused, match="leads out of the source root"):
        read_vectors(root, "image.npy")


def test_hash_follows_both_files(tmp_path):
    write(tmp_path, np.zeros((2, 3)))
    first = measure_vectors(tmp_path, "image.npy")
    assert measure_vectors(tmp_path, "image.npy") == first
    write(tmp_path, np.zeros((2, 3)), "a\nc\n")
    assert measure_vectors(tmp_path, "image.npy") != first
    write(tmp_path, np.ones((2, 3)))
    assert measure_vectors(tmp_path, "image.npy") != first
