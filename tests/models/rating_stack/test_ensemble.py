from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from models.factorization.svd import Svd, SvdConfig
from models.rating_stack.ensemble import Ensemble
from nightschool.columns import INSTANT


@pytest.fixture
def ensemble(planted):
    """One factorisation; all pairs of a user were scored a second apart, an hour after those of the user before."""
    return Ensemble([Svd(SvdConfig(factors=2))]).fit(sittings_of(planted), seed=0)


def sittings_of(planted):
    order = pl.int_range(pl.len()).over("user_index")
    seconds = pl.col("user_index").cast(pl.Int64) * 3600 + order
    return replace(
        planted, interactions=planted.interactions.with_columns(timestamp=(seconds * 1_000_000).cast(INSTANT))
    )


def test_the_guessed_instant_is_that_of_the_item_met_most_with_it(ensemble, planted):
    pair = np.array([0], dtype=np.int32), np.array([20], dtype=np.int32)
    means, guessed = ensemble.company(*pair)
    # Item 20 was met with all others by user 40 alone, so the rarest that user 0 knows is the closest.
    counts = planted.interactions.group_by("item_index").len().sort("item_index")["len"].to_numpy()
    own = planted.interactions.filter(pl.col("user_index") == 0)["item_index"].to_numpy()
    assert guessed.astype(int).tolist() == [int(np.argmin(counts[own]))]
    assert means.shape == (1, 4)
    assert np.isnat(ensemble.company(np.array([41], dtype=np.int32), pair[1])[1]).all()


def test_the_values_are_residuals_of_the_first_model_and_deviations_from_the_mean(ensemble, planted):
    pair = np.array([3], dtype=np.int32), np.array([20], dtype=np.int32)
    around = ensemble.around(*pair, np.array(["1970-01-01T03:00:00"], dtype="datetime64[us]"))
    first = planted.interactions.filter(pl.col("user_index") == 3).row(0, named=True)
    asked = np.array([3], dtype=np.int32), np.array([first["item_index"]], dtype=np.int32)
    residual = first["score"] - ensemble.parts[0].predict(*asked)[0]
    deviation = first["score"] - planted.interactions["score"].mean()
    # Ten columns tell the place, then the very second: its rows, and both values shrunk by one row.
    assert np.allclose(around[0, 10:13], [1, residual / 2, deviation / 2], atol=1e-5)


def test_nothing_is_around_an_instant_that_is_not_told(ensemble):
    pair = np.array([3], dtype=np.int32), np.array([2], dtype=np.int32)
    assert not ensemble.around(*pair, np.array(["NaT"], dtype="datetime64[us]"))[0, 10:40].any()


def test_a_forgotten_users_pairs_are_gone_and_others_keep_theirs(ensemble):
    pairs = np.array([5, 9], dtype=np.int32), np.array([20, 20], dtype=np.int32)
    before = ensemble.company(*pairs)
    ensemble.forget(7)
    after = ensemble.company(pairs[0] - np.array([0, 1], dtype=np.int32), pairs[1])
    assert np.array_equal(before[0], after[0])
    assert np.array_equal(before[1], after[1])


def test_without_times_there_is_neither_company_nor_instant(planted):
    untimed = planted.interactions.with_columns(timestamp=pl.lit(None, INSTANT))
    ensemble = Ensemble([Svd()]).fit(replace(planted, interactions=untimed), seed=0)
    means, guessed = ensemble.company(np.array([0], dtype=np.int32), np.array([20], dtype=np.int32))
    assert not ensemble.knows_times
    assert not means.any()
    assert np.isnat(guessed).all()
