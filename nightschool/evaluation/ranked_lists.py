"""Ranked lists as metrics see them, and what is counted of all lists together."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nightschool.contract import Indices, Mask
from nightschool.evaluation.metrics import Counts, times_shown

if TYPE_CHECKING:  # the service and the command line list metrics without loading what makes features of items
    from nightschool.evaluation.facts import Facts


@dataclass(frozen=True, eq=False)
class RankedLists:
    """Ranked lists of users with relevant held-out items, and the facts of the split that they are measured on.

    Attributes:
        items: int32[n, depth], padded with -1.
        users: int32[n], whose list each row is.
        hits: bool[n, depth], whether each place holds a relevant item.
        facts: The split's.
        available: bool[n_items], the items that could be recommended.
    """

    items: Indices
    users: Indices
    hits: Mask
    facts: "Facts"
    available: Mask


@dataclass(frozen=True, eq=False)
class Tally:
    """Counts of all lists together; those of users who are evaluated apart add up.

    Attributes:
        shown: k to int64[n_items], how many lists hold each item among their first k.
        relevant: Relevant pairs.
        outside: Those of them whose item could not be recommended.
        cold_users: Users with a relevant pair and no history.
        available: bool[n_items], the items that could be recommended.
    """

    shown: Mapping[int, Counts]
    relevant: int
    outside: int
    cold_users: int
    available: Mask

    def __add__(self, other: "Tally") -> "Tally":
        """Return the counts of both."""
        return Tally(
            {k: counts + other.shown[k] for k, counts in self.shown.items()},
            self.relevant + other.relevant,
            self.outside + other.outside,
            self.cold_users + other.cold_users,
            self.available,
        )

    @classmethod
    def of(cls, lists: RankedLists, cutoffs: tuple[int, ...]) -> "Tally":
        """Count some lists."""
        facts, n_items = lists.facts, len(lists.available)
        return cls(
            {k: times_shown(lists.items, n_items, k) for k in cutoffs},
            len(facts.relevant.indices),
            int((~lists.available[facts.relevant.indices]).sum()),
            int(((facts.n_seen == 0) & (facts.n_relevant > 0)).sum()),
            lists.available,
        )
