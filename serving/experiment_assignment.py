"""The running experiment: the arm of each user, and the log of what was shown."""

import logging
from collections import OrderedDict
from collections.abc import Sequence
from datetime import UTC, datetime
from threading import Lock
from typing import Final, NamedTuple

from nightschool.experiments.assignment import assign_arm
from nightschool.experiments.store import Arm, Experiment, Experiments, Exposure, Shown
from serving.catalogue import Catalogue
from serving.listing import Entry, filter_misfit
from serving.rules import Rules
from serving.schemas.common import ExternalId
from serving.snapshot import Snapshot

logger = logging.getLogger("nightschool.serving")

_REMEMBERED: Final = 100_000
"""How many shown lists are remembered, so that the same list of a user is logged once."""


class ShownList(NamedTuple):
    """A list that an experiment showed a user."""

    experiment: str
    user_id: str
    arm: str
    release_id: str
    items: tuple[Shown, ...]


class AssignedArm(NamedTuple):
    """One arm of the running experiment."""

    experiment: Experiment
    arm: Arm

    def rules(self, others: Rules) -> Rules:
        """Return the installation's rules, changed by what the experiment and the arm set."""
        explore = {"explore": self.experiment.explore} if self.experiment.explore else {}
        alpha = {} if self.arm.alpha is None else {"alpha": self.arm.alpha}
        return others.overridden({**explore, **self.arm.rules, **alpha})

    def shown(
        self, snapshot: Snapshot, user_id: ExternalId, entries: Sequence[Entry], propensities: Sequence[float]
    ) -> ShownList:
        """Return what is logged of a list: its items, and the chance of each at its place."""
        items = tuple(Shown(str(entry["item_id"]), chance) for entry, chance in zip(entries, propensities, strict=True))
        return ShownList(self.experiment.name, str(user_id), self.arm.name, snapshot.release.release_id, items)


class RunningExperiment:
    """The running experiment, if any, which every process follows through the database."""

    def __init__(self, experiments: Experiments) -> None:
        self._experiments = experiments
        self._lock = Lock()
        self._waiting: list[Exposure] = []
        self._written: OrderedDict[ShownList, None] = OrderedDict()
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

    def expose(self, exposed: ShownList) -> None:
        """Queue a shown list for the log, unless the same user was shown the same one before."""
        with self._lock:
            if exposed in self._written:
                return
            self._written[exposed] = None
            if len(self._written) > _REMEMBERED:
                self._written.popitem(last=False)
            experiment, user_id, arm, release_id, items = exposed
            self._waiting.append(Exposure(experiment, user_id, arm, release_id, datetime.now(UTC), items))

    def flush(self) -> None:
        """Write the queued lists to the log; what cannot be written now stays queued."""
        with self._lock:
            waiting, self._waiting = self._waiting, []
        try:
            self._experiments.log_exposures(waiting)
        except BaseException:
            with self._lock:
                self._waiting = [*waiting, *self._waiting]
            raise


def _lacking(experiment: Experiment, with_content: bool, catalogue: Catalogue | None) -> str:
    """Say what the release lacks for the arms of an experiment; empty if nothing."""
    if not with_content and any(arm.alpha is not None for arm in experiment.arms):
        return "the release has no content to weigh by alpha"
    for arm in experiment.arms:
        misfit = None if catalogue is None else filter_misfit(catalogue, arm.rules.get("filter"))
        if misfit is not None:
            return f"arm {arm.name} does not fit the release: {misfit}"
    return ""
