"""The cuts of protocol F, compared with plain loops over the histories."""

import gzip
import importlib.util
from pathlib import Path

import pytest

from nightschool.columns import ITEM_INDEX, USER_INDEX
from nightschool.contract import Dataset

HISTORIES = {7: [30, 10, 20, 50], 3: [10, 20], 9: [40], 4: [50, 40, 30, 20, 10]}


@pytest.fixture(scope="module")
def leave_one_out():
    path = Path(__file__).parents[2] / "benchmarks" / "leave_one_out.py"
    spec = importlib.util.spec_from_file_location("leave_one_out", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def whole(leave_one_out, tmp_path_factory) -> Dataset:
    folder = tmp_path_factory.mktemp("sequences")
    with gzip.open(folder / "log.txt.gz", "wt", encoding="ascii") as file:
        file.writelines(f"{user} {' '.join(map(str, items))}\n" for user, items in HISTORIES.items())
    (folder / "attributes.json").write_text('{"10": [1, 2], "20": [2], "60": [3]}')
    return leave_one_out.read_sequences(folder / "log.txt.gz", folder / "attributes.json")


def pairs(dataset: Dataset, frame) -> set[tuple[int, int]]:
    """User and item of each pair, under their own ids."""
    users, items = dataset.user_ids.gather(frame[USER_INDEX]), dataset.item_ids.gather(frame[ITEM_INDEX])
    return set(zip(users.to_list(), items.to_list(), strict=True))


def test_histories_keep_their_order_and_items_their_attributes(whole: Dataset) -> None:
    places = dict(zip(sorted_pairs(whole), whole.places, strict=True))
    for user, items in HISTORIES.items():
        assert [places[user, item] for item in items] == list(range(len(items)))[::-1]
    labels = dict(whole.items.select("item_id", "labels").iter_rows())
    assert (labels[10], labels[60], labels[30]) == (["1", "2"], ["3"], None)


def sorted_pairs(dataset: Dataset) -> list[tuple[int, int]]:
    """User and item of each pair, in the order of the interactions."""
    frame = dataset.interactions
    users, items = dataset.user_ids.gather(frame[USER_INDEX]), dataset.item_ids.gather(frame[ITEM_INDEX])
    return list(zip(users.to_list(), items.to_list(), strict=True))


@pytest.mark.parametrize(("place", "read_from", "learned_from"), [(0, 1, 2), (0, 1, 1), (0, 2, 2), (1, 2, 2)])
def test_cuts_equal_plain_loops(leave_one_out, whole: Dataset, place: int, read_from: int, learned_from: int) -> None:
    split = leave_one_out.hold_out(whole, place, read_from=read_from, learned_from=learned_from)
    held, read, learned = set(), set(), set()
    for user, items in HISTORIES.items():
        for age, item in enumerate(reversed(items)):
            held |= {(user, item)} if age == place else set()
            read |= {(user, item)} if age >= read_from else set()
            learned |= {(user, item)} if age >= learned_from else set()
    assert pairs(whole, split.held_out) == held
    assert split.held_out["relevant"].all()
    assert pairs(whole, split.fitted.interactions) == read
    assert pairs(whole, split.fitted.pairs) == learned
    available = {item for item, there in zip(whole.item_ids, split.fitted.available, strict=True) if there}
    assert available == {item for _, item in learned}
    assert split.name == ("test" if place == 0 else "validation")
