"""The running experiment: the arm of each user, and the randomised slot."""

import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from hashlib import blake2b
from typing import NamedTuple

import numpy as np

from nightschool.experiments.assignment import assign_arm
from nightschool.experiments.store import Arm, Experiment, Experiments
from serving.catalogue import Catalogue
from serving.listing import Entry, allowed_items, candidates_of, filter_misfit, random_entry, ruled
from serving.rules import Rules
from serving.schemas.common import ExternalId
from serving.snapshot import Snapshot
from serving.user_state import UserState

logger = logging.getLogger("nightschool.serving")


class AssignedArm(NamedTuple):
    """One arm of the running experiment."""

    experiment: Experiment
    arm: Arm

    def rules(self, others: Rules) -> Rules:
        """Return the installation's rules, changed by what the arm sets."""
        alpha = {} if self.arm.alpha is None else {"alpha": self.arm.alpha}
        return others.overridden({**self.arm.rules, **alpha})

    def explore(
        self, snapshot: Snapshot, user: UserState, rules: Rules, entries: Sequence[Entry]
    ) -> tuple[list[Entry], list[float]]:
        """Replace one slot by a random item with the plan's probability; return the list and each item's propensity.

        Slot and item are drawn by user and day, so that a user sees one list all day: the slot uniformly from the
        list, the item uniformly from the other candidates.
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
        return shown, propensities


class RunningExperiment:
    """The running experiment, if any, which every process follows through the database."""

    def __init__(self, experiments: Experiments) -> None:
        self._experiments = experiments
        self._lacking = ""
        self.running: Experiment | None = None

    def refresh(self, *, with_content: bool, catalogue: Catalogue | None = None) -> bool:
        """Reload the running experiment; return whether it changed.

        An experiment rests while the release lacks what an arm needs.

        Args:
            with_content: Whether the release has content weights, for arms that set α.
            catalogue: The items of the release, which filters of arms must fit; None without a release.
        """
        running = self._experiments.running()
        lacking = _lacking(running, with_content, catalogue) if running is not None else ""
        if running is not None and lacking:
            if lacking != self._lacking:
                logger.warning("experiment %s rests: %s", running.name, lacking)
            running = None
        self._lacking = lacking
        changed = running != self.running
        self.running = running
        return changed

    def arm_of(self, user_id: ExternalId) -> str | None:
        """Return the name of a user's arm; None while no experiment runs."""
        running = self.running
        if running is None:
            return None
        return running.arms[assign_arm(running.salt, str(user_id), running.shares)].name

    def arm(self, name: str | None) -> AssignedArm | None:
        """Return an arm of the running experiment; None without a name, or if the experiment was stopped meanwhile."""
        running = self.running
        if running is None or name is None:
            return None
        return next((AssignedArm(running, arm) for arm in running.arms if arm.name == name), None)


def _lacking(experiment: Experiment, with_content: bool, catalogue: Catalogue | None) -> str:
    """Say what the release lacks for the arms of an experiment; empty if nothing."""
    if not with_content and any(arm.alpha is not None for arm in experiment.arms):
        return "the release has no content to weigh by alpha"
    for arm in experiment.arms:
        misfit = None if catalogue is None else filter_misfit(catalogue, arm.rules.get("filter"))
        if misfit is not None:
            return f"arm {arm.name} does not fit the release: {misfit}"
    return ""


def _others(snapshot: Snapshot, user: UserState, rules: Rules, shown: Sequence[Entry]) -> list[ExternalId]:
    """Return the candidates that any slot may show and none does; without candidates, all allowed items."""
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


def _seed(salt: str, user_id: ExternalId | None) -> int:
    text = f"{salt}:{user_id}:{datetime.now(UTC):%Y-%m-%d}".encode(errors="surrogatepass")
    return int.from_bytes(blake2b(text, digest_size=8).digest())
