"""What lists are picked from, against the fitted models themselves."""

import numpy as np
import polars as pl
import pytest
from scipy.sparse import csr_array

from models.hybrid import Hybrid
from nightschool.columns import ITEM_ID
from nightschool.contract import Dataset, Float32s
from nightschool.histories import Histories
from nightschool.storage.home import Home
from serving.candidates import Scorer
from serving.snapshot import CONTENT, Snapshot
from serving.user_state import UserState
from tests.serving.client import Api
from tests.serving.conftest import Served
from tests.serving.homes import learn, publish

EASE = "ease"
BY_ORDER = {
    "components": [
        {"model": "next_ridge", "weight": 0.6, "params": {"recency": 2.0}},
        {"model": "transitions", "weight": 0.4},
    ]
}


@pytest.fixture(scope="module")
def learned(served: Served, tmp_path_factory: pytest.TempPathFactory) -> tuple[Hybrid, Dataset]:
    """The models behind the published lists, fitted once more."""
    return learn(served.home)


def order(scores: Float32s, dataset: Dataset, n: int) -> list[int]:
    """External ids of the n best."""
    best = np.argsort(-scores, kind="stable")[:n]
    return [int(dataset.item_ids[int(place)]) for place in best if np.isfinite(scores[place])]


def index_of(user_id: int, dataset: Dataset) -> int:
    return int((dataset.user_ids == user_id).arg_true()[0])


def history_with(dataset: Dataset, user_id: int, more: dict[int, float]) -> csr_array:
    """A user's history with more that they met, CSR float32 [1, n_items]."""
    row = dataset.history()[[index_of(user_id, dataset)]].toarray()
    for item, score in more.items():
        row[0, index_in(dataset.item_ids, item)] = score
    return csr_array(row.astype(np.float32))


def with_pools(api: Api) -> list[int]:
    """Users whose list is their own; bots have their audience's."""
    return [user for user in api.users if api.snapshot.pools.of(user) is not None]


def index_in(ids: pl.Series, value: int) -> int:
    return int((ids == value).arg_true()[0])


def ids_at(snapshot: Snapshot, places: np.ndarray) -> list[int]:
    return [int(snapshot.catalogue.ids[place]) for place in places]


def test_the_hybrids_own_alpha_gives_the_published_order(reading: Api) -> None:
    for user in with_pools(reading)[:60]:
        assert reading.items_of(user, k=20, alpha=0.7) == reading.items_of(user, k=20)


@pytest.mark.parametrize(("alpha", "name"), [(1, EASE), (0, CONTENT)])
def test_alpha_at_its_ends_is_one_component_alone(
    reading: Api, learned: tuple[Hybrid, Dataset], alpha: int, name: str
) -> None:
    hybrid, dataset = learned
    for user in with_pools(reading)[:40]:
        scores = hybrid.parts[name].score(np.array([index_of(user, dataset)], dtype=np.int32))[0]
        met = dataset.history()[[index_of(user, dataset)]].indices
        scores[met] = -np.inf
        require_same_order(reading.items_of(user, k=20, alpha=alpha), scores, dataset)


def require_same_order(items: list[int], scores: Float32s, dataset: Dataset) -> None:
    """Asserts that the items are the best by these scores; those that score alike may stand in any order."""
    told = np.array([scores[index_in(dataset.item_ids, item)] for item in items])
    best = np.sort(scores)[::-1][: len(items)]
    np.testing.assert_allclose(told, best, atol=2e-4)


@pytest.mark.parametrize(("event", "score"), [("like", 1.0), ("complete", 1.0), ("dislike", -1.0), ("hide", -1.0)])
def test_an_event_scores_the_list_anew_as_the_models_fold_it_in(
    writing: Api, learned: tuple[Hybrid, Dataset], event: str, score: float
) -> None:
    hybrid, dataset = learned
    for user in with_pools(writing)[:20]:
        met = writing.items_of(user)[3]
        writing.send(user, event, met)
        scores = hybrid.fold_in(Histories(history_with(dataset, user, {met: score})))[0]
        items = writing.items_of(user, k=20)
        assert met not in items
        require_same_order(items, scores, dataset)


def test_events_move_a_list_by_their_order_as_the_model_ranks_the_sequence(own_home: Home) -> None:
    publish(own_home, BY_ORDER)
    model, dataset = learn(own_home, BY_ORDER)
    places = dataset.places
    assert places is not None
    with Api.over(own_home) as api:
        for user in with_pools(api)[:8]:
            own = dataset.interactions["user_index"].to_numpy() == index_of(user, dataset)
            known = dataset.interactions["item_index"].to_numpy()[own][np.argsort(-places[own])]
            oldest_first = [int(dataset.item_ids[int(item)]) for item in known]
            told = dict.fromkeys(api.items_of(user)[:2], 1.0) | {oldest_first[0]: 1.0, api.items_of(user)[2]: -1.0}
            for item, score in told.items():
                api.send(user, "like" if score > 0 else "dislike", item)
            sequence = [item for item in oldest_first if item not in told] + list(told)
            row = history_with(dataset, user, told)
            age = [len(sequence) - 1 - sequence.index(int(dataset.item_ids[int(item)])) for item in row.indices]
            scores = model.fold_in(Histories(row, np.array(age, dtype=np.int32)))[0]
            require_same_order(api.items_of(user, k=20), scores, dataset)


def test_a_cold_user_is_scored_as_the_models_fold_them_in(writing: Api, learned: tuple[Hybrid, Dataset]) -> None:
    hybrid, dataset = learned
    liked = writing.snapshot.catalogue.ids[5:8]
    writing.send(987_654, "like", *liked)
    row = np.zeros((1, dataset.n_items), dtype=np.float32)
    row[0, [index_in(dataset.item_ids, int(item)) for item in liked]] = 1
    require_same_order(writing.items_of(987_654, k=20), hybrid.fold_in(Histories(csr_array(row)))[0], dataset)


def test_without_events_nothing_moves(reading: Api) -> None:
    """The scorer gives the published order by itself, not only where it is looked up."""
    snapshot = reading.snapshot
    for user in with_pools(reading)[:60]:
        candidates = Scorer(snapshot, UserState.of(snapshot, user, ())).by_recipe()
        assert candidates is not None
        listed = (snapshot.lists.columns_of(user) or {})[ITEM_ID]
        assert ids_at(snapshot, candidates.items[: len(listed)]) == listed
        assert (np.diff(candidates.scores) <= 0).all()


def test_the_parts_add_up_to_the_score(reading: Api) -> None:
    snapshot = reading.snapshot
    candidates = Scorer(snapshot, UserState.of(snapshot, reading.users[0], ())).by_alpha(0.4)
    assert candidates is not None
    np.testing.assert_allclose(sum(candidates.parts.values()), candidates.scores, atol=1e-5)
    assert set(candidates.parts) == {EASE, CONTENT}


def test_nobody_without_a_history_has_candidates(reading: Api) -> None:
    scorer = Scorer(reading.snapshot, UserState.of(reading.snapshot, 987_654, ()))
    assert (scorer.by_recipe(), scorer.by_events(), scorer.by_alpha(0.5)) == (None, None, None)
