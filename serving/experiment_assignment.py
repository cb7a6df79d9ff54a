"""The experiment that runs, as lists know it: whose arm is which, the randomised slot, and what was shown to whom."""

import logging
from collections import OrderedDict
from collections.abc import Sequence
from datetime import UTC, datetime
from hashlib import blake2b
from threading import Lock
from typing import Final, NamedTuple

import numpy as np

from nightschool.experiments.assignment import assigned
from nightschool.experiments.store import Arm, Experiment, Experiments, Exposure, Shown
from serving.listing import Entry, allowed_items, candidates_of, random_entry, ruled
from serving.rules import Rules
from serving.schemas import ExternalId
from serving.snapshot import Snapshot
from serving.user_state import UserState

logger = logging.getLogger("nightschool.serving")

_REMEMBERED: Final = 100_000
"""Lists that are not written down again while the same user gets the same one."""


class ShownList(NamedTuple):
    """What an experiment showed a user."""

    experiment: str
    user_id: str
    arm: str
    release_id: str
    items: tuple[Shown, ...]


class AssignedArm(NamedTuple):
    """One arm of the experiment that runs."""

    experiment: Experiment
    arm: Arm

    def rules(self, others: Rules) -> Rules:
        """The installation's rules, with what the arm sets."""
        alpha = {} if self.arm.alpha is None else {"alpha": self.arm.alpha}
        return others.overridden({**self.arm.rules, **alpha})

    def explore(
        self, snapshot: Snapshot, user: UserState, rules: Rules, entries: Sequence[Entry]
    ) -> tuple[list[Entry], ShownList]:
        """The list, with the plan's chance of one slot that shows an item drawn at random, and the chance of each item.

        Which slot and item are drawn by user and day, so that a user sees one list all day. The slot is any one of the
        list's with equal chance, the item any other candidate.
        """
        chance = self.experiment.explore
        shown = list(entries)
        others = _others(snapshot, user, rules, shown) if chance and shown else []
        propensities = [1 - chance / len(shown) if others else 1.0] * len(shown)
        draw = np.random.default_rng(_seed(self.experiment.salt, user.user_id))
        if others and draw.random() < chance:
            slot, item = int(draw.integers(len(shown))), others[int(draw.integers(len(others)))]
            shown[slot] = random_entry(snapshot, slot + 1, item)
            propensities[slot] = chance / len(shown) / len(others)
        items = tuple(
            Shown(str(entry["item_id"]), propensity) for entry, propensity in zip(shown, propensities, strict=True)
        )
        name, arm = self.experiment.name, self.arm.name
        return shown, ShownList(name, str(user.user_id), arm, snapshot.release.release_id, items)


class RunningExperiment:
    """The experiment that runs, if one does, kept in step with the database by all processes."""

    def __init__(self, experiments: Experiments) -> None:
        self._experiments = experiments
        self._lock = Lock()
        self._waiting: list[Exposure] = []
        self._written: OrderedDict[ShownList, None] = OrderedDict()
        self.running: Experiment | None = None

    def refresh(self, *, with_content: bool) -> bool:
        """Whether another experiment runs now, or none.

        One that weighs α is left out while the release has no content to weigh.
        """
        running = self._experiments.running()
        if running is not None and not with_content and any(arm.alpha is not None for arm in running.arms):
            if self.running is not None:
                logger.warning("experiment %s rests: the release has no content to weigh by alpha", running.name)
            running = None
        changed = running != self.running
        self.running = running
        return changed

    def arm_of(self, user_id: ExternalId) -> str | None:
        """The name of a user's arm; None while nothing is tried."""
        running = self.running
        if running is None:
            return None
        return running.arms[assigned(running.salt, str(user_id), running.shares)].name

    def arm(self, name: str | None) -> AssignedArm | None:
        """An arm of the experiment that runs; None for none, or where it was stopped meanwhile."""
        running = self.running
        if running is None or name is None:
            return None
        return next((AssignedArm(running, arm) for arm in running.arms if arm.name == name), None)

    def expose(self, exposed: ShownList) -> None:
        """Takes down what was shown, unless the same user was shown the same before."""
        with self._lock:
            if exposed in self._written:
                return
            self._written[exposed] = None
            if len(self._written) > _REMEMBERED:
                self._written.popitem(last=False)
            experiment, user_id, arm, release_id, items = exposed
            self._waiting.append(Exposure(experiment, user_id, arm, release_id, datetime.now(UTC), items))

    def flush(self) -> None:
        """Writes what was taken down; what cannot be written now stays for the next time."""
        with self._lock:
            waiting, self._waiting = self._waiting, []
        try:
            self._experiments.log_exposures(waiting)
        except BaseException:
            with self._lock:
                self._waiting = [*waiting, *self._waiting]
            raise


def _others(snapshot: Snapshot, user: UserState, rules: Rules, shown: Sequence[Entry]) -> list[ExternalId]:
    """Candidates that may be shown and are not, whichever slot they take; of all items for who has no candidates."""
    catalogue = snapshot.catalogue
    allowed = allowed_items(snapshot, user, rules)
    candidates = candidates_of(snapshot, user, rules)
    items = np.flatnonzero(allowed) if candidates is None else ruled(snapshot, candidates, rules, allowed).items
    there = catalogue.positions(entry["item_id"] for entry in shown)
    items = items[~np.isin(items, there)]
    if rules.quota is not None:
        kinds, full = np.unique(catalogue.kinds[there], return_counts=True)
        taken = kinds[(full >= rules.quota) & (kinds >= 0)]
        items = items[~np.isin(catalogue.kinds[items], taken)]
    return [catalogue.ids[item] for item in items.tolist()]


def _seed(salt: str, user_id: ExternalId) -> int:
    text = f"{salt}:{user_id}:{datetime.now(UTC):%Y-%m-%d}".encode(errors="surrogatepass")
    return int.from_bytes(blake2b(text, digest_size=8).digest())
