"""Lists that no night published: for the items of a session, and of items that are given."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np

from nightschool.contract import Indices, Mask
from nightschool.ranking.foldin import ItemWeights
from nightschool.vocabulary import POPULARITY
from serving.answers import ListRequest, list_fields, make_list
from serving.candidates import Candidates
from serving.exploration import explored_list
from serving.listing import allowed_items, candidates_of, picked_list, ruled, warnings_of
from serving.rules import Rules
from serving.schemas.common import ExternalId, as_text
from serving.snapshot import Snapshot
from serving.user_state import UserState

Fields = dict[str, Any]

MOST_QUICK: Final = 20_000
"""Items up to which the weights of a session are summed in a millisecond."""


def is_quick(snapshot: Snapshot) -> bool:
    """Return whether a session's list takes no longer than handing it to a thread and waiting for the interpreter."""
    weighed = all(isinstance(scorer, ItemWeights) for scorer in snapshot.scorers.values())
    return weighed and len(snapshot.catalogue) <= MOST_QUICK


def session_of(snapshot: Snapshot, session: Sequence[ExternalId]) -> tuple[UserState, list[str]]:
    """Return the history of a session, and the items of it that the release does not hold.

    Args:
        snapshot: The release.
        session: Ids of items, the oldest first.
    """
    items, unknown = _placed(snapshot, session)
    return UserState.of_session(items), unknown


def session_list(
    snapshot: Snapshot, session: Sequence[ExternalId], rules: Rules, asked: ListRequest
) -> tuple[Fields, Sequence[float]]:
    """Return a list by the weights and networks that the release published, and the chance of each of its items.

    It has the fields of `schemas.SessionList`.

    A session of which the release holds nothing gets what is popular with everyone.

    Raises:
        ConfigurationError: A parameter of the request does not fit the release.
    """
    state, unknown = session_of(snapshot, session)
    now = datetime.now(UTC)
    context, warnings = snapshot.contexts.applied(asked.context, now)
    resolved, in_force = asked._replace(context=context), asked.changes(rules)
    made = make_list(snapshot, state, in_force, resolved)
    explored = explored_list(snapshot, state, in_force, resolved, made, now.toordinal())
    made = resolved.numbered(explored.entries)
    fields = {
        "scenario": asked.scenario or None,
        "unknown": unknown,
        "alpha": in_force.alpha,
        "context": dict(context),
        "warnings": [*warnings, *warnings_of(snapshot, in_force)],
        "next": asked.next_page(made),
    }
    return list_fields(snapshot, fields, made), explored.propensities


def ranked_list(
    snapshot: Snapshot, user: UserState, given: Sequence[ExternalId], rules: Rules, asked: ListRequest
) -> Fields:
    """Return the fields of `schemas.RankedList`: the given items that may be shown in order, and why others are not.

    The order is that of the user's list, before diversity and quota. Where nothing is known of the user, it is by how
    many users liked the items.

    Raises:
        ConfigurationError: A parameter of the request does not fit the release.
    """
    items, unknown = _placed(snapshot, given)
    context, warnings = snapshot.contexts.applied(asked.context, datetime.now(UTC))
    in_force = asked.changes(rules)
    allowed = allowed_items(snapshot, user, in_force)
    among = np.zeros_like(allowed)
    among[items] = True
    wanted = np.flatnonzero(allowed & among).astype(np.int32)
    candidates = candidates_of(snapshot, user, in_force, wanted) or _by_popularity(snapshot, wanted)
    shown = ruled(snapshot, candidates, in_force, allowed & among, context)
    made = picked_list(snapshot, user, shown, range(len(shown.items)))
    fields = {
        "user_id": user.user_id,
        "left_out": [{"item_id": item, "why": "unknown"} for item in unknown]
        + _left_out(snapshot, user, items, allowed),
        "alpha": in_force.alpha,
        "context": dict(context),
        "warnings": [*warnings, *warnings_of(snapshot, in_force)],
    }
    return list_fields(snapshot, fields, made)


def _placed(snapshot: Snapshot, given: Sequence[ExternalId]) -> tuple[Indices, list[str]]:
    """Return the positions of the given items, int32 [≤ n], in their order, and the ids that the release lacks."""
    ids = [(value, snapshot.item_id(value)) for value in given]
    places = [(value, None if known is None else snapshot.catalogue.position(known)) for value, known in ids]
    found = [place for _, place in places if place is not None]
    return np.array(found, dtype=np.int32), list(
        dict.fromkeys(as_text(value) for value, place in places if place is None)
    )


def _by_popularity(snapshot: Snapshot, items: Indices) -> Candidates:
    liked = snapshot.popularity[items].astype(np.float32)
    return Candidates(items, liked, {POPULARITY: liked})


def _left_out(snapshot: Snapshot, user: UserState, items: Indices, allowed: Mask) -> list[Mapping[str, Any]]:
    """Say of the items that may not be shown why not, in the order in which they were given."""
    left = [place for place in dict.fromkeys(items.tolist()) if not allowed[place]]
    return [{"item_id": snapshot.catalogue.ids[place], "why": _why_not(snapshot, user, place)} for place in left]


def _why_not(snapshot: Snapshot, user: UserState, place: int) -> str:
    met = user.current.get(place)
    if met is not None:
        return "completed" if met.score > 0 else "hidden"
    return "rules" if snapshot.available[place] else "unavailable"
