"""The running experiments: the arms of each user, and the randomised slot."""

import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from hashlib import blake2b
from typing import NamedTuple

import numpy as np

from nightschool.experiments.assignment import assign_arms
from nightschool.experiments.plan import Arm, Experiment
from nightschool.experiments.store import Experiments
from serving.catalogue import Catalogue
from serving.listing import Entry, allowed_items, candidates_of, filter_misfit, random_entry, ruled
from serving.rules import Rules
from serving.schemas.common import ExternalId
from serving.snapshot import Snapshot
from serving.user_state import UserState

logger = logging.getLogger("nightschool.serving")

Arms = tuple[tuple[str, str], ...]
"""Experiments and the arms that a user is in, by name, in the order in which they change a list."""


class AssignedArms(NamedTuple):
    """The arms of one user, each with its experiment; of an experiment that stopped meanwhile there is none."""

    assigned: tuple[tuple[Experiment, Arm], ...]

    @property
    def names(self) -> Arms:
        """Return the names of experiments and arms."""
        return tuple((experiment.name, arm.name) for experiment, arm in self.assigned)

    def rules(self, others: Rules) -> Rules:
        """Return the installation's rules, changed by what the arms set."""
        for _, arm in self.assigned:
            others = others.overridden({**arm.rules, **({} if arm.alpha is None else {"alpha": arm.alpha})})
        return others

    def explore(
        self, snapshot: Snapshot, user: UserState, rules: Rules, entries: Sequence[Entry]
    ) -> tuple[list[Entry], list[float]]:
        """Replace one slot by a random item with the plan's probability; return the list and each item's propensity.

        Of several experiments at most one explores. Slot and item are drawn by user and day, so that a user sees one
        list all day: the slot uniformly from the list, the item uniformly from the other candidates.
        """
        explorer = max((experiment for experiment, _ in self.assigned), key=lambda each: each.explore)
        chance = explorer.explore
        shown = list(entries)
        others = _others(snapshot, user, rules, shown) if chance and shown else []
        propensities = [1 - chance / len(shown) if others else 1.0] * len(shown)
        draw = np.random.default_rng(_seed(explorer.salt, user.user_id))
        if others and draw.random() < chance:
            slot, item = int(draw.integers(len(shown))), others[int(draw.integers(len(others)))]
            shown[slot] = random_entry(snapshot, slot + 1, item)
            propensities[slot] = chance / len(shown) / len(others)
        return shown, propensities


class RunningExperiments:
    """The running experiments, which every process follows through the database."""

    def __init__(self, experiments: Experiments) -> None:
        self._experiments = experiments
        self._lacking: dict[str, str] = {}
        self.running: tuple[Experiment, ...] = ()

    def refresh(self, *, with_content: bool, catalogue: Catalogue | None = None) -> bool:
        """Reload the running experiments; return whether they changed.

        An experiment rests while the release lacks what an arm needs.

        Args:
            with_content: Whether the release has content weights, for arms that set α.
            catalogue: The items of the release, which filters of arms must fit; None without a release.
        """
        known = self._experiments.running()
        lacking = {each.name: why for each in known if (why := _lacking(each, with_content, catalogue))}
        for name, why in lacking.items():
            if why != self._lacking.get(name):
                logger.warning("experiment %s rests: %s", name, why)
        self._lacking = lacking
        before, self.running = self.running, tuple(each for each in known if each.name not in lacking)
        return self.running != before

    def arms_of(self, user_id: ExternalId, scenario: str) -> Arms:
        """Return the names of a user's arms; none while no experiment changes lists of the scenario."""
        if not self.running:
            return ()
        found = assign_arms(self.running, str(user_id), scenario)
        return tuple((experiment.name, arm.name) for experiment, arm in found)

    def assigned(self, names: Arms) -> AssignedArms:
        """Return the arms of these names, less those of experiments that were stopped meanwhile."""
        arms = {(each.name, arm.name): (each, arm) for each in self.running for arm in each.arms} if names else {}
        return AssignedArms(tuple(arms[name] for name in names if name in arms))


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
