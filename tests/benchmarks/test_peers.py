"""What the comparison with other libraries gives to models of order, compared with the histories it came from."""

import gzip
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from nightschool.columns import ITEM_INDEX, USER_INDEX

HISTORIES = {7: [30, 10, 20, 50], 3: [10, 20, 40], 4: [50, 40, 30, 20, 10]}
BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture(scope="module")
def scripts():
    names = ("leave_one_out", "peers", "nightschool_sequences", "timing")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(BENCHMARKS / "peers")
        patch.syspath_prepend(BENCHMARKS)
        yield SimpleNamespace(**{name: import_module(name) for name in names})


@pytest.fixture(scope="module")
def fitted(scripts, tmp_path_factory):
    file = tmp_path_factory.mktemp("sequences") / "log.txt.gz"
    with gzip.open(file, "wt", encoding="ascii") as lines:
        lines.writelines(f"{user} {' '.join(map(str, items))}\n" for user, items in HISTORIES.items())
    return scripts.leave_one_out.hold_out(scripts.leave_one_out.read_sequences(file), 0, read_from=1, learned_from=2)


@pytest.fixture(scope="module")
def matrix(scripts, fitted):
    return scripts.peers.matrix_of(scripts.peers.IN_ORDER, fitted)


def test_places_count_from_the_newest_item_before_the_test(matrix, fitted) -> None:
    users, items = fitted.fitted.user_ids.to_list(), fitted.fitted.item_ids.to_list()
    for user, history in HISTORIES.items():
        row = matrix[[users.index(user)]].toarray()[0]
        found = {items[index]: row[index] for index in np.flatnonzero(row)}
        assert found == {item: place for place, item in enumerate(reversed(history[:-1]), start=1)}


def test_our_models_learn_from_all_but_the_newest_item_and_rank_what_they_learned_from(scripts, matrix) -> None:
    dataset = scripts.nightschool_sequences.sequences_of(matrix)
    assert np.array_equal(dataset.places, matrix.data - 1)
    learned = {tuple(pair) for pair in dataset.pairs.select(USER_INDEX, ITEM_INDEX).rows()}
    assert learned == set(zip(*(matrix > 1).nonzero(), strict=True))
    assert set(np.flatnonzero(dataset.available)) == {item for _, item in learned}


def test_lists_are_padded_with_minus_one(scripts) -> None:
    assert scripts.timing.padded([[3, 1, 2], [], [5]], 2).tolist() == [[3, 1], [-1, -1], [5, -1]]
