import numpy as np
import pytest
from scipy.sparse import csr_array

from models.serialization import read_arrays, read_card, write_arrays, write_card
from nightschool.errors import ConfigurationError, NotFound


def test_arrays_and_matrices_come_back_as_they_were(tmp_path):
    dense = np.arange(6, dtype=np.float32).reshape(2, 3)
    sparse = csr_array((np.array([0.0, 2.0], dtype=np.float32), np.array([1, 0]), np.array([0, 1, 2, 2])), shape=(3, 4))
    write_arrays(tmp_path / "a.npz", {"dense": dense, "sparse": sparse})
    found = read_arrays(tmp_path / "a.npz")
    assert set(found) == {"dense", "sparse"}
    assert np.array_equal(found["dense"], dense)
    assert np.array_equal(found["sparse"].toarray(), sparse.toarray())
    assert found["sparse"].nnz == 2  # the explicit zero, which is a seen item, stays


def test_the_same_arrays_are_the_same_bytes(tmp_path):
    for name in ("a", "b"):
        write_arrays(tmp_path / name, {"x": np.arange(3)})
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_a_pickle_is_not_opened(tmp_path):
    np.savez(tmp_path / "a.npz", x=np.array([{"call": "me"}], dtype=object), allow_pickle=True)
    with pytest.raises(ConfigurationError, match="damaged"):
        read_arrays(tmp_path / "a.npz")


@pytest.mark.parametrize("content", [b"", b"not a zip file"])
def test_a_damaged_file_is_named(tmp_path, content):
    (tmp_path / "a.npz").write_bytes(content)
    with pytest.raises(ConfigurationError, match=r"damaged.*a\.npz"):
        read_arrays(tmp_path / "a.npz")


def test_a_card_tells_the_model_and_its_configuration(tmp_path):
    write_card(tmp_path, "ease", {"l2": 3.0})
    assert read_card(tmp_path, "ease") == {"l2": 3.0}
    with pytest.raises(ConfigurationError, match="'svd'"):
        read_card(tmp_path, "svd")
    (tmp_path / "model.json").write_text("{")
    with pytest.raises(ConfigurationError, match="damaged"):
        read_card(tmp_path, "ease")


def test_a_folder_without_a_card_holds_no_model(tmp_path):
    with pytest.raises(NotFound, match="no model"):
        read_card(tmp_path, "ease")
