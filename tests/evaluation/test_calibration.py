import numpy as np
import pytest

from nightschool.evaluation.calibration import chosen_shares
from tests.evaluation.test_evaluate import Fixed, split_of

N_USERS, N_ITEMS = 40, 12


def test_shares_by_place_and_score_are_those_of_a_plain_count() -> None:
    rng = np.random.default_rng(0)
    scores = rng.random((N_USERS, N_ITEMS)).round(3)
    seen = {(user, 0): 5.0 for user in range(N_USERS)}
    chosen = {(user, int(item)): 5.0 for user in range(N_USERS) for item in rng.choice(np.arange(1, N_ITEMS), 3, False)}
    rows = chosen_shares(
        Fixed(scores.tolist()), split_of(seen, chosen, shape=(N_USERS, N_ITEMS)), "m", seed=0, megabytes=1
    )
    found = dict(rows.select("segment", "value").iter_rows())
    lists = [sorted(range(1, N_ITEMS), key=lambda item, user=user: -scores[user, item])[:10] for user in range(N_USERS)]
    for place in range(10):
        hits = [(user, lists[user][place]) in chosen for user in range(N_USERS)]
        assert found[f"place:{place + 1:02d}"] == pytest.approx(np.mean(hits))
    shown = sorted((scores[user, item], (user, item) in chosen) for user in range(N_USERS) for item in lists[user])
    lowest = [hit for _, hit in shown[: len(shown) // 10]]
    assert found["tenth:01"] == pytest.approx(np.mean(lowest), abs=0.03)
    assert set(rows["metric"]) == {"chosen"}
    assert set(rows["n_users"]) == {N_USERS}
    assert (rows["ci_low"] <= rows["value"]).all()
    assert (rows["value"] <= rows["ci_high"]).all()


def test_scores_that_are_all_the_same_are_one_tenth() -> None:
    seen, chosen = {(user, 0): 5.0 for user in range(4)}, {(user, 1): 5.0 for user in range(4)}
    split = split_of(seen, chosen, shape=(4, 3))
    rows = chosen_shares(Fixed([[1.0] * 3] * 4), split, "m", seed=0, megabytes=1)
    assert [one for one in rows["segment"] if one.startswith("tenth")] == ["tenth:10"]


def test_without_a_choice_there_is_nothing_to_count() -> None:
    split = split_of({(0, 0): 5.0}, {}, shape=(1, 2))
    assert chosen_shares(Fixed([[1.0, 2.0]]), split, "m", seed=0, megabytes=1).is_empty()
