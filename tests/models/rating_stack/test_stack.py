from dataclasses import replace
from datetime import UTC, datetime
from typing import ClassVar

import numpy as np
import polars as pl
import pytest
from sklearn.linear_model import Ridge
from sklearn.model_selection import KFold

from models import catalog
from models.rating_stack.stack import Stack, StackConfig
from models.rating_stack.temporal_context import instants_of
from models.side_features import item_traits, user_traits
from nightschool.capabilities import PredictsInContext, PredictsRatings
from nightschool.columns import INSTANT
from nightschool.errors import ConfigurationError
from nightschool.testing.recommender import RecommenderContract, all_scores


class TestStack(RecommenderContract):
    model = Stack
    params: ClassVar = {"components": [{"model": "svd", "params": {"epochs": 2}}, {"model": "knn_baseline"}]}
    forgetting_changes_others = True

    def test_the_default_models_are_saved_and_loaded_too(self, case, tmp_path):
        fitted = Stack().fit(case.dataset, seed=1)
        fitted.save(tmp_path / "model")
        assert np.array_equal(all_scores(Stack().load(tmp_path / "model")), all_scores(fitted))


SIMPLE = StackConfig(components=({"model": "svd", "params": {"factors": 2}},))
START = datetime(2024, 1, 1, tzinfo=UTC)
CONFIG = StackConfig(components=({"model": "svd", "params": {"factors": 3}}, {"model": "knn_baseline"}), l2=2.0)


def columns(dataset, parts, pairs):
    """What the regression sees, pair by pair."""
    users, items = user_traits(dataset), item_traits(dataset)
    rows = []
    for user, item in pairs:
        place = np.array([user], dtype=np.int32), np.array([item], dtype=np.int32)
        said = [float(part.predict(*place)[0]) for part in parts]
        of_user, of_item = users[user].tolist(), items[item].tolist()
        rows.append([*said, *(s * of_user[0] for s in said), *(s * of_item[0] for s in said), *of_user, *of_item])
    return np.array(rows)


def test_without_times_predictions_are_a_ridge_regression_on_out_of_fold_predictions(planted):
    planted = replace(planted, interactions=planted.interactions.with_columns(timestamp=pl.lit(None, INSTANT)))
    pairs = planted.interactions.select("user_index", "item_index").rows()
    scores = planted.interactions["score"].to_numpy()
    seen = np.empty((len(pairs), 0))
    for learned, held in KFold(5, shuffle=True, random_state=6).split(pairs):
        fold = replace(planted, interactions=planted.interactions[np.sort(learned)])
        parts = [catalog.create(one.model, one.params).fit(fold, seed=6) for one in CONFIG.components]
        rows = columns(planted, parts, [pairs[place] for place in held])
        seen = np.zeros((len(pairs), rows.shape[1])) if not seen.shape[1] else seen
        seen[held] = rows
    scale = np.where(seen.std(axis=0) > 0, seen.std(axis=0), 1)
    reference = Ridge(alpha=2.0).fit(seen / scale, scores)
    model = Stack(CONFIG).fit(planted, seed=6)
    asked = [(0, 3), (5, 20), (41, 2), (-1, 4), (3, -1)]
    parts = [catalog.create(one.model, one.params).fit(planted, seed=6) for one in CONFIG.components]
    expected = reference.predict(columns(planted, parts, asked) / scale).clip(0, 5)
    users, items = np.array(asked, dtype=np.int32).T
    assert isinstance(model, PredictsRatings)
    assert np.abs(model.predict(users, items) - expected).max() < 1e-3
    with pytest.raises(ConfigurationError, match="not learned from times"):
        model.predict_in_context(users, items, np.zeros(5, dtype="datetime64[us]"))


def test_a_model_that_knows_more_is_believed_more(planted):
    """Two tastes: neighbours know them, and a factorisation of one pass over the scores does not yet."""
    lazy = StackConfig(components=({"model": "svd", "params": {"epochs": 1}}, {"model": "knn_baseline"}))
    model = Stack(lazy).fit(planted, seed=0)
    own = model.predict(np.zeros(10, dtype=np.int32), np.arange(10, dtype=np.int32))
    other = model.predict(np.zeros(10, dtype=np.int32), np.arange(10, 20, dtype=np.int32))
    assert own.mean() > other.mean() + 3


def test_too_few_scores_to_learn_weights_from_are_told(dataset_of):
    tiny = dataset_of([(0, 0, 4.0), (1, 1, 2.0)], 2, 2)
    model = Stack(CONFIG).fit(tiny, seed=0)
    assert "fewer than 5 scores" in model.note
    pair = np.array([0], dtype=np.int32), np.array([1], dtype=np.int32)
    alone = [catalog.create(one.model, one.params).fit(tiny, seed=0).predict(*pair) for one in CONFIG.components]
    assert np.allclose(model.predict(*pair), np.mean(alone))
    assert Stack(CONFIG).fit(dataset_of([(0, item, 4.0) for item in range(5)], 1, 5), seed=0).note is None


@pytest.mark.parametrize(
    ("component", "told"),
    [
        ({"model": "ease"}, "ease is none of svd, svd_surprise, svdpp, nmf, knn_baseline, bayesian_fm"),
        ({"model": "svd", "params": {"factors": 0}}, "factors"),
        ({"model": "svd", "params": {"wings": 2}}, "wings"),
    ],
)
def test_what_cannot_be_stacked_is_told(component, told):
    with pytest.raises(ConfigurationError, match=rf"stack\.components(.|\n)*{told}"):
        catalog.create("stack", {"components": [component]})


def test_scores_that_are_not_graded_are_refused(planted):
    with pytest.raises(ConfigurationError, match=r"stack needs graded scores"):
        Stack(CONFIG).fit(replace(planted, score_range=None), seed=0)


def test_what_is_not_learned_from_teaches_no_model(planted):
    learned = (planted.interactions["user_index"] != 0).to_numpy()
    model = Stack(CONFIG).fit(replace(planted, learned=learned), seed=0)
    without = replace(planted, interactions=planted.interactions.filter(pl.Series(learned)))
    assert np.array_equal(Stack(CONFIG).fit(without, seed=0).coefficients, model.coefficients)


def moods(told, dataset_of):
    """100 users with 10 sessions of 6 items, met a second apart; `told` makes scores of each session's moods."""
    rng = np.random.default_rng(0)
    items = np.concatenate([rng.permutation(80)[:60] for _ in range(100)])
    users, sessions, steps = (
        np.repeat(np.arange(100), 60),
        np.tile(np.repeat(np.arange(10), 6), 100),
        np.arange(6000) % 6,
    )
    scores = told(rng, rng.integers(0, 2, (100, 10))[users, sessions])
    made = dataset_of(list(zip(users.tolist(), items.tolist(), scores.tolist(), strict=True)), 100, 80)
    seconds = pl.DataFrame({"user_index": users, "item_index": items, "second": sessions * 86_400 + steps}).cast(
        {"user_index": pl.Int32, "item_index": pl.Int32}
    )
    times = pl.lit(START).cast(INSTANT) + pl.col("second") * pl.duration(seconds=1)
    pairs = made.interactions.join(seconds, on=["user_index", "item_index"], maintain_order="left")
    return replace(made, interactions=pairs.with_columns(timestamp=times).drop("second"))


def squared_errors(dataset):
    """Of a fifth of the scores, by a fit on the others: what predicts alone, and what is told the time."""
    held = np.random.default_rng(1).random(dataset.interactions.height) < 0.2
    asked = dataset.interactions.filter(pl.Series(held))
    model = Stack(SIMPLE).fit(replace(dataset, interactions=dataset.interactions.filter(pl.Series(~held))), seed=0)
    pairs = asked["user_index"].to_numpy(), asked["item_index"].to_numpy()
    predicted = model.predict(*pairs), model.predict_in_context(*pairs, instants_of(asked))
    return [float(((one - asked["score"].to_numpy()) ** 2).mean()) for one in predicted]


def test_the_time_of_a_score_tells_the_mood_of_its_sitting(dataset_of):
    alone, in_context = squared_errors(moods(lambda rng, mood: 1.0 + 3 * mood + rng.random(6000), dataset_of))
    assert isinstance(Stack(), PredictsInContext)
    assert alone > 2
    assert in_context < 0.5


def test_noise_is_not_predicted_by_the_time_of_it(dataset_of):
    """A score that had a part in what is told of it while trees learn would be believed, and miss here."""
    variance = 25 / 12
    alone, in_context = squared_errors(moods(lambda rng, mood: 5 * rng.random(6000) + 0 * mood, dataset_of))
    assert in_context > 0.95 * variance
    assert in_context < 1.08 * variance
    assert abs(in_context - alone) < 0.06 * variance


def test_no_score_has_a_part_in_what_is_told_of_it(dataset_of, monkeypatch):
    """Another score of a pair changes nothing of what regression and trees see of that very pair."""
    seen = []
    monkeypatch.setattr(
        "models.rating_stack.stack.grow_trees", lambda features, left, *_: seen.append(features) or len(left)
    )
    dataset = moods(lambda rng, mood: 1.0 + 3 * mood + rng.random(6000), dataset_of)
    other = dataset.interactions.with_columns(
        score=pl.when(pl.int_range(pl.len()) == 1234).then(pl.lit(0.0, pl.Float32)).otherwise("score")
    )
    Stack(SIMPLE).fit(dataset, seed=0)
    Stack(SIMPLE).fit(replace(dataset, interactions=other), seed=0)
    for before, after in zip(seen[:2], seen[2:], strict=True):
        # The first is the regression's estimate, whose weights all scores have a part in.
        assert np.array_equal(before[1234, 1:], after[1234, 1:])
        assert not np.array_equal(before[:, 1:], after[:, 1:])


def test_the_time_plays_no_part_in_scores_to_rank_by(dataset_of):
    model = Stack(SIMPLE).fit(moods(lambda rng, mood: 1.0 + 3 * mood + rng.random(6000), dataset_of), seed=0)
    users, items = np.full(80, 3, dtype=np.int32), np.arange(80, dtype=np.int32)
    assert np.allclose(model.score(users[:1])[0].clip(0, 5), model.predict(users, items))
    first, later = (
        np.full(80, START.replace(tzinfo=None), "datetime64[us]") + np.timedelta64(days, "D") for days in (0, 1)
    )
    told = [model.predict_in_context(users, items, instants) for instants in (first, later)]
    assert not np.allclose(*told)


def test_a_forgotten_user_is_gone_from_all_that_is_remembered(planted, tmp_path):
    model = Stack(CONFIG).fit(planted, seed=1)
    model.forget(7)
    others = planted.user_ids.filter(planted.user_ids != "user 7")
    lists = model.recommend(others, 5)
    assert lists["user_id"].n_unique() == 40
    model.save(tmp_path / "model")
    assert Stack().load(tmp_path / "model").recommend(others, 5).equals(lists)
    remembered = np.load(tmp_path / "model" / "panel.npz")
    gone = planted.interactions.filter(pl.col("user_index") == 7).height
    assert len(remembered["users"]) == len(remembered["values"]) == planted.interactions.height - gone
    assert remembered["users"].max() == 39
    assert not [file for file in tmp_path.rglob("*") if file.is_file() and b"user 7" in file.read_bytes()]
