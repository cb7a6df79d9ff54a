"""A user's list: the published one, or one picked again under rules, events or another α."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nightschool.columns import BECAUSE_ITEM_ID, ITEM_ID, REASON, SCORE, SOURCE
from nightschool.contract import Indices, Mask
from nightschool.errors import ConfigurationError
from nightschool.ranking.rules import ListRules, pick
from nightschool.vocabulary import (
    AUDIENCE_LIST,
    EVERYONE,
    PINNED,
    POPULAR,
    POPULAR_IN_AUDIENCE,
    RANDOM,
    reason_in_words,
)
from serving.candidates import NO_ITEMS, Candidates, Scorer
from serving.catalogue import Catalogue
from serving.contexts import Values
from serving.reasons import reasons_of
from serving.rules import Rules
from serving.schemas.common import ExternalId
from serving.snapshot import Snapshot
from serving.steering import SteeredRules
from serving.user_state import UserState

Entry = dict[str, Any]
"""The fields of `schemas.Recommended`."""


_MAX_NAMES: Final = 20


class Row(NamedTuple):
    """An entry of a list without its title and wording."""

    item_id: ExternalId
    score: float
    source: str
    reason: str
    because: ExternalId | None


class Narrowing(NamedTuple):
    """The filter of one request.

    Attributes:
        category: A label that every item must have; None: any.
        max_difficulty: The highest level; None: any.
        filter: What must hold of every item; None: nothing.
    """

    category: str | None = None
    max_difficulty: str | None = None
    filter: str | None = None


def published_list(snapshot: Snapshot, user_id: ExternalId, k: int) -> list[Entry] | None:
    """Return the first k entries of a user's published list.

    None for a user without one, and where too much of it was withdrawn since.
    """
    gone = snapshot.gone
    columns = snapshot.lists.columns_of(user_id, None if gone else k)
    if columns is None:
        return None
    rows = [*map(Row, *(columns[name] for name in (ITEM_ID, SCORE, SOURCE, REASON, BECAUSE_ITEM_ID)))]
    if gone:
        left = [row for row in rows if row.item_id not in gone]
        if len(left) < min(k, len(rows)):
            return None
        rows = left[:k]
    return [_entry(snapshot, rank, row) for rank, row in enumerate(rows, start=1)]


def audience_list(
    snapshot: Snapshot, user: UserState, k: int, rules: Rules, allowed: Mask, context: Values = ()
) -> list[Entry]:
    """Return up to k unseen items that the audience likes most, from the user's own list where there is one."""
    reason = POPULAR if snapshot.audience(user.user_id) == EVERYONE else POPULAR_IN_AUDIENCE
    shown = ruled(snapshot, audience_candidates(snapshot, user), rules, allowed, context, user.tired)
    places = places_of(snapshot, shown, rules, k)
    ids = [snapshot.catalogue.ids[item] for item in shown.items[places]]
    scores = shown.parts[AUDIENCE_LIST][places].tolist()
    rows = [Row(item, score, AUDIENCE_LIST, reason, None) for item, score in zip(ids, scores, strict=True)]
    return [_entry(snapshot, rank, row) for rank, row in enumerate(rows, start=1)]


def audience_candidates(snapshot: Snapshot, user: UserState) -> Candidates:
    """Return what the audience likes most, from the user's own list where there is one."""
    own = snapshot.lists.columns_of(user.user_id)
    audience = snapshot.audiences[snapshot.audience(user.user_id)]
    liked = dict(zip(own[ITEM_ID], own[SCORE], strict=True)) if own else dict(audience)
    published = np.array([*liked.values()], dtype=np.float32)
    spread = (published - published.mean()) / max(published.std(), 1e-9) if len(published) else published
    return Candidates(snapshot.catalogue.positions(liked), spread, {AUDIENCE_LIST: published})


def picked_list(snapshot: Snapshot, user: UserState, candidates: Candidates, picked: Sequence[int]) -> list[Entry]:
    """Return the candidates at these places as entries, each with its reason."""
    places = np.asarray(picked, dtype=np.int64)
    items = candidates.items[places]
    names = list(candidates.parts)
    leading = np.stack([candidates.parts[name][places] for name in names]).argmax(axis=0) if len(items) else []
    ids, scores = [snapshot.catalogue.ids[item] for item in items], candidates.scores[places].tolist()
    sources = [names[lead] for lead in leading]
    rows = map(Row, ids, scores, sources, *reasons_of(snapshot, user, items, sources))
    return [_entry(snapshot, rank, row) for rank, row in enumerate(rows, start=1)]


def random_entry(snapshot: Snapshot, rank: int, item_id: ExternalId) -> Entry:
    """Return the entry of a randomly drawn item."""
    return _entry(snapshot, rank, Row(item_id, 0.0, RANDOM, RANDOM, None))


def pinned_entry(snapshot: Snapshot, rank: int, item_id: ExternalId) -> Entry:
    """Return the entry of an item that the operator pinned."""
    return _entry(snapshot, rank, Row(item_id, 0.0, PINNED, PINNED, None))


def allowed_items(snapshot: Snapshot, user: UserState, rules: Rules, narrowing: Narrowing = Narrowing()) -> Mask:
    """Select the unseen items that the rules and the request allow, bool [n_items].

    Rules whose filter does not fit the catalogue allow none, so that nothing is shown that it would hide.

    Raises:
        ConfigurationError: The catalogue has no such category or level, or the request's filter does not fit it.
    """
    catalogue = snapshot.catalogue
    allowed = user.unseen(len(catalogue)) & snapshot.available
    allowed[catalogue.positions(map(snapshot.item_id, rules.exclude))] = False
    if isinstance(rules, SteeredRules):
        allowed[catalogue.positions(map(snapshot.item_id, rules.banned))] = False
    for label in rules.exclude_labels:
        allowed &= ~catalogue.labelled(label)
    if rules.prerequisites:
        allowed &= catalogue.ready(user.completed())
    if filter_misfit(catalogue, rules.filter):
        allowed[:] = False
    elif rules.filter is not None:
        allowed &= catalogue.matching(rules.filter)
    if narrowing.filter is not None:
        allowed &= catalogue.matching(narrowing.filter)
    if narrowing.category is not None:
        allowed &= with_label(catalogue, narrowing.category)
    highest = _highest_level(snapshot, user, rules, narrowing)
    return allowed if highest is None else allowed & (catalogue.levels <= highest)


def filter_misfit(catalogue: Catalogue, text: str | None) -> ConfigurationError | None:
    """Return why a filter does not fit the catalogue; None where it does, or where there is none."""
    try:
        if text is not None:
            catalogue.matching(text)
    except ConfigurationError as error:
        return error
    return None


def filter_warnings(catalogue: Catalogue, rules: Rules) -> list[str]:
    """Say that the filter of the rules does not fit the catalogue, which the server's log explains."""
    misfit = filter_misfit(catalogue, rules.filter)
    return ["no item is shown: the filter of the rules does not fit the release"] if misfit else []


def candidates_of(snapshot: Snapshot, user: UserState, rules: Rules, asked: Indices = NO_ITEMS) -> Candidates | None:
    """Return the candidates of a user's list; None where only the audience's list is left.

    Args:
        snapshot: The release.
        user: The history.
        rules: The rules in force.
        asked: int32 [n], positions of items that are candidates in any case.

    Raises:
        ConfigurationError: α is asked of a release without content.
    """
    boosted = snapshot.catalogue.positions(map(snapshot.item_id, boosts_of(rules)))
    scorer = Scorer(snapshot, user, np.concatenate([asked, boosted]) if len(boosted) else asked)
    by_some = scorer.by_models(rules.models) if rules.models else None
    if by_some is not None:
        return by_some
    if rules.alpha is None:
        return scorer.by_recipe() or scorer.by_events()
    if not snapshot.has_content:
        do = "leave alpha out, or describe the items in the manifest"
        raise ConfigurationError("this release has no content scores for alpha", seen=f"alpha={rules.alpha}", do=do)
    return scorer.by_alpha(rules.alpha) or scorer.by_events()


def boosts_of(rules: Rules) -> Mapping[str, float]:
    """Return what the operator's boosts add to the scores of single items, by id."""
    return rules.boosted if isinstance(rules, SteeredRules) else {}


def warnings_of(snapshot: Snapshot, rules: Rules) -> list[str]:
    """Say what of the rules does not fit the release: their filter, and models that it was made without."""
    warnings = filter_warnings(snapshot.catalogue, rules)
    if rules.models:
        there = {*snapshot.weights, *(component.model for component in snapshot.components.values())}
        lacking = [name for name in rules.models if name not in there]
        warnings += [f"the release has no scores by the model {name} of the rules" for name in lacking]
    return warnings


def ruled(
    snapshot: Snapshot,
    candidates: Candidates,
    rules: Rules,
    allowed: Mask,
    context: Values = (),
    tired: NDArray[np.float64] | None = None,
) -> Candidates:
    """Keep the allowed candidates, add the boosts of the rules and of the context, and order them, best first.

    Args:
        snapshot: The release.
        candidates: What may be in the list.
        rules: The rules in force.
        allowed: bool [n_items].
        context: What the request names.
        tired: float64 [n_items], what remains of each item's relevance, the distance of its score to the lowest one;
            None: all of it.
    """
    gain = snapshot.contexts.gain(context, len(snapshot.catalogue))
    for label, points in rules.boost.items():
        gain[snapshot.catalogue.labelled(label)] += points
    for item_id, points in boosts_of(rules).items():
        gain[snapshot.catalogue.positions([snapshot.item_id(item_id)])] += points
    kept = allowed[candidates.items]
    scores = candidates.scores[kept] + gain[candidates.items[kept]]
    if tired is not None and len(scores):
        lowest = scores.min()
        scores = (lowest + (scores - lowest) * tired[candidates.items[kept]]).astype(np.float32)
    order = np.argsort(-scores, kind="stable")
    parts = {name: part[kept][order] for name, part in candidates.parts.items()}
    return Candidates(candidates.items[kept][order], scores[order], parts)


def places_of(snapshot: Snapshot, candidates: Candidates, rules: Rules, k: int) -> list[int]:
    """Pick the candidates of the list by diversity and quota; return their places."""
    catalogue = snapshot.catalogue
    mix = ListRules(rules.diversity, catalogue.similarity_features, catalogue.kinds, rules.quota)
    return [int(place) for place in pick(candidates.items, candidates.scores, k, mix)]


def with_label(catalogue: Catalogue, category: str) -> Mask:
    """Select the items with a label in any column, bool [n_items].

    Raises:
        ConfigurationError: No item has it.
    """
    names = catalogue.label_names
    if category not in names:
        do = f"use one of {', '.join(names[:_MAX_NAMES])}{', …' if len(names) > _MAX_NAMES else ''}"
        raise ConfigurationError("no such category", seen=category, do=do if names else "leave it out: there is none")
    return catalogue.labelled(category)


def _highest_level(snapshot: Snapshot, user: UserState, rules: Rules, narrowing: Narrowing) -> int | None:
    """Return the highest level that may be shown; None for any."""
    names, bounds = snapshot.catalogue.level_names, []
    if narrowing.max_difficulty is not None:
        if narrowing.max_difficulty not in names:
            do = f"use one of {', '.join(names)}" if names else "leave it out: the catalogue has no difficulty"
            raise ConfigurationError("no such difficulty", seen=narrowing.max_difficulty, do=do)
        bounds.append(names.index(narrowing.max_difficulty))
    if rules.difficulty_steps is not None and names:
        reached = snapshot.catalogue.levels[user.completed()].max(initial=-1)
        bounds.append(max(int(reached) + rules.difficulty_steps, 0))
    return min(bounds, default=None)


def _entry(snapshot: Snapshot, rank: int, row: Row) -> Entry:
    return {
        **snapshot.catalogue.describe(row.item_id),
        "rank": rank,
        "score": round(row.score, 6),
        "source": row.source,
        "reason": row.reason,
        "because_item_id": row.because,
        "why": in_words(snapshot, row.reason, row.because),
    }


def in_words(snapshot: Snapshot, reason: str, because: ExternalId | None) -> str:
    """Return a reason in words."""
    words = snapshot.sentences.get((reason, because))
    if words is None:
        title = None if because is None else snapshot.catalogue.describe(because)["title"] or str(because)
        words = snapshot.sentences[reason, because] = reason_in_words(reason, title, "you")
    return words
