from dataclasses import replace

import polars as pl
import pytest

from nightschool.night.selection.context_ranking import ContextData, ContextEvaluator
from nightschool.night.selection.contexts import (
    SHUFFLED,
    WITH,
    WITHOUT,
    ContextSelection,
    choose_contexts,
    learn_contexts,
)
from tests.night.selection.contexts import N_ITEMS, planted, popular


def selected(effect: float) -> ContextSelection:
    split = planted(effect)
    data = ContextData(split.fitted, ("device",), "UTC")
    contexts, held_out = choose_contexts(split, data, seed=1)
    names = [context.name for context in contexts if not context.note]
    if not names:
        return ContextSelection(tuple(contexts))
    evaluator = ContextEvaluator(popular(split.fitted), data, held_out, names, 64)
    return learn_contexts(evaluator, contexts, seed=1)


@pytest.fixture(scope="module")
def found() -> ContextSelection:
    return selected(effect=1.0)


def test_a_planted_context_is_switched_on_and_any_other_stays_off(found: ContextSelection) -> None:
    contexts = {context.name: context for context in found.contexts}
    assert list(contexts) == ["hour", "weekday", "device"]
    assert contexts["device"].setting is not None
    assert contexts["device"].note == ""
    assert contexts["device"].values == ("desk", "phone")
    assert contexts["hour"].setting is None
    assert contexts["hour"].note == "held-out choices are not shown likelier"
    assert contexts["weekday"].note == "fewer than two values with enough interactions"


def test_it_is_shown_better_than_none_and_than_a_shuffled_one(found: ContextSelection) -> None:
    assert found.ndcg[WITH] > found.ndcg[WITHOUT]
    assert found.ndcg[WITH] > found.ndcg[SHUFFLED]
    assert all(low > 0 for _, low, _ in found.differences.values())


def test_without_an_effect_nothing_is_switched_on() -> None:
    assert [context.setting for context in selected(effect=0.0).contexts] == [None, None, None]


def test_of_many_choices_those_of_some_users_are_ranked_all_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    split = planted(effect=1.0)
    twice = split.held_out.with_columns((pl.col("item_index") + 1) % N_ITEMS)
    many = replace(split, held_out=pl.concat([split.held_out, twice]))
    data = ContextData(split.fitted, ("device",), "UTC")
    monkeypatch.setattr("nightschool.night.selection.contexts._MOST_CHOICES", 101)
    _, ranked = choose_contexts(many, data, seed=1)
    assert ranked.height == 102
    assert set(ranked.group_by("user_index").len()["len"]) == {2}
    assert choose_contexts(many, data, seed=1)[1].equals(ranked)
    assert not choose_contexts(many, data, seed=2)[1].equals(ranked)
