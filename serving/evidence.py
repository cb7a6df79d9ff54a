"""Evidence of why an item is in a list: the item of the history that it follows from, and what both have in common."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple

from serving.catalogue import Catalogue
from serving.schemas.common import ExternalId, Item
from serving.schemas.lists import Recommended
from serving.snapshot import Snapshot
from serving.user_state import UserState

_MOST_LABELS: Final = 4
_MOST_WORDS: Final = 3


class Evidence(NamedTuple):
    """What an entry of a list follows from.

    Attributes:
        item: The item of the history.
        at: When the user met it last; None where that is unknown.
        labels: The skills and categories of both.
        words: Words that few other items have in title and text, and both do.
    """

    item: Item
    at: datetime | None
    labels: tuple[str, ...]
    words: tuple[str, ...]

    @property
    def shared(self) -> tuple[str, ...]:
        """Return what both items have in common."""
        return (*self.labels, *self.words)


def evidence_of(snapshot: Snapshot, user: UserState, entries: Sequence[Recommended]) -> dict[ExternalId, Evidence]:
    """Return the evidence of each entry that follows from an item of the history.

    Args:
        snapshot: The release.
        user: The history, with the events since.
        entries: The list.
    """
    catalogue = snapshot.catalogue
    found = {}
    for entry in entries:
        because = entry.because_item_id
        place = catalogue.position(because) if because is not None else None
        if because is None or place is None:
            continue
        met = user.current.get(place)
        item = catalogue.item(because)
        listed = catalogue.position(entry.item_id)
        labels, words = _shared(catalogue, place, listed) if listed is not None else ((), [])
        told = " ".join(labels).casefold()
        others = [word for word in words if word not in told]
        at = None if met is None else met.at
        found[entry.item_id] = Evidence(item, at, labels[:_MOST_LABELS], tuple(others[:_MOST_WORDS]))
    return found


def _shared(catalogue: Catalogue, one: int, other: int) -> tuple[tuple[str, ...], list[str]]:
    """Return the labels that two items have in the same column, skills first, and the words of both."""
    first, second = (catalogue.describe(catalogue.ids[place])["labels"] for place in (one, other))
    starts, built = catalogue.skills.indptr, catalogue.skills.indices
    skills = set.intersection(*(set(built[starts[place] : starts[place + 1]].tolist()) for place in (one, other)))
    columns = (*catalogue.columns.lists, *catalogue.columns.categories)
    labels = (label for name in columns for label in first.get(name, ()) if label in second.get(name, ()))
    both = (*(catalogue.skill_names[skill] for skill in sorted(skills)), *labels)
    return tuple(dict.fromkeys(both)), catalogue.words.shared(one, other)
