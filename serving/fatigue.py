"""Fatigue at serving: items that a user was shown in vain sink, and come back later."""

from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from nightschool.shown.fatigue import Fatigue
from nightschool.shown.showings import ShowingStore
from serving.rules import FatigueSteps, Rules
from serving.schemas.common import ExternalId
from serving.shared import Shared
from serving.snapshot import Snapshot


class Tiredness:
    """What remains of items' relevance to a user who was shown them in vain."""

    def __init__(self, store: ShowingStore, shared: Shared) -> None:
        self._store = store
        self._shared = shared
        self._read_to: int | None = None
        self._learned: Fatigue | None = None

    def refresh(self) -> bool:
        """Read the marks of impressions that any process stored; return whether another fatigue was learned.

        Raises:
            Unreachable: The database does not answer.
        """
        newest = self._store.newest()
        if self._read_to is not None and newest > self._read_to:
            self._shared.note_showings(self._store.seen_since(self._read_to))
        self._read_to = newest
        before, self._learned = self._learned, self._store.learned()
        return self._learned != before

    def mark(self, user_id: ExternalId) -> int:
        """Return the version of what a user was shown; it changes with each impression."""
        return self._shared.showings_mark(str(user_id))

    def factors(
        self, snapshot: Snapshot, user_id: ExternalId, rules: Rules, now: datetime | None = None
    ) -> NDArray[np.float64] | None:
        """Return what remains of each item's relevance, float64 [n_items]; None where nothing sinks.

        Args:
            snapshot: The release.
            user_id: The user.
            rules: The rules in force.
            now: The time; None: now.

        Raises:
            Unreachable: The database does not answer.
        """
        fatigue = self._in_force(rules)
        if fatigue is None:
            return None
        since = (now or datetime.now(UTC)) - timedelta(days=fatigue.days)
        in_vain = self._store.in_vain(str(user_id), since)
        showings = np.zeros(len(snapshot.catalogue), dtype=np.int64)
        for item, n in in_vain.items():
            known = snapshot.item_id(item)
            place = None if known is None else snapshot.catalogue.position(known)
            if place is not None:
                showings[place] = n
        factors = fatigue.factors_of(showings)
        return factors if (factors < 1).any() else None

    def _in_force(self, rules: Rules) -> Fatigue | None:
        if isinstance(rules.fatigue, FatigueSteps):
            return Fatigue.of_steps(**rules.fatigue.model_dump())
        return self._learned if rules.fatigue is not None else None
