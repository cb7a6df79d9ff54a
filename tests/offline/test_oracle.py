from dataclasses import replace
from datetime import UTC, datetime
from itertools import product
from typing import Any

import numpy as np
import polars as pl
import pytest

from nightschool.columns import ITEM_ID, TIMESTAMP, USER_ID
from nightschool.contract import Split
from nightschool.data.build_log import build_event_log
from nightschool.data.dataset import EventLog
from nightschool.data.manifest.manifest import Manifest
from nightschool.errors import DataRefused
from nightschool.evaluation.compare import compare
from nightschool.evaluation.evaluate import evaluate
from nightschool.offline import oracle as module
from nightschool.offline.compare import Measured
from nightschool.offline.oracle import ByTruth, describe_oracle, expected_ndcg, measure_oracle
from nightschool.simulator.truth import Truth
from tests.data.logs import as_ingested

MANIFEST = Manifest.model_validate(
    {
        "name": "simulated",
        "score": "implicit",
        "history": True,
        "interactions": {"files": ["x"], "user": "u", "item": "i", "timestamp": {"column": "t", "unit": "iso"}},
    }
)
N_ITEMS = 5
USERS = np.arange(2, dtype=np.int32)
WEIGHTS = np.array([[5.0, 1.0], [4.0, 1.0], [3.0, 1.0], [2.0, 1.0], [1.0, 9.0]])


def truth_of(n_users: int) -> Truth:
    """Every user has the first interest on 1 January and the second on 11 January."""
    return Truth(
        activity=np.full(n_users, 1 / n_users),
        bots=np.zeros(n_users, dtype=bool),
        groups=np.zeros(n_users, dtype=np.int32),
        early=np.tile(np.array([1.0, 0.0], dtype=np.float32), (n_users, 1)),
        late=np.tile(np.array([0.0, 1.0], dtype=np.float32), (n_users, 1)),
        popularity=np.full(N_ITEMS, 1 / N_ITEMS),
        pull=WEIGHTS,
        fit=np.ones((N_ITEMS, 1)),
        period_start=datetime(2025, 1, 1, tzinfo=UTC),
        period_end=datetime(2025, 1, 11, tzinfo=UTC),
    )


def log_of(rows: list[tuple[int, int, int]]) -> EventLog:
    """Rows of user, item and day of January."""
    frame = pl.DataFrame(
        {
            USER_ID: [row[0] for row in rows],
            ITEM_ID: [row[1] for row in rows],
            TIMESTAMP: [datetime(2025, 1, row[2], tzinfo=UTC) for row in rows],
        }
    )
    return build_event_log(None, None, as_ingested(frame), MANIFEST)


# Both users have seen item 5; the first meets two new items and the second three.
ROWS = [(1, 5, 1), (2, 5, 1), (1, 1, 2), (1, 3, 2), (2, 2, 2), (2, 3, 2), (2, 4, 2)]
HELD_OUT = np.arange(len(ROWS)) >= 2


@pytest.fixture(name="log")
def _log() -> EventLog:
    return log_of(ROWS)


@pytest.fixture(name="test")
def _test(log: EventLog) -> Split:
    return log.split("test", "temporal", ~HELD_OUT, HELD_OUT, None)


def by_hand(weights: list[float], n_events: int, k: int) -> float:
    """The expected ndcg@k over every sequence of draws with something new in it; the last item was seen before."""
    total = chances = 0.0
    for draws in product(range(len(weights)), repeat=n_events):
        new = set(draws) - {len(weights) - 1}
        chance = float(np.prod([weights[item] / sum(weights) for item in draws]))
        if new:
            gain = sum(1 / np.log2(rank + 2) for rank in new if rank < k)
            total += chance * gain / sum(1 / np.log2(rank + 2) for rank in range(min(k, len(new))))
            chances += chance
    return total / chances


def test_true_probabilities_stand_at_their_items_index(test: Split) -> None:
    oracle = ByTruth(truth_of(2), test.fitted, elapsed=0.0)
    assert oracle.fit(test.fitted, seed=0) is oracle
    found = dict(zip(test.fitted.item_ids, oracle.score(np.array([0], dtype=np.int32))[0].tolist(), strict=True))
    assert found == pytest.approx({1: 5 / 15, 2: 4 / 15, 3: 3 / 15, 4: 2 / 15, 5: 1 / 15})


@pytest.mark.parametrize("k", [1, 2, 10])
def test_expectation_equals_going_through_every_draw(test: Split, k: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "DRAWS", 20_000)
    found = expected_ndcg(ByTruth(truth_of(2), test.fitted, 0.0), test.fitted, USERS, np.array([2, 4]), k, seed=1)
    expected = [by_hand([5, 4, 3, 2, 1], n_events, k) for n_events in (2, 4)]
    assert found == pytest.approx(expected, abs=0.01)


def test_same_seed_draws_the_same(test: Split) -> None:
    oracle = ByTruth(truth_of(2), test.fitted, 0.0)
    first, again, other = (
        expected_ndcg(oracle, test.fitted, USERS, np.array([1, 1]), 1, seed=seed).tolist() for seed in (1, 1, 2)
    )
    assert first == again != other


def test_user_without_events_has_no_expectation(test: Split) -> None:
    found = expected_ndcg(ByTruth(truth_of(2), test.fitted, 0.0), test.fitted, USERS, np.array([0, 3]), 2, seed=1)
    assert np.isnan(found).tolist() == [True, False]


def test_oracle_ranks_by_the_tests_time_and_leaves_out_what_was_seen(log: EventLog, test: Split) -> None:
    found = measure_oracle(log, HELD_OUT, test, truth_of(2), 2, seed=0)
    # On 2 January a tenth of the period has passed: items 1 to 4 keep their order, and item 5 was seen by both.
    ndcg = dict(zip(test.fitted.user_ids, found.realised.values("ndcg", 2).tolist(), strict=True))
    gains = 1 / np.log2([2, 3])
    assert ndcg == pytest.approx({1: gains[0] / gains.sum(), 2: gains[1] / gains.sum()})
    assert (found.expected > 0).all()


def test_share_of_the_way_runs_from_popularity_to_the_expectation(log: EventLog, test: Split, fixed: Any) -> None:
    oracle = measure_oracle(log, HELD_OUT, test, truth_of(2), 2, seed=0)
    floor = evaluate(fixed([0.0] * N_ITEMS), test, cutoffs=(2,))
    assert oracle.share_of_way(floor, floor)[0] == 0
    perfect = replace(floor, per_user={"ndcg": {2: oracle.expected}})
    assert oracle.share_of_way(perfect, floor) == pytest.approx([1.0, 1.0, 1.0])
    named = (("popularity", floor, False), ("x", perfect, True))
    rows = [Measured(name, {}, 0.0, e, compare(e, floor, k=2), chosen=chosen) for name, e, chosen in named]
    document = describe_oracle(oracle, rows)
    assert document["n_users"] == 2
    assert document["oracle"][0] == document["models"][0]["ndcg"][0] == pytest.approx(oracle.expected.mean())
    assert document["models"][0]["share_of_way"][0] == pytest.approx(1.0)
    assert document["models"][0]["chosen"]
    assert document["popularity"][0] == floor.mean("ndcg", 2)


@pytest.mark.parametrize("n_users", [1, 3])
def test_truth_of_another_simulation_is_refused(n_users: int) -> None:
    log = log_of([(user + 1, item, 1) for user in range(n_users) for item in (1, 2, 9)])
    with pytest.raises(DataRefused, match="truth"):
        ByTruth(truth_of(2), log.dataset(), 0.5)
