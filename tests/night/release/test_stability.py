import numpy as np
import polars as pl
import pytest

from models.catalog import build
from nightschool.columns import RECOMMENDATIONS
from nightschool.contract import Dataset, Pool
from nightschool.night.monitoring.lists import Since, measure_lists
from nightschool.night.release.lists import read_table, write_tables
from nightschool.night.release.stability import STRENGTHS, UNTIED, Tie, tie_to
from nightschool.recipe import Component, Recipe

N_USERS, N_ITEMS = 120, 60
IALS = Recipe(components=(Component(model="ials", params={"factors": 8, "epochs": 3}),))
NOTHING = pl.LazyFrame(schema={"user_id": pl.Int64, "item_id": pl.Int64})


def platform(seed: int, more: int = 0) -> Dataset:
    """Users with tastes that are hard to tell; `more` users came since."""
    rng = np.random.default_rng(seed)
    pairs = np.argwhere(rng.random((N_USERS + more, N_ITEMS)) < 0.15)
    log = pl.DataFrame({"user_id": pairs[:, 0], "item_id": pairs[:, 1]})
    return Dataset.from_frames(log, items=pl.DataFrame({"item_id": range(N_ITEMS)}))


def published(dataset: Dataset, folder, tie: Tie = UNTIED, seed: int = 0) -> pl.DataFrame:
    write_tables(build(IALS).fit(dataset, seed=seed), dataset, folder, k=20, megabytes=1, tie=tie)
    return read_table(folder, RECOMMENDATIONS).select("user_id", "item_id", "rank").collect()


def changed(tonight: pl.DataFrame, dataset: Dataset, since: Since) -> float:
    return next(one.value for one in measure_lists(tonight, dataset, since) if one.metric == "changed_lists")


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    return platform(0)


@pytest.fixture(scope="module")
def before(dataset, tmp_path_factory) -> pl.DataFrame:
    return published(dataset, tmp_path_factory.mktemp("before"))


def test_the_tie_halves_the_changes_of_another_fit_and_no_more_than_it_must(dataset, before, tmp_path):
    since = Since(before.lazy(), NOTHING)
    untied = changed(published(dataset, tmp_path / "untied", seed=1), dataset, since)
    tie = tie_to(since, build(IALS).fit(dataset, seed=1), dataset)
    assert tie.untied == pytest.approx(untied)
    tied = changed(published(dataset, tmp_path / "tied", tie, seed=1), dataset, since)
    assert tied <= untied / 2
    weaker = Tie(tie.listed, STRENGTHS[STRENGTHS.index(tie.strength) - 1], None)
    assert changed(published(dataset, tmp_path / "weaker", weaker, seed=1), dataset, since) > untied / 2


def test_lists_that_would_not_change_are_not_tied(dataset, before):
    tie = tie_to(Since(before.lazy(), NOTHING), build(IALS).fit(dataset, seed=0), dataset)
    assert (tie.strength, tie.untied) == (0.0, 0.0)


def test_users_with_new_events_and_users_without_a_list_are_free(dataset, before, tmp_path):
    active = pl.LazyFrame({"user_id": range(60), "item_id": [0] * 60})
    fewer = before.filter(pl.col("user_id") != 100)
    tie = tie_to(Since(fewer.lazy(), active), build(IALS).fit(dataset, seed=1), dataset)
    free = [dataset.user_ids.to_list().index(user) for user in (*range(60), 100)]
    assert (tie.listed[free] == -1).all()
    untied = published(dataset, tmp_path / "untied", seed=1)
    tied = published(dataset, tmp_path / "tied", Tie(tie.listed, 20.0, None), seed=1)
    users = pl.col("user_id").is_in([*range(60), 100])
    assert tied.filter(users).equals(untied.filter(users))
    assert not tied.filter(~users).equals(untied.filter(~users))


def test_too_few_users_teach_no_tie(dataset, before):
    few = before.filter(pl.col("user_id") < 19)
    assert tie_to(Since(few.lazy(), NOTHING), build(IALS).fit(dataset, seed=1), dataset).untied is None


def test_a_place_is_a_mean_step_of_the_first_twenty():
    scores = np.arange(30, dtype=np.float32)[None, ::-1].copy()
    pool = Pool(np.arange(30, dtype=np.int32)[None], scores[None], np.ones((1, 30), np.uint32), np.ones((1, 1)))
    tie = Tie(np.array([[12, *[-1] * 9]], dtype=np.int32), 3.0, None)
    moved = tie.apply(scores, pool, np.array([0], dtype=np.int32))
    assert moved[0, 12] == scores[0, 12] + 3
    assert np.delete(moved[0], 12).tolist() == np.delete(scores[0], 12).tolist()


def test_short_lists_and_candidates_that_cannot_be_ranked_stay_as_they_are():
    short = np.array([[3.0, 2.0]], dtype=np.float32)
    blocked = np.full((1, 25), -np.inf, dtype=np.float32)
    blocked[0, :5] = 1
    for scores in (short, blocked):
        items = np.arange(scores.shape[1], dtype=np.int32)[None]
        pool = Pool(items, scores[None], np.ones(items.shape, np.uint32), np.ones((1, 1)))
        tie = Tie(np.array([[1, *[-1] * 9]], dtype=np.int32), 3.0, None)
        assert tie.apply(scores, pool, np.array([0], dtype=np.int32)).tolist() == scores.tolist()
