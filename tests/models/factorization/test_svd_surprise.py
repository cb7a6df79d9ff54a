from dataclasses import replace
from typing import ClassVar

import numpy as np
import pytest

from models.factorization.svd import Svd, SvdConfig
from models.factorization.svd_surprise import SvdSurprise
from nightschool.capabilities import PredictsRatings
from nightschool.errors import ConfigurationError
from nightschool.testing.recommender import RecommenderContract


class TestSvdSurprise(RecommenderContract):
    model = SvdSurprise
    refuses: ClassVar = {"no graded scores": "svd.negatives"}


def test_it_learns_what_our_own_kernel_learns(planted):
    pairs = np.array([(user, item) for user in range(-1, 42) for item in range(-1, 22)], dtype=np.int32)
    config = SvdConfig(factors=5, epochs=30, learning_rate=0.02)
    model = SvdSurprise(config).fit(planted, seed=3)
    assert isinstance(model, PredictsRatings)
    ours = Svd(config).fit(planted, seed=3).predict(pairs[:, 0], pairs[:, 1])
    found = model.predict(pairs[:, 0], pairs[:, 1])
    assert np.abs(ours - found).max() < 1e-4
    assert found.std() > 0.5


def test_scores_that_are_not_graded_are_told_against_drawn_zeros(planted):
    ungraded = replace(planted, score_range=None)
    with pytest.raises(ConfigurationError, match="graded scores"):
        SvdSurprise().fit(ungraded, seed=0)
    model = SvdSurprise(SvdConfig(negatives=2)).fit(ungraded, seed=0)
    assert model.score_range.tolist() == [0.0, 1.0]
