"""People who see what is served and choose by the planted truth of a simulation."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from nightschool.contract import Float32s, Indices, Mask
from nightschool.simulator.truth import Truth, elapsed_share, true_affinity

ATTENTION: Final = 0.7
"""How fast attention falls down a list: a place is looked at with probability place^-ATTENTION."""

BOREDOM: Final = 0.75
"""What is left of an item's appeal for each time that it was looked at and not chosen."""

COMPLETES: Final = 0.5
LIKES: Final = 0.3
"""The chances that whoever opened an item completes it, and likes it."""

EXPLORERS: Final = 0.3
"""The share of visits on which somebody also takes an item found elsewhere, drawn from the truth."""


class Visit(NamedTuple):
    """What a user did with a list.

    Attributes:
        looked: Which places were looked at, bool [k].
        opened: Which items were opened, likewise; `completed` and `liked` are some of them.
        expected: How many items were to be opened, by the truth.
        best: How many would have been of the list that the truth puts first.
    """

    looked: Mask
    opened: Mask
    completed: Mask
    liked: Mask
    expected: float
    best: float


@dataclass(eq=False)
class World:
    """The people and items of a latent simulation, and what happened between them.

    An item's *appeal* to a user is its true probability beside that of the most probable item that is there, 0 for one
    that the user has opened, and less by `BOREDOM` for each time that it was looked at in vain. Of a list, each place
    is looked at by `ATTENTION`, and what is looked at is opened with the probability of its appeal.

    Attributes:
        truth: What the simulation was drawn from.
        arrives: The day on which each item comes into the catalogue, int32 [n_items]; 0: it was there before.
        done: What each user opened, bool [n_users, n_items].
        bored: How often each user looked at an item in vain, int8 [n_users, n_items].
    """

    truth: Truth
    arrives: Indices
    done: NDArray[np.bool_] = field(repr=False)
    bored: NDArray[np.int8] = field(repr=False)

    @classmethod
    def of(cls, truth: Truth, new_items: float, days: int, seed: int) -> Self:
        """Start from a truth, with a share of the items that come in one after the other over some days."""
        rng = np.random.default_rng([seed, 0])
        n_users, n_items = len(truth.activity), len(truth.popularity)
        arrives = np.zeros(n_items, dtype=np.int32)
        late = rng.choice(n_items, size=round(new_items * n_items), replace=False)
        arrives[late] = 1 + np.arange(len(late), dtype=np.int32) % days
        shape = n_users, n_items
        return cls(truth, arrives, np.zeros(shape, dtype=np.bool_), np.zeros(shape, dtype=np.int8))

    def there(self, day: int) -> Mask:
        """Return which items are in the catalogue on a day, bool [n_items]."""
        return self.arrives <= day

    def visitors(self, n: int, rng: np.random.Generator) -> Indices:
        """Draw the people who come on a day, int32 [≤ n], each once, by how active they are; no bots."""
        active = np.where(self.truth.bots, 0.0, self.truth.activity)
        size = min(n, int(np.count_nonzero(active)))
        return np.sort(rng.choice(len(active), size=size, replace=False, p=active / active.sum())).astype(np.int32)

    def appeal(self, user: int, day: int, now: datetime) -> Float32s:
        """Return how much each item appeals to a user, float32 [n_items] in [0, 1]."""
        truth = self.truth
        elapsed = min(elapsed_share(truth, now), 1.0)
        chances = true_affinity(truth, np.array([user + 1]), elapsed)[0] * self.there(day)
        fresh = chances / max(float(chances.max()), 1e-12)
        appeal: Float32s = (fresh * ~self.done[user] * BOREDOM ** self.bored[user]).astype(np.float32)
        return appeal

    def visit(self, user: int, shown: Indices, appeal: Float32s, rng: np.random.Generator) -> Visit:
        """Let a user look at a list and choose; it is remembered what was opened, and what was looked at in vain.

        Args:
            user: From 0.
            shown: int32 [k], the items of the list, from 0.
            appeal: Of every item to the user.
            rng: The day's random numbers.
        """
        attention = np.arange(1, len(shown) + 1) ** -ATTENTION
        chances, draws = appeal[shown], rng.random((4, len(shown)))
        looked = draws[0] < attention
        opened = looked & (draws[1] < chances)
        self.done[user, shown[opened]] = True
        vain = shown[looked & ~opened]
        self.bored[user, vain] = np.minimum(self.bored[user, vain] + 1, 100)
        best = np.sort(np.partition(appeal, -len(shown))[-len(shown) :])[::-1] if len(shown) else np.zeros(0)
        return Visit(
            looked=looked,
            opened=opened,
            completed=opened & (draws[2] < COMPLETES),
            liked=opened & (draws[3] < LIKES),
            expected=float(attention @ chances),
            best=float(attention @ best),
        )

    def elsewhere(self, user: int, appeal: Float32s, rng: np.random.Generator) -> int | None:
        """Return an item that a user found outside of the lists and took; None on most visits."""
        draws = rng.random(2)
        total = float(appeal.sum())
        if draws[0] >= EXPLORERS or total == 0:
            return None
        item = int(np.searchsorted(np.cumsum(appeal), draws[1] * total, side="right"))
        item = min(item, len(appeal) - 1)
        self.done[user, item] = True
        return item


def day_of(truth: Truth, day: int) -> datetime:
    """Return the first instant of a day; day 1 is the one that follows the simulated period."""
    return truth.period_end + timedelta(days=day - 1)
