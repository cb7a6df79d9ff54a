"""Items that the operator pinned, at their places in a list, and a published list without banned ones."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence

from nightschool.contract import Mask
from serving.listing import Entry, pinned_entry
from serving.rules import Rules
from serving.snapshot import Snapshot
from serving.steering import SteeredRules


def pins_of(snapshot: Snapshot, rules: Rules, allowed: Mask, n_before: int, k: int) -> Mapping[int, int]:
    """Return the pins of a page: place on it, from 1, to the position of the item; the lowest place first.

    Of several items at one place the newest stands there, and the others below it. An item that may not be shown to
    the user is pinned nowhere.

    Args:
        snapshot: The release.
        rules: The rules in force.
        allowed: bool [n_items], what the user may be shown.
        n_before: How many items earlier pages showed.
        k: How many items the page holds.
    """
    pins: dict[int, int] = {}
    for place, item_id in rules.pinned if isinstance(rules, SteeredRules) else ():
        found = snapshot.catalogue.positions([snapshot.item_id(item_id)]).tolist()
        here = max([place - n_before, *(taken + 1 for taken in pins)])
        if place > n_before and here <= k and found and allowed[found[0]] and found[0] not in pins.values():
            pins[here] = found[0]
    return pins


def unbanned(entries: list[Entry], banned: Collection[str]) -> list[Entry]:
    """Return the entries that are not banned; the same list where none is."""
    left = [entry for entry in entries if str(entry["item_id"]) not in banned] if banned else entries
    if len(left) == len(entries):
        return entries
    return [{**entry, "rank": rank} for rank, entry in enumerate(left, start=1)]


def pinned(snapshot: Snapshot, made: Sequence[Entry], pins: Mapping[int, int], rules: Rules, k: int) -> list[Entry]:
    """Return the first k entries of a list with its pins in their places; where it ends before, they close it.

    Pins count for the quota: entries of a kind that they fill up leave the list, and so does a pin too many.

    Args:
        snapshot: The release.
        made: The list without the pinned items, longer than k by their number.
        pins: Place to the position of an item, as `pins_of` returns them.
        rules: The rules in force.
        k: How many items.
    """
    catalogue, quota = snapshot.catalogue, rules.quota
    counts: Counter[int] = Counter()

    def within_quota(position: int) -> bool:
        kind = int(catalogue.kinds[position])
        counts[kind] += 1
        return quota is None or kind < 0 or counts[kind] <= quota

    kept_pins = {place: position for place, position in pins.items() if within_quota(position)}
    places = catalogue.positions(entry["item_id"] for entry in made).tolist()
    entries = [entry for entry, position in zip(made, places, strict=True) if within_quota(position)]
    for place, position in kept_pins.items():
        entries.insert(place - 1, pinned_entry(snapshot, place, catalogue.ids[position]))
    return [{**entry, "rank": rank} for rank, entry in enumerate(entries[:k], start=1)]
