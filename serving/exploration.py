"""Lists with some slots at random, so that items nobody knows yet are seen and rankings can be estimated later."""

from collections.abc import Sequence
from hashlib import blake2b
from typing import Final, NamedTuple

import numpy as np

from nightschool.contract import Indices, Mask
from nightschool.ranking.exploration import explore_slots, pool_within_quota, propensities_of
from nightschool.vocabulary import PINNED
from serving.answers import ListRequest
from serving.candidates import Scorer
from serving.listing import Entry, Narrowing, allowed_items, audience_candidates, candidates_of, random_entry, ruled
from serving.rules import Rules
from serving.snapshot import Snapshot
from serving.user_state import UserState

POOL_SIZE: Final = 50
"""Items that a list draws from at random: enough that none of them is in every other list."""

FEW_LIKES: Final = 20
"""An item that fewer users liked is new: next to nothing is known of it."""

ENOUGH_SHOWN: Final = 500
"""Places at which an item was shown of late from which on it is new no more, though few liked it."""


class ExploredList(NamedTuple):
    """A list, some slots of which may be random.

    Attributes:
        entries: The list.
        propensities: The chance that each item had of coming to its place.
    """

    entries: list[Entry]
    propensities: Sequence[float]


def explored_list(
    snapshot: Snapshot, user: UserState, rules: Rules, asked: ListRequest, made: list[Entry], day: int
) -> ExploredList:
    """Replace each entry by a random item with the chance `explore` of the rules; what was pinned stays at its place.

    Slots and items are drawn by user, day, scenario and page, so that a user sees one list all day.

    Args:
        snapshot: The release.
        user: The history.
        rules: The rules in force, which hold for random items too.
        asked: What the request asks, which holds for them too.
        made: The list without random items.
        day: A number of the day.
    """
    if not rules.explore or all(entry["source"] == PINNED for entry in made):
        return ExploredList(made, [1.0] * len(made))
    places = np.array([place for place, entry in enumerate(made) if entry["source"] != PINNED], dtype=np.int64)
    chances = np.ones(len(made))
    catalogue = snapshot.catalogue
    listed = catalogue.positions(entry["item_id"] for entry in made)
    allowed = allowed_items(snapshot, user, rules, Narrowing(asked.category, asked.max_difficulty, asked.filter))
    if asked.shown:
        allowed &= ~catalogue.shown(asked.shown)
    allowed[listed] = False
    pool = pool_within_quota(_explored_first(snapshot, user, rules, allowed), catalogue.kinds, listed, rules.quota)
    rng = np.random.default_rng(_seed(user, asked, day))
    explored = explore_slots(len(places), pool, catalogue.kinds, rules.explore, rng)
    entries = list(made)
    for place, item in zip(places[explored.slots].tolist(), explored.items.tolist(), strict=True):
        entries[place] = random_entry(snapshot, place + 1, catalogue.ids[item])
    chances[places] = propensities_of(len(places), explored)
    return ExploredList(entries, chances.tolist())


def _explored_first(snapshot: Snapshot, user: UserState, rules: Rules, allowed: Mask) -> Indices:
    """Return the allowed items that are explored, int32 [≤ POOL_SIZE].

    New items come first, those with the most weight to the history before others; the user's candidates follow. A user
    without a history explores their candidates first.
    """
    candidates = candidates_of(snapshot, user, rules) or audience_candidates(snapshot, user)
    own = ruled(snapshot, candidates, rules, allowed, tired=user.tired).items
    unknown = (snapshot.popularity < FEW_LIKES) & (snapshot.showings < ENOUGH_SHOWN)
    new = np.flatnonzero(allowed & unknown).astype(np.int32)
    if len(new) > POOL_SIZE:
        near = Scorer(snapshot, user).by_history(new)
        new = new if near is None else np.concatenate([near.items, np.setdiff1d(new, near.items)])
    parts = (new[:POOL_SIZE], own) if user.current else (own[:POOL_SIZE], new)
    both = np.concatenate(parts)
    _, first = np.unique(both, return_index=True)
    return both[np.sort(first)][:POOL_SIZE].astype(np.int32)


def _seed(user: UserState, asked: ListRequest, day: int) -> int:
    """Hash what a draw depends on; in a session, its items stand for the user."""
    whose = [*user.current] if user.user_id is None else user.user_id
    text = f"explore:{whose}:{day}:{asked.scenario}:".encode(errors="surrogatepass")
    return int.from_bytes(blake2b(text + asked.shown, digest_size=8).digest())
