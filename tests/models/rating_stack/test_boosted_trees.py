import numpy as np
import pytest

from models.rating_stack.boosted_trees import grow_trees, read_trees, write_trees
from nightschool.errors import ConfigurationError


@pytest.fixture
def step():
    """What is left is 1 above zero and -1 below."""
    features = np.linspace(-1, 1, 1000, dtype=np.float32)[:, None]
    return features, np.sign(features[:, 0])


def test_trees_find_what_is_left_and_are_the_same_every_time(step):
    grown = [grow_trees(*step, 300, seed=3).predict(step[0]) for _ in range(2)]
    assert np.abs(grown[0] - step[1]).mean() < 0.05
    assert np.array_equal(*grown)


def test_trees_that_are_read_predict_as_those_that_were_written(step, tmp_path):
    trees = grow_trees(*step, 20, seed=0)
    write_trees(tmp_path / "trees.txt", trees)
    assert np.array_equal(read_trees(tmp_path / "trees.txt").predict(step[0]), trees.predict(step[0]))


@pytest.mark.parametrize("damage", [lambda file: file.write_text("tree"), lambda file: file.unlink()])
def test_a_damaged_file_is_named(step, tmp_path, damage):
    file = tmp_path / "trees.txt"
    write_trees(file, grow_trees(*step, 2, seed=0))
    damage(file)
    with pytest.raises(ConfigurationError, match=r"damaged.*trees\.txt"):
        read_trees(file)
