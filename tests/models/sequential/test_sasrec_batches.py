from itertools import pairwise

import numpy as np

from models.sequential.sasrec_batches import TrainingSet
from nightschool.contract import Dataset
from tests.models.sequential.courses import courses, sequences

LENGTH = 5


def lessons_of(dataset: Dataset, seed: int = 0) -> tuple[TrainingSet, np.ndarray]:
    liked = np.unique(dataset.positives().indices)
    items = np.full(dataset.n_items, -1, dtype=np.int32)
    items[liked] = np.arange(len(liked))
    return TrainingSet.of(dataset, items, LENGTH, seed), items


def steps(lessons: TrainingSet, seed: tuple[int, ...]) -> list[list[tuple[int, int]]]:
    """Read each packed history as its pairs of an item and the next."""
    found = []
    for batch in lessons.batches(3, LENGTH, seed):
        assert batch.inputs.shape == (3, LENGTH)
        for inputs, targets, segments in zip(*batch, strict=True):
            for number in range(1, segments.max(initial=0) + 1):
                own = segments == number
                found.append(list(zip(inputs[own].tolist(), targets[own].tolist(), strict=True)))
    return found


def test_each_history_is_packed_once_without_what_is_held_out() -> None:
    dataset = courses()
    lessons, items = lessons_of(dataset)
    held, expected = held_out(lessons), []
    for own in (items[own].tolist() for own in sequences(dataset)):
        if own in held:
            held.remove(own)
            own.pop()
        expected.append([*pairwise(own[-LENGTH - 1 :])])
    assert not held
    assert sorted(steps(lessons, (1, 2))) == sorted(pairs for pairs in expected if pairs)


def held_out(lessons: TrainingSet) -> list[list[int]]:
    """Return each held-out history, its last like at the end."""
    items, histories = lessons.held_out
    assert histories.places is not None
    bounds = histories.scores.indptr
    found = []
    for row, last in enumerate(items.tolist()):
        own = slice(bounds[row], bounds[row + 1])
        order = np.argsort(-histories.places[own])
        found.append([*histories.scores.indices[own][order].tolist(), last])
    return found


def test_a_tenth_of_the_histories_is_held_out_in_their_order() -> None:
    dataset = courses()
    lessons, items = lessons_of(dataset)
    whole = [items[own].tolist() for own in sequences(dataset)]
    assert len(lessons.held_out.items) == 6
    assert all(own in whole for own in held_out(lessons))


def test_the_order_follows_from_the_seed() -> None:
    lessons, _ = lessons_of(courses())
    assert steps(lessons, (1, 2)) == steps(lessons, (1, 2))
    assert steps(lessons, (1, 2)) != steps(lessons, (1, 3))
    assert not np.array_equal(lessons.held_out.items, lessons_of(courses(), seed=5)[0].held_out.items)
