"""Which contexts order lists better: strength and weight of each learned on validation, and shown on users apart."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Final, NamedTuple

import numpy as np
import polars as pl

from nightschool.columns import ITEM_INDEX, RELEVANT, USER_INDEX
from nightschool.contract import Indices, Mask, Split
from nightschool.evaluation.intervals import mean_intervals
from nightschool.evaluation.metrics import Float64s
from nightschool.night.selection.context_ranking import ContextData, ContextEvaluator, Setting

_STRENGTHS: Final = (3.0, 10.0, 30.0, 100.0, 300.0, 1000.0)
_WEIGHTS: Final = (0.1, 0.2, 0.4, 0.8, 1.6, 3.2)
"""Weights that are tried, in units of the sum of the recipe's weights."""
_LEAST_USERS: Final = 20
"""Users below which no context is looked at: an interval over fewer tells nothing."""
_MOST_CHOICES: Final = 20_000
"""Held-out choices that are ranked; those of a sample of users where there are more."""

WITHOUT, WITH, SHUFFLED = "without context", "with context", "with shuffled context"

Difference = tuple[float, float, float]
"""A mean paired difference over users and its 95 % interval."""


@dataclass(frozen=True)
class Context:
    """A context with the values that are told apart.

    Attributes:
        name: `hour`, `weekday`, or a declared one.
        values: Known values, sorted.
        setting: How it changes scores; None where it changes nothing.
        difference: What it adds to the mean ndcg@10 of held-out choices, on users it was not chosen on; None where it
            was not ranked with.
        note: Why it changes nothing; empty where it does.
    """

    name: str
    values: tuple[str, ...]
    setting: Setting | None = None
    difference: Difference | None = None
    note: str = ""


@dataclass(frozen=True)
class ContextSelection:
    """The contexts that were looked at, and what those that are switched on do together.

    Attributes:
        contexts: Every context of the data.
        n_users: Validation users with ranked choices; 0 where nothing was ranked.
        ndcg: Mean ndcg@10 of held-out choices without context, with it, and with that of another choice.
        differences: What the ranking with context is ahead of either of the others.
    """

    contexts: tuple[Context, ...]
    n_users: int = 0
    ndcg: Mapping[str, float] = field(default_factory=dict)
    differences: Mapping[str, Difference] = field(default_factory=dict)


class CrossValidated(NamedTuple):
    """Figures of users whose settings were learned on the others.

    Attributes:
        ndcg: Mean ndcg@10 of held-out choices without context, with it, and with that of another choice.
        differences: What the ranking with context is ahead of either of the others.
        adds: What each context adds to the others.
    """

    ndcg: Mapping[str, float]
    differences: Mapping[str, Difference]
    adds: Mapping[str, Difference]


def choose_contexts(split: Split, data: ContextData, seed: int) -> tuple[list[Context], pl.DataFrame]:
    """Return every context, those with a note being out of the question, and the choices to rank the others by.

    A context is out where it has fewer than two values, or where its lifts do not make the held-out choices likelier
    than popularity alone does, by interval on users that the strength was not chosen on.
    """
    known = pl.Series(~split.fitted.cold_users[split.held_out[USER_INDEX].to_numpy()])
    held_out = _sample(split.held_out.filter(pl.col(RELEVANT) & known), seed)
    names = [name for name, values in data.values.items() if values]
    codes = data.codes(held_out, names)
    found = []
    for name, values in data.values.items():
        note = "fewer than two values with enough interactions"
        if values and held_out[USER_INDEX].n_unique() < _LEAST_USERS:
            note = f"fewer than {_LEAST_USERS} users with a history and held-out choices to measure it on"
        elif values:
            note = "" if _is_likelier(data, held_out, name, codes[name]) else "held-out choices are not shown likelier"
        found.append(Context(name, values, note=note))
    return found, held_out


def learn_contexts(evaluator: ContextEvaluator, contexts: Sequence[Context], seed: int) -> ContextSelection:
    """Switch contexts on that are shown to order held-out choices better, and learn their settings on all users.

    A context is dropped unless the interval of what it adds on users apart is above zero; in the end all of them are,
    unless they are also shown better than the contexts of other choices, dealt out at random.
    """
    kept, differences = [context.name for context in contexts if not context.note], dict[str, Difference]()
    measured = None
    while kept:
        measured = cross_validate_contexts(evaluator, kept, seed)
        differences |= measured.adds
        weakest = min(kept, key=lambda name: differences[name][1])
        if differences[weakest][1] > 0:
            break
        kept.remove(weakest)
    if not kept or measured is None:
        return ContextSelection(_decided(contexts, {}, differences), evaluator.n_users)
    is_shown = min(low for _, low, _ in measured.differences.values()) > 0
    chosen = learn_settings(evaluator, kept, np.ones(evaluator.n_users, dtype=bool)) if is_shown else {}
    decided = _decided(contexts, chosen, differences)
    return ContextSelection(decided, evaluator.n_users, measured.ndcg, measured.differences)


def cross_validate_contexts(evaluator: ContextEvaluator, names: Sequence[str], seed: int) -> CrossValidated:
    """Learn settings on either half of the users, and measure them on the other."""
    halves = np.arange(evaluator.n_users) % 2 == 0
    apart = [(learn_settings(evaluator, names, half), ~half) for half in (halves, ~halves)]
    together = _measure(evaluator, apart)
    without = _measure(evaluator, [({}, users) for _, users in apart])
    shuffled = _measure(evaluator, apart, _shuffled(evaluator.codes, seed))
    less = {name: _measure(evaluator, [(_without(each, name), users) for each, users in apart]) for name in names}
    return CrossValidated(
        {WITHOUT: float(without.mean()), WITH: float(together.mean()), SHUFFLED: float(shuffled.mean())},
        {WITHOUT: _difference(together - without), SHUFFLED: _difference(together - shuffled)},
        {name: _difference(together - values) for name, values in less.items()},
    )


def _decided(
    contexts: Sequence[Context], chosen: Mapping[str, Setting], differences: Mapping[str, Difference]
) -> tuple[Context, ...]:
    found = []
    for context in contexts:
        setting, difference = chosen.get(context.name), differences.get(context.name)
        note = context.note or ("" if setting else "not shown to order held-out choices better")
        found.append(Context(context.name, context.values, setting, difference, note))
    return tuple(found)


def learn_settings(evaluator: ContextEvaluator, names: Sequence[str], users: Mask) -> dict[str, Setting]:
    """Learn settings by forward selection: each step adds the best setting of the best context, while it helps."""
    settings = dict[str, Setting]()
    values = evaluator.ndcg(settings, users)
    while left := [name for name in names if name not in settings]:
        tried = [(name, Setting(*each)) for name, each in product(left, product(_STRENGTHS, _WEIGHTS))]
        measured = [evaluator.ndcg({**settings, name: setting}, users) for name, setting in tried]
        best = int(np.argmax([each.mean() for each in measured]))
        gained = measured[best] - values
        if not gained.mean() > gained.std() / np.sqrt(max(len(gained), 1)):
            break
        settings[tried[best][0]], values = tried[best][1], measured[best]
    return settings


def _measure(
    evaluator: ContextEvaluator,
    parts: Sequence[tuple[Mapping[str, Setting], Mask]],
    codes: Mapping[str, Indices] | None = None,
) -> Float64s:
    """Measure all users, each part of them under its settings, float64 [n_users]."""
    values = np.zeros(evaluator.n_users)
    for settings, users in parts:
        values[users] = evaluator.ndcg(settings, users, codes)
    return values


def _without(settings: Mapping[str, Setting], name: str) -> dict[str, Setting]:
    return {each: setting for each, setting in settings.items() if each != name}


def _shuffled(codes: Mapping[str, Indices], seed: int) -> dict[str, Indices]:
    """Deal the contexts out to other choices at random, those of one choice together."""
    n = len(next(iter(codes.values()), ()))
    order = np.random.default_rng(seed).permutation(n)
    return {name: values[order] for name, values in codes.items()}


def _difference(values: Float64s) -> Difference:
    ends = mean_intervals(values[:, None])
    return float(values.mean()), float(ends.low[0]), float(ends.high[0])


def _is_likelier(data: ContextData, held_out: pl.DataFrame, name: str, codes: Indices) -> bool:
    """Return whether lifts make held-out choices likelier, by interval on users the strength was not chosen on."""
    there = codes >= 0
    users, rows = np.unique(held_out[USER_INDEX].to_numpy()[there], return_inverse=True)
    items, counts = held_out[ITEM_INDEX].to_numpy()[there], data.counts(name)
    if len(users) < 2:
        return False
    gains = []
    for strength in _STRENGTHS:
        lifts = counts.lifts(strength)
        totals = np.log(np.exp(lifts) @ data.popularity)
        gained = lifts[codes[there], items] - totals[codes[there]]
        gains.append(np.bincount(rows, weights=gained) / np.bincount(rows))
    by_user, halves = np.stack(gains), np.arange(len(users)) % 2 == 0
    apart = np.empty(len(users))
    for half in (halves, ~halves):
        apart[~half] = by_user[int(by_user[:, half].mean(axis=1).argmax()), ~half]
    return _difference(apart)[1] > 0


def _sample(held_out: pl.DataFrame, seed: int) -> pl.DataFrame:
    """Keep the choices of users at random up to the number that is ranked: scoring a user costs more than a choice."""
    users = held_out.group_by(USER_INDEX).len().sort(USER_INDEX).sample(fraction=1, shuffle=True, seed=seed)
    kept = users.filter(pl.col("len").cum_sum() - pl.col("len") < _MOST_CHOICES)[USER_INDEX]
    return held_out.filter(pl.col(USER_INDEX).is_in(kept.implode()))
