import numpy as np
import pytest

from nightschool.experiments.samples import moments_of, sample_of, theta_of

RNG = np.random.default_rng(0)
X = RNG.gamma(2.0, 3.0, 500)
Y = 2 * X + RNG.normal(0, 5, 500)


def test_a_mean_has_the_sample_s_variance() -> None:
    sample = sample_of(moments_of(Y, X), "mean")
    assert (sample.n, sample.mean, sample.variance) == (500, pytest.approx(Y.mean()), pytest.approx(Y.var(ddof=1)))


def test_an_adjusted_mean_is_that_of_what_the_covariate_leaves() -> None:
    moments = moments_of(Y, X)
    theta = theta_of(moments)
    assert theta == pytest.approx(np.polyfit(X, Y, 1)[0])
    sample, left = sample_of(moments, "mean", theta), Y - theta * X
    assert (sample.mean, sample.variance) == (pytest.approx(left.mean()), pytest.approx(left.var(ddof=1)))
    assert sample.unadjusted == pytest.approx(Y.mean())


def test_a_proportion_has_the_variance_of_a_coin() -> None:
    hits = (X > 5).astype(float)
    sample = sample_of(moments_of(hits, X), "proportion")
    assert sample.variance == pytest.approx(hits.mean() * (1 - hits.mean()))


def test_the_variance_of_a_ratio_is_that_of_drawn_ones() -> None:
    rng = np.random.default_rng(1)
    below = 1.0 + rng.poisson(3.0, (4_000, 300))
    above = rng.binomial(below.astype(int), 0.2).astype(float)
    sample = sample_of(moments_of(above, below), "ratio")
    assert (sample.variance / 300).mean() == pytest.approx(sample.mean.var(), rel=0.1)


def test_a_covariate_that_is_the_same_for_all_explains_nothing() -> None:
    assert theta_of(moments_of(Y, np.ones_like(Y))) == 0
    assert theta_of(moments_of(np.ones_like(Y), X)) == 0


def test_sums_over_both_arms_are_those_of_all_users() -> None:
    both = moments_of(Y[:200], X[:200]).plus(moments_of(Y[200:], X[200:]))
    assert [float(each) for each in both] == pytest.approx([float(each) for each in moments_of(Y, X)])
