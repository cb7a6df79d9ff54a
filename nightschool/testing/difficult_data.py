"""Contract tests on difficult and on malformed data: a model gives whole lists, or a reason."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import ClassVar, Final

import numpy as np
import polars as pl
import pytest

from models.base import Model
from nightschool.columns import ITEM_ID, ITEM_INDEX, SCORE, TEXT, TIMESTAMP, USER_ID, USER_INDEX
from nightschool.contract import Blended, Dataset
from nightschool.errors import DataRefused, NightschoolError
from nightschool.item_columns import ItemColumns
from nightschool.testing.datasets import Pairs, make_dataset

N_USERS: Final = 8
N_ITEMS: Final = 6
_SOME: Pairs = [(user, (user + step) % N_ITEMS, 5.0 - 2 * step) for user in range(6) for step in range(3)]
_ALL_OF_USER_6: Pairs = [(6, item, 3.0) for item in range(N_ITEMS)]
_EVERYTHING: Pairs = [(user, item, 1.0 + (user * item) % 5) for user in range(N_USERS) for item in range(N_ITEMS)]
NO_TIMES: Final = "no times"
NO_SCORES: Final = "no graded scores"


def described(pairs: Pairs, n_users: int = N_USERS, n_items: int = N_ITEMS) -> Dataset:
    """Build a dataset whose items all have the same text; user 7 has no pairs."""
    dataset = make_dataset(pairs, n_users, n_items)
    return replace(dataset, items=dataset.items.with_columns(pl.lit("oil painting").alias(TEXT)))


USUAL: Final = described([*_SOME, *_ALL_OF_USER_6])


def _with_pairs(change: Callable[[pl.DataFrame], pl.DataFrame]) -> Dataset:
    return replace(USUAL, interactions=change(USUAL.interactions))


def _scored(score: float) -> Dataset:
    return _with_pairs(lambda pairs: pairs.with_columns(pl.lit(score, pl.Float32).alias(SCORE)))


def _with_attributes(value: float) -> Dataset:
    """Give users and items attributes of which some are this value and others missing."""
    users, items = (pl.Series([value, None, 1.5, 2.5] * 2, dtype=pl.Float64)[:n] for n in (N_USERS, N_ITEMS))
    lists = pl.Series([[value, 1.0], [], [1.0]] * 2, dtype=pl.List(pl.Float64))
    return replace(
        USUAL,
        users=USUAL.users.with_columns(height=users),
        items=USUAL.items.with_columns(weight=items, sizes=lists),
        item_columns=ItemColumns(categories=("weight",), lists=("sizes",)),
    )


DIFFICULT: Final[Mapping[str, Dataset]] = {
    "as usual": USUAL,
    "one user": described([(0, item, 1.0 + item) for item in range(4)], n_users=1),
    "one item": described([(user, 0, 1.0 + user % 5) for user in range(6)], n_items=1),
    "one user and one item": described([(0, 0, 4.0)], 1, 1),
    "one pair": described([(3, 2, 5.0)]),
    "everybody has seen everything": described(_EVERYTHING),
    "all scores equal": _scored(1.0),
    "only dislikes": _scored(-10.0),
    NO_TIMES: _with_pairs(lambda pairs: pairs.with_columns(pl.lit(None, pairs[TIMESTAMP].dtype).alias(TIMESTAMP))),
    NO_SCORES: replace(_scored(1.0), score_range=None),
    "nothing available": replace(USUAL, available=np.zeros(N_ITEMS, dtype=bool)),
    "attributes that are no numbers": _with_attributes(float("nan")),
    "infinite attributes": _with_attributes(float("inf")),
}

MALFORMED: Final[Mapping[str, tuple[Dataset, str]]] = {
    "no interactions": (_with_pairs(pl.DataFrame.clear), "nothing to learn"),
    "a score that is NaN": (_scored(float("nan")), "not a number"),
    "an infinite score": (_scored(float("inf")), "not a number"),
    "an item index too high": (
        _with_pairs(lambda pairs: pairs.with_columns(pl.col(ITEM_INDEX) + 1)),
        "outside the dataset",
    ),
    "a negative user index": (
        _with_pairs(lambda pairs: pairs.with_columns(pl.col(USER_INDEX) - 1)),
        "outside the dataset",
    ),
    "pairs in another order": (_with_pairs(pl.DataFrame.reverse), "sorted"),
    "a pair twice": (_with_pairs(lambda pairs: pl.concat([pairs, pairs.tail(1)])), "sorted"),
    "availability of too few items": (replace(USUAL, available=USUAL.available[:-1]), "available"),
}
"""Datasets that break the promises of `Dataset`, each with words of the refusal."""


class DifficultDataContract:
    """Tests of one model on difficult and on malformed data.

    Attributes:
        model: The class under test.
        params: Hyper-parameters over the defaults, such as fewer epochs.
        refuses: Name of a difficult dataset to words of the error with which the model refuses it; what follows from
            `needs_times`, `needs_order` and `needs_scores` need not be named.
    """

    model: ClassVar[type[Model]]
    params: ClassVar[Mapping[str, object]] = {}
    refuses: ClassVar[Mapping[str, str]] = {}

    @classmethod
    def new(cls) -> Model:
        """Create an unfitted model; override it for what is not made of hyper-parameters alone."""
        return cls.model(cls.model.config_type.model_validate(dict(cls.params)))

    def refusal(self, case: str) -> str | None:
        """Return words of the error that a difficult dataset raises; None where the model learns from it."""
        needed = {NO_TIMES: self.model.needs_times or self.model.needs_order, NO_SCORES: self.model.needs_scores}
        words = {NO_TIMES: "needs (times|the order)", NO_SCORES: "needs graded scores"}
        return words[case] if needed.get(case) else self.refuses.get(case)

    @pytest.mark.parametrize("case", DIFFICULT)
    def test_difficult_data_give_whole_lists_or_a_reason(self, case: str) -> None:
        reason = self.refusal(case)
        if reason is None:
            require_whole_lists(self.new().fit(DIFFICULT[case], seed=0), DIFFICULT[case])
        else:
            with pytest.raises(NightschoolError, match=reason):
                self.new().fit(DIFFICULT[case], seed=0)

    def test_without_times_a_personal_model_stays_personal_or_refuses(self) -> None:
        if self.model.personal and not self.refusal(NO_TIMES):
            scores = self.new().fit(DIFFICULT[NO_TIMES], seed=0).score(np.arange(N_USERS, dtype=np.int32))
            assert not (scores == scores[:1]).all()

    @pytest.mark.parametrize("case", MALFORMED)
    def test_a_malformed_dataset_is_refused(self, case: str) -> None:
        dataset, message = MALFORMED[case]
        with pytest.raises(DataRefused, match=message):
            self.new().fit(dataset, seed=0)

    def test_a_budget_that_holds_no_block_of_users_still_ranks_one_by_one(self) -> None:
        model = self.new().fit(USUAL, seed=0)
        one_by_one, together = (model.recommend(USUAL.user_ids, 3, megabytes=megabytes) for megabytes in (0, 64))
        assert one_by_one.drop(SCORE).equals(together.drop(SCORE))


def require_whole_lists(model: Model, dataset: Dataset) -> None:
    """Assert finite scores, and that each user's list holds every available unseen item and nothing else."""
    scores = model.score(np.arange(dataset.n_users, dtype=np.int32))
    assert scores.shape == (dataset.n_users, dataset.n_items)
    assert not np.isnan(scores).any()
    assert isinstance(model, Blended) or np.isfinite(scores).all()
    lists = model.recommend(dataset.user_ids, dataset.n_items + 5)
    assert lists[SCORE].is_finite().all()
    left = np.repeat(dataset.available[None], dataset.n_users, axis=0)
    left[dataset.interactions[USER_INDEX].to_numpy(), dataset.interactions[ITEM_INDEX].to_numpy()] = False
    expected = {(dataset.user_ids[user], dataset.item_ids[item]) for user, item in np.argwhere(left).tolist()}
    assert lists.height == len(expected)
    assert set(lists.select(USER_ID, ITEM_ID).iter_rows()) == expected
