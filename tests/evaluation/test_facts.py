import gc
from dataclasses import replace
from weakref import ref

import numpy as np
import polars as pl

from nightschool.columns import ITEM_ID, ITEM_INDEX, RELEVANT, SCORE, TEXT, USER_ID, USER_INDEX
from nightschool.contract import Dataset, Split
from nightschool.evaluation.facts import facts_of
from nightschool.item_columns import ItemColumns

NO_COLUMNS = ItemColumns()
HISTORY = [(0, 0, 1.0), (0, 1, 1.0), (1, 1, 1.0), (1, 2, -1.0)]
HELD_OUT = [(0, 3, True), (1, 0, False), (1, 3, True), (2, 3, True)]


def split_of(columns: ItemColumns = NO_COLUMNS, gone: tuple[int, ...] = ()) -> Split:
    """Three users, four items; user 1 dislikes item 2, user 2 has seen nothing."""
    users = pl.DataFrame({USER_ID: range(3)})
    items = pl.DataFrame(
        {
            ITEM_ID: range(4),
            TEXT: ["red wine", "red bread", None, "wine"],
            "kind": ["food", None, "song", "food"],
            "tags": [["a", "b"], ["b"], [], None],
        }
    )
    available = np.ones(4, dtype=bool)
    available[list(gone)] = False
    pairs = pl.DataFrame(HISTORY, schema={USER_INDEX: pl.Int32, ITEM_INDEX: pl.Int32, SCORE: pl.Float32}, orient="row")
    held_out = pl.DataFrame(
        HELD_OUT, schema={USER_INDEX: pl.Int32, ITEM_INDEX: pl.Int32, RELEVANT: pl.Boolean}, orient="row"
    )
    dataset = Dataset(users[USER_ID], items[ITEM_ID], pairs, users, items, available, columns)
    return Split("test", "by-hand", dataset, held_out)


def test_relevant_pairs_and_histories_are_counted() -> None:
    facts = facts_of(split_of())
    assert facts.relevant.toarray().tolist() == [[0, 0, 0, 1], [0, 0, 0, 1], [0, 0, 0, 1]]
    assert facts.n_relevant.tolist() == [1, 1, 1]
    assert facts.n_seen.tolist() == [2, 2, 0]
    assert facts.popularity.tolist() == [0.5, 1.0, 0.5, 0.5]


def test_the_most_liked_available_items_come_first() -> None:
    assert facts_of(split_of()).order.tolist() == [1, 0, 2, 3]
    assert facts_of(split_of(gone=(1,))).order.tolist() == [0, 4, 1, 2]


def test_an_item_spreads_its_weight_over_its_labels_of_the_first_column() -> None:
    by_tag = facts_of(split_of(ItemColumns(lists=("tags",))))
    assert by_tag.labels is not None
    assert by_tag.labels.toarray().tolist() == [[0.5, 0.5], [0.0, 1.0], [0.0, 0.0], [0.0, 0.0]]
    assert by_tag.tastes is not None
    assert by_tag.tastes.toarray().tolist() == [[0.25, 0.75], [0.0, 1.0], [0.0, 0.0]]
    by_kind = facts_of(split_of(ItemColumns(categories=("kind",), lists=("tags",))))
    assert by_kind.labels is not None
    assert by_kind.labels.toarray().tolist() == [[1, 0], [0, 0], [0, 1], [1, 0]]


def test_what_the_dataset_does_not_say_is_absent() -> None:
    facts = facts_of(split_of())
    assert facts.labels is None
    assert facts.tastes is None
    assert facts.features is not None
    split = split_of(ItemColumns(categories=("kind",)))
    silent = split.fitted.items.with_columns(pl.lit(None, pl.String).alias(TEXT), pl.lit(None, pl.String).alias("kind"))
    facts = facts_of(replace(split, fitted=replace(split.fitted, items=silent)))
    assert (facts.features, facts.labels, facts.tastes) == (None, None, None)


def test_facts_are_worked_out_once_and_go_with_their_split() -> None:
    split = split_of()
    facts = facts_of(split)
    assert facts_of(split) is facts
    gone = ref(facts)
    del split, facts
    gc.collect()
    assert gone() is None
