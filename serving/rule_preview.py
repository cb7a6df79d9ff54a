"""What other rules would change in a user's list."""

from collections.abc import Sequence
from typing import NamedTuple

from serving.answers import ListRequest, make_list
from serving.listing import Entry
from serving.rules import Rules
from serving.snapshot import Snapshot
from serving.user_state import UserState


class PreviewRow(NamedTuple):
    """An entry of a list, and its rank in the other one; None where that lacks it."""

    entry: Entry
    elsewhere: int | None


class Preview(NamedTuple):
    """A user's list by the rules in force, and by other rules."""

    before: Sequence[PreviewRow]
    after: Sequence[PreviewRow]

    @property
    def same(self) -> bool:
        """Return whether both lists hold the same items in the same order."""
        return all(row.elsewhere == row.entry["rank"] for row in (*self.before, *self.after))


def preview(snapshot: Snapshot, state: UserState, before: Rules, after: Rules, k: int) -> Preview:
    """Make a user's list by two sets of rules, without other scenarios of the page and without an experiment.

    Args:
        snapshot: The release.
        state: The user's history.
        before: The rules in force.
        after: The other rules.
        k: How many items.
    """
    first, second = (make_list(snapshot, state, rules, ListRequest(k)) for rules in (before, after))
    ranks = [{entry["item_id"]: entry["rank"] for entry in made} for made in (first, second)]
    return Preview(
        [PreviewRow(entry, ranks[1].get(entry["item_id"])) for entry in first],
        [PreviewRow(entry, ranks[0].get(entry["item_id"])) for entry in second],
    )
