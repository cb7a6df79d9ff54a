"""Contract tests of a recommender: subclass `RecommenderContract` in the model's test file, and they run."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar, Final

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from models.base import Model, ModelConfig
from nightschool.capabilities import FoldsIn, WeighsItems
from nightschool.columns import ITEM_ID, ITEM_INDEX, RANK, SCORE, TIMESTAMP, USER_ID, USER_INDEX
from nightschool.contract import Dataset, Float32s, Indices, Recommender, Span
from nightschool.errors import ConfigurationError, DataRefused, NotFound
from nightschool.histories import Histories
from nightschool.ranking.explain import can_explain, contributions_of, strongest_reasons
from nightschool.ranking.foldin import ItemWeights
from nightschool.testing.datasets import two_tastes
from nightschool.testing.difficult_data import USUAL, DifficultDataContract

_SEED: Final = 1
_FORGOTTEN: Final = 7
_WHOLE, _SEEN_ALL, _UNAVAILABLE = "user 41", "user 40", 121


@dataclass(frozen=True, eq=False)
class Case:
    """A model fitted on `two_tastes`.

    Attributes:
        model: The fitted model.
        dataset: What it was fitted on.
    """

    model: Model
    dataset: Dataset


class RecommenderContract(DifficultDataContract):
    """Tests that every recommender passes.

    Three lines in a model's test file run them all:

        class TestEase(RecommenderContract):
            model = Ease

    Attributes:
        forgetting_changes_others: Whether others' lists may change with a forgotten user, whose history was part of
            their scores.
        likes_may_lower_scores: Whether a like may lower the score of what is listed, so that it lacks a reason.
    """

    forgetting_changes_others: ClassVar[bool] = False
    likes_may_lower_scores: ClassVar[bool] = False

    @classmethod
    def parts(cls, model: Model) -> list[Model]:
        """Return the model and the models that it consists of."""
        return [model]

    @classmethod
    def lengths(cls, model: Model) -> dict[tuple[str, str], int]:
        """Count the rows of every learned array, by model and attribute."""
        return {(part.name, name): getattr(part, name).shape[0] for part in cls.parts(model) for name in part.learned}

    @pytest.fixture(scope="class")
    @classmethod
    def case(cls) -> Iterator[Case]:
        dataset = two_tastes()
        before = dataset.interactions.clone(), dataset.items.clone(), dataset.available.copy()
        yield Case(cls.new().fit(dataset, seed=_SEED), dataset)
        assert_frame_equal(dataset.interactions, before[0])
        assert_frame_equal(dataset.items, before[1])
        assert np.array_equal(dataset.available, before[2])

    def test_it_keeps_the_protocol(self, case: Case) -> None:
        assert isinstance(case.model, Recommender)
        scores = all_scores(case.model)
        assert scores.shape == (case.dataset.n_users, case.dataset.n_items)
        assert scores.dtype == np.float32
        assert not np.isnan(scores).any()

    def test_seen_and_unavailable_items_are_excluded(self, case: Case) -> None:
        dataset = case.dataset
        lists = case.model.recommend(dataset.user_ids, 50)
        seen = dataset.interactions.select(
            dataset.user_ids[dataset.interactions[USER_INDEX]].alias(USER_ID),
            dataset.item_ids[dataset.interactions[ITEM_INDEX]].alias(ITEM_ID),
        )
        assert lists.join(seen, on=[USER_ID, ITEM_ID], how="semi").is_empty()
        assert _UNAVAILABLE not in lists[ITEM_ID]

    def test_k_beyond_the_catalogue_gives_every_unseen_item_and_no_more(self, case: Case) -> None:
        lengths = dict(case.model.recommend(case.dataset.user_ids, 1000).group_by(USER_ID).len().iter_rows())
        assert lengths[_WHOLE] == 21
        assert lengths["user 0"] == 12
        assert _SEEN_ALL not in lengths

    def test_ranks_are_contiguous_and_scores_finite_and_descending(self, case: Case) -> None:
        lists = case.model.recommend(case.dataset.user_ids, 7)
        for _, own in lists.group_by(USER_ID):
            assert own[RANK].to_list() == list(range(1, own.height + 1))
            assert own[SCORE].is_sorted(descending=True)
            assert own[ITEM_ID].is_unique().all()
        assert lists[SCORE].is_finite().all()
        assert lists.schema == {USER_ID: pl.String, ITEM_ID: pl.Int64, RANK: pl.Int32, SCORE: pl.Float32}

    def test_a_user_gets_the_same_list_alone_and_among_all(self, case: Case) -> None:
        user_ids = case.dataset.user_ids
        together = case.model.recommend(user_ids, 5)
        alone = pl.concat([case.model.recommend(user_ids[[user]], 5) for user in range(case.dataset.n_users)])
        assert_frame_equal(alone.drop(SCORE), together.drop(SCORE))
        np.testing.assert_allclose(alone[SCORE], together[SCORE], rtol=1e-4, atol=1e-5)

    def test_scores_may_be_overwritten(self, case: Case) -> None:
        before = all_scores(case.model).copy()
        all_scores(case.model)[...] = -np.inf
        assert np.array_equal(all_scores(case.model), before)

    def test_an_unknown_user_is_named(self, case: Case) -> None:
        with pytest.raises(NotFound, match=r"1 of 2 users.*'nobody'"):
            case.model.recommend(pl.Series(["user 0", "nobody"]), 5)
        for index in (-1, case.dataset.n_users):
            with pytest.raises(NotFound, match="index"):
                case.model.score(np.array([index], dtype=np.int32))

    def test_ids_of_another_type_are_refused(self, case: Case) -> None:
        with pytest.raises(ConfigurationError, match=r"String.*Int64"):
            case.model.recommend(pl.Series([1, 2]), 5)

    def test_saved_and_loaded_it_is_equal(self, case: Case, tmp_path: Path) -> None:
        case.model.save(tmp_path / "model")
        loaded = self.new().load(tmp_path / "model")
        user_ids = case.dataset.user_ids
        assert np.array_equal(all_scores(loaded), all_scores(case.model))
        assert_frame_equal(loaded.recommend(user_ids, 5), case.model.recommend(user_ids, 5))
        assert loaded.config == case.model.config
        # Boosted trees are text.
        assert {file.suffix for file in tmp_path.rglob("*") if file.is_file()} - {".txt"} == {".json", ".npz"}
        with pytest.raises(ConfigurationError, match="not empty"):
            case.model.save(tmp_path / "model")

    def test_the_same_seed_gives_the_same_bits_and_a_second_fit_replaces_the_first(self, case: Case) -> None:
        again = self.new().fit(case.dataset, seed=_SEED)
        assert np.array_equal(all_scores(again), all_scores(case.model))
        few = case.dataset.interactions.filter(pl.col(USER_INDEX) < 20)
        shrunk = replace(case.dataset, interactions=few)
        again.fit(shrunk, seed=_SEED)
        assert np.array_equal(all_scores(again), all_scores(self.new().fit(shrunk, seed=_SEED)))
        assert again.recommend(pl.Series([_SEEN_ALL]), 50).height == 21

    def test_refused_data_leave_the_model_as_it_was(self, case: Case) -> None:
        before = all_scores(case.model)
        with pytest.raises(DataRefused):
            case.model.fit(replace(case.dataset, interactions=case.dataset.interactions.clear()), seed=_SEED)
        assert np.array_equal(all_scores(case.model), before)

    def test_what_is_not_fitted_says_so(self, tmp_path: Path) -> None:
        model, message = self.new(), "not fitted"
        with pytest.raises(ConfigurationError, match=message):
            model.score(np.array([0], dtype=np.int32))
        with pytest.raises(ConfigurationError, match=message):
            model.recommend(pl.Series(["a"]), 1)
        with pytest.raises(ConfigurationError, match=message):
            model.save(tmp_path / "model")

    def test_folding_in_a_known_history_gives_the_users_own_scores(self, case: Case) -> None:
        if isinstance(case.model, FoldsIn):
            assert np.array_equal(case.model.fold_in(case.dataset.histories()), all_scores(case.model))

    def test_without_the_item_that_is_named_as_the_reason_the_score_falls(self, case: Case) -> None:
        model, n_likes = case.model, np.diff(case.dataset.positives().indptr)
        if not (can_explain(model) and isinstance(model, FoldsIn) and self.model.explains):
            return
        users = np.flatnonzero((n_likes > 0) & (n_likes < case.dataset.n_items)).astype(np.int32)
        histories = case.dataset.histories()[users]
        before = model.fold_in(histories)
        before[histories.scores.nonzero()] = -np.inf
        items = np.argsort(-before, axis=1, kind="stable")[:, :3].astype(np.int32)
        contributions = contributions_of(model, histories, items)
        assert contributions.shape == (n_likes[users].sum(), 3)
        reasons = strongest_reasons(items, histories, [contributions], np.ones((1, len(users)), np.float32))
        rows, places = (found.astype(np.int32) for found in np.nonzero(reasons.because >= 0))
        explained = len(set(rows[places == 0])) / len(users)
        assert explained > 0.5 if self.likes_may_lower_scores else explained == 1
        listed = items[rows, places]
        after = model.fold_in(without(histories[rows], reasons.because[rows, places]))
        assert (after[np.arange(len(rows)), listed] < before[rows, listed]).all()

    def test_item_weights_are_exactly_what_is_scored(self, case: Case) -> None:
        if not isinstance(case.model, WeighsItems):
            return
        weights = case.model.item_weights()
        assert weights.dtype == np.float32
        assert weights.shape == (case.dataset.n_items, case.dataset.n_items)
        assert not weights.diagonal().any()
        history = ItemWeights.of(case.model).strengths(case.dataset.histories())
        assert np.array_equal((history @ weights).toarray(), all_scores(case.model))

    def test_a_forgotten_user_is_gone_and_other_lists_stay(self, case: Case, tmp_path: Path) -> None:
        user_ids = case.dataset.user_ids
        others = user_ids.filter(user_ids != user_ids[_FORGOTTEN])
        case.model.save(tmp_path / "whole")
        model = self.new().load(tmp_path / "whole")
        before, rows = model.recommend(others, 5), self.lengths(model)
        model.forget(_FORGOTTEN)
        after = model.recommend(others, 5)
        if not self.forgetting_changes_others:
            assert_frame_equal(after, before, abs_tol=1e-6)
        # Whatever has a row a user, some with one more for the unknown, has one less: a model names it in `by_user`.
        n_users = case.dataset.n_users
        assert self.lengths(model) == {array: n - (n in (n_users, n_users + 1)) for array, n in rows.items()}
        for part in self.parts(model):
            assert part.known.user_ids.to_list() == others.to_list()
            assert part.known.history.shape == (n_users - 1, case.dataset.n_items)
        with pytest.raises(NotFound):
            model.recommend(user_ids[[_FORGOTTEN]], 5)
        model.save(tmp_path / "model")
        assert_frame_equal(self.new().load(tmp_path / "model").recommend(others, 5), after, abs_tol=1e-6)

    def test_it_is_as_personal_as_it_says(self, case: Case) -> None:
        scores = all_scores(case.model)
        assert (scores == scores[:1]).all() != self.model.personal
        assert self.model.personal or not self.model.explains

    def test_it_learns_from_the_order_of_interactions_only_if_it_says_so(self, case: Case) -> None:
        if self.model.sequential or self.model.needs_times or self.model.needs_order:
            return
        turned = pl.col(TIMESTAMP).reverse().over(USER_INDEX)
        reordered = replace(case.dataset, interactions=case.dataset.interactions.with_columns(turned))
        assert np.array_equal(all_scores(self.new().fit(reordered, seed=_SEED)), all_scores(case.model))

    def test_every_end_of_the_search_space_is_valid_and_the_default_lies_within(self) -> None:
        config_type = self.model.config_type
        space = config_type.space if issubclass(config_type, ModelConfig) else {}
        for name, values in space.items():
            ends = (values.low, values.high) if isinstance(values, Span) else values
            assert all(isinstance(self.model(config_type.model_validate({name: end})), self.model) for end in ends)
            default = getattr(config_type(), name)
            assert values.low <= default <= values.high if isinstance(values, Span) else default in values

    def test_every_hyper_parameter_is_described_and_frozen(self) -> None:
        fields = self.model.config_type.model_fields
        assert all(field.description for field in fields.values())
        assert self.model.config_type.model_config["frozen"]

    def test_a_budget_that_the_fit_exceeds_is_named(self) -> None:
        if "max_gigabytes" not in self.model.config_type.model_fields:
            return
        tight = self.model.config_type.model_validate({**self.params, "max_gigabytes": 1e-9})
        with pytest.raises(ConfigurationError, match="max_gigabytes"):
            self.model(tight).fit(USUAL, seed=0)


def without(histories: Histories, items: Indices) -> Histories:
    """Return the histories as if one item of each had been seen and not liked.

    Args:
        histories: Histories of n users.
        items: int32 [n], an item of each.
    """
    scores = histories.scores.copy()
    scores.data[np.repeat(items, np.diff(scores.indptr)) == scores.indices] = 0
    return Histories(scores, histories.places)


def all_scores(model: Model) -> Float32s:
    """Return the scores of all users that the model was fitted on, float32 [n_users, n_items]."""
    return model.score(np.arange(len(model.known.user_ids), dtype=np.int32))
