import numpy as np
import pytest

from nightschool.storage.text_vectors import TextVectors


def hashes(*numbers):
    return np.array(numbers, dtype=np.uint64)


@pytest.fixture
def kept(tmp_path) -> TextVectors:
    return TextVectors(tmp_path, "f" * 64)


def test_nothing_is_kept_at_first(kept):
    assert len(kept.read().hashes) == 0


def test_vectors_come_back_in_the_order_of_their_hashes(kept):
    kept.add(hashes(9, 2**63), np.array([[1, 2], [3, 4]], dtype=np.float32))
    kept.add(hashes(5), np.array([[5, 6]], dtype=np.float32))
    found = kept.read()
    assert found.hashes.tolist() == [5, 9, 2**63]
    assert found.vectors.tolist() == [[5, 6], [1, 2], [3, 4]]


def test_equal_texts_of_two_writers_are_there_once(kept):
    for numbers in ((1, 2), (2, 3), (2, 3)):
        kept.add(hashes(*numbers), np.array([[n] for n in numbers], dtype=np.float32))
    assert kept.read().hashes.tolist() == [1, 2, 3]


def test_each_encoder_has_vectors_of_its_own(kept, tmp_path):
    kept.add(hashes(1), np.ones((1, 2), dtype=np.float32))
    assert len(TextVectors(tmp_path, "a" * 64).read().hashes) == 0


def test_damaged_and_foreign_files_count_as_not_there(kept, tmp_path):
    kept.add(hashes(1), np.ones((1, 2), dtype=np.float32))
    folder = tmp_path / ("f" * 32)
    (folder / "empty.npz").write_bytes(b"")
    (folder / "text.npz").write_bytes(b"no archive")
    (folder / ".draft.npz.1.tmp").write_bytes(b"PK")
    np.savez(folder / "other.npz", numbers=np.zeros(2))
    np.savez(folder / "types.npz", hashes=np.zeros(1), vectors=np.zeros((1, 2)))
    np.savez(folder / "pickle.npz", hashes=np.array([{}]), vectors=np.zeros((1, 2)))
    assert kept.read().hashes.tolist() == [1]
