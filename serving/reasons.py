"""Why items are in a list that is picked again: as the night found it, else by the item weights of their source."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from nightschool.columns import BECAUSE_ITEM_ID, ITEM_ID, REASON, SOURCE
from nightschool.contract import Indices
from nightschool.ranking.explain import strongest_reasons, weighted
from nightschool.vocabulary import BECAUSE_OF_ITEM, CONTENT, POPULAR, SIMILAR_CONTENT, WHOLE_HISTORY
from serving.schemas.common import ExternalId
from serving.snapshot import Snapshot
from serving.user_state import UserState


class _Reason(NamedTuple):
    """Why an item is in a list: a code, and the history item that it follows from; None where it follows from none."""

    code: str
    because: ExternalId | None


def reasons_of(
    snapshot: Snapshot, user: UserState, items: Indices, sources: Sequence[str]
) -> tuple[list[str], list[ExternalId | None]]:
    """Return the code and the history item of each listed item.

    An item that the same component brought into the published list keeps the published reason until an event changes
    the history. Else the reason is the history item with the largest weight by the item's source. A source without
    weights has the published reason, as long as the user likes what it names.

    Args:
        snapshot: The release.
        user: The history, with the events since.
        items: int32 [n], positions in the catalogue.
        sources: The component that adds most to each item's score.
    """
    published = _published(snapshot, user)
    found = _by_weights(snapshot, user, items, sources)
    reasons = []
    for place, source in enumerate(sources):
        was, reason = published.get(snapshot.catalogue.ids[items[place]], ("", None))
        if source in snapshot.unexplained:
            reasons.append(_Reason(POPULAR, None))
        elif reason is not None and (source not in snapshot.weights or (was == source and not user.sent)):
            reasons.append(reason)
        else:
            reasons.append(found[place])
    return [reason.code for reason in reasons], [reason.because for reason in reasons]


def _published(snapshot: Snapshot, user: UserState) -> dict[ExternalId, tuple[str, _Reason]]:
    """Return source and reason of the published items whose reason the user still likes."""
    columns = snapshot.lists.columns_of(user.user_id)
    if columns is None:
        return {}
    liked = {None, *(snapshot.catalogue.ids[place] for place in user.completed())}
    rows = zip(*(columns[name] for name in (ITEM_ID, SOURCE, REASON, BECAUSE_ITEM_ID)), strict=True)
    return {item: (source, _Reason(code, because)) for item, source, code, because in rows if because in liked}


def _by_weights(snapshot: Snapshot, user: UserState, items: Indices, sources: Sequence[str]) -> list[_Reason]:
    """Find the history item with the largest weight to each item, by the weights of its source."""
    histories = user.histories(len(snapshot.catalogue))
    reasons = [_Reason(WHOLE_HISTORY, None)] * len(items)
    for source in set(sources) & snapshot.weights.keys():
        contributions = weighted(snapshot.weights[source], histories, items[None])
        strongest = strongest_reasons(items[None], histories, [contributions], np.ones((1, 1), dtype=np.float32))
        code = SIMILAR_CONTENT if source == CONTENT else BECAUSE_OF_ITEM
        for place in np.flatnonzero(strongest.because[0] >= 0).tolist():
            if sources[place] == source:
                reasons[place] = _Reason(code, snapshot.catalogue.ids[strongest.because[0, place]])
    return reasons
