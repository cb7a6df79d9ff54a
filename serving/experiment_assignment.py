"""The running experiments: the arms of each user."""

import logging
from datetime import UTC, datetime
from typing import NamedTuple

from nightschool.experiments.allocation import Allocations
from nightschool.experiments.assignment import assign_arms
from nightschool.experiments.plan import Arm, Experiment
from nightschool.experiments.store import Experiments
from serving.catalogue import Catalogue
from serving.listing import filter_misfit
from serving.rules import Rules
from serving.schemas.common import ExternalId

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
        """Return the installation's rules, changed by what the experiments and the arms set."""
        for experiment, arm in self.assigned:
            explore = {"explore": experiment.explore} if experiment.explore else {}
            alpha = {} if arm.alpha is None else {"alpha": arm.alpha}
            others = others.overridden({**explore, **arm.rules, **alpha})
        return others


class RunningExperiments:
    """The running experiments, which every process follows through the database."""

    def __init__(self, experiments: Experiments, allocations: Allocations) -> None:
        self._experiments = experiments
        self._allocations = allocations
        self._lacking: dict[str, str] = {}
        self.running: tuple[Experiment, ...] = ()

    def refresh(self, *, with_content: bool, catalogue: Catalogue | None = None) -> bool:
        """Reload the running experiments; return whether they changed.

        An experiment rests while the release lacks what an arm needs.

        Args:
            with_content: Whether the release has content weights, for arms that set α.
            catalogue: The items of the release, which filters of arms must fit; None without a release.
        """
        today = datetime.now(UTC).date()
        known = [self._allocations.on_day(each, today) for each in self._experiments.running()]
        lacking = {each.name: why for each in known if (why := _lacking(each, with_content, catalogue))}
        for name, why in lacking.items():
            if why != self._lacking.get(name):
                logger.warning("experiment %s rests: %s", name, why)
        self._lacking = lacking
        before, self.running = self.running, tuple(each for each in known if each.name not in lacking)
        return self.running != before

    @property
    def tires(self) -> bool:
        """Return whether an arm lets items sink that were shown in vain."""
        return any("fatigue" in arm.rules for running in self.running for arm in running.arms)

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
