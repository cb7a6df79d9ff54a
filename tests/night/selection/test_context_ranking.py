import numpy as np
import pytest

from nightschool.night.selection.context_ranking import ContextData, ContextEvaluator, Setting
from tests.night.selection.contexts import N_USERS, planted, popular


@pytest.fixture(scope="module")
def evaluator() -> ContextEvaluator:
    split = planted(effect=1.0)
    data = ContextData(split.fitted, ("device",), "UTC")
    return ContextEvaluator(popular(split.fitted), data, split.held_out, ["device", "hour"], 64)


def test_without_settings_a_choice_has_the_gain_of_its_place_by_score(evaluator: ContextEvaluator) -> None:
    split = planted(effect=1.0)
    scores = popular(split.fitted).score(np.arange(N_USERS, dtype=np.int32))
    expected = []
    for user, item in split.held_out.select("user_index", "item_index").iter_rows():
        rank = int((scores[user] > scores[user, item]).sum()) + int((scores[user, :item] == scores[user, item]).sum())
        expected.append(1 / np.log2(rank + 2) if rank < 10 else 0)
    everyone = np.ones(N_USERS, dtype=bool)
    seen = split.fitted.history().toarray() > 0
    assert evaluator.n_users == N_USERS
    assert np.isfinite(scores[~seen]).all()
    np.testing.assert_allclose(evaluator.ndcg({}, everyone), expected)


def test_lifts_of_the_right_device_help_and_those_of_the_other_do_not(evaluator: ContextEvaluator) -> None:
    everyone = np.ones(N_USERS, dtype=bool)
    settings = {"device": Setting(10.0, 1.0)}
    other = {name: np.where(codes >= 0, 1 - codes, -1) for name, codes in evaluator.codes.items() if name == "device"}
    without, right = evaluator.ndcg({}, everyone).mean(), evaluator.ndcg(settings, everyone).mean()
    assert evaluator.ndcg(settings, everyone, other).mean() < without < right


def test_a_part_of_the_users_is_measured_alone(evaluator: ContextEvaluator) -> None:
    half = np.arange(N_USERS) % 2 == 0
    everyone = evaluator.ndcg({"device": Setting(10.0, 1.0)}, np.ones(N_USERS, dtype=bool))
    np.testing.assert_array_equal(evaluator.ndcg({"device": Setting(10.0, 1.0)}, half), everyone[half])
