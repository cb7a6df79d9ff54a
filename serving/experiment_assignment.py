"""The running experiment: the arm of each user."""

import logging
from datetime import UTC, datetime
from typing import NamedTuple

from nightschool.experiments.allocation import Allocations
from nightschool.experiments.assignment import assign_arm
from nightschool.experiments.store import Arm, Experiment, Experiments
from serving.catalogue import Catalogue
from serving.listing import filter_misfit
from serving.rules import Rules
from serving.schemas.common import ExternalId

logger = logging.getLogger("nightschool.serving")


class AssignedArm(NamedTuple):
    """One arm of the running experiment."""

    experiment: Experiment
    arm: Arm

    def rules(self, others: Rules) -> Rules:
        """Return the installation's rules, changed by what the experiment and the arm set."""
        explore = {"explore": self.experiment.explore} if self.experiment.explore else {}
        alpha = {} if self.arm.alpha is None else {"alpha": self.arm.alpha}
        return others.overridden({**explore, **self.arm.rules, **alpha})


class RunningExperiment:
    """The running experiment, if any, which every process follows through the database."""

    def __init__(self, experiments: Experiments, allocations: Allocations) -> None:
        self._experiments = experiments
        self._allocations = allocations
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
        if running is not None:
            running = self._allocations.on_day(running, datetime.now(UTC).date())
        lacking = _lacking(running, with_content, catalogue) if running is not None else ""
        if running is not None and lacking:
            if lacking != self._lacking:
                logger.warning("experiment %s rests: %s", running.name, lacking)
            running = None
        self._lacking = lacking
        changed = running != self.running
        self.running = running
        return changed

    @property
    def tires(self) -> bool:
        """Return whether an arm lets items sink that were shown in vain."""
        return self.running is not None and any("fatigue" in arm.rules for arm in self.running.arms)

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
