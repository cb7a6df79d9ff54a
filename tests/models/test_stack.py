from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from sklearn.linear_model import Ridge
from sklearn.model_selection import KFold

from models import catalog
from models.stack import Stack, StackConfig
from models.traits import item_traits, user_traits
from nightschool.contract import PredictsRatings
from nightschool.errors import ConfigurationError

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


def test_predictions_are_a_ridge_regression_on_out_of_fold_predictions(planted):
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
