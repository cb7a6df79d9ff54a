"""What the operator does while a server runs: interventions, rules, and the log of both."""

from collections.abc import Callable, Mapping

import sqlalchemy as sa

from nightschool.storage.audit import AuditLog
from nightschool.storage.interventions import Asked, Intervention, Interventions
from serving.policy import Policy
from serving.steering import ActiveInterventions


class Operating:
    """The operator's actions, each of which lists follow at once in this process and within a second in others.

    Attributes:
        audit: The audit log.
        interventions: Pins, boosts and bans.
    """

    def __init__(self, engine: sa.Engine, policy: Policy, forget_answers: Callable[[], None]) -> None:
        """Prepare to act.

        Args:
            engine: The database.
            policy: What lists follow.
            forget_answers: Empties the cache of responses.
        """
        self.audit = AuditLog(engine)
        self.interventions = ActiveInterventions(Interventions(engine))
        self._policy = policy
        self._forget_answers = forget_answers

    @property
    def steps(self) -> Mapping[str, Callable[[], None]]:
        """Return the upkeep steps that take over what other processes did."""
        return {"the interventions": self.steer}

    def steer(self) -> None:
        """Read the interventions and let lists follow them; those whose end has come end in any case.

        Raises:
            Unreachable: The database does not answer.
        """
        try:
            self.interventions.refresh()
        finally:
            if self._policy.steer(self.interventions):
                self._forget_answers()

    def intervene(self, asked: Asked, by: str) -> Intervention:
        """Set an intervention; lists follow it when this returns.

        Args:
            asked: What is asked for.
            by: The name of the key.

        Raises:
            ConfigurationError: It is incomplete, or there is no such scenario.
            Unreachable: The database does not answer.
        """
        if asked.scenario is not None:
            self._policy.scenarios.get(asked.scenario)
        done = self.interventions.store.add(asked, by)
        self.steer()
        return done

    def end_intervention(self, intervention_id: int, by: str) -> Intervention:
        """End an intervention; lists follow that when this returns.

        Raises:
            NotFound: There is none of that id.
            Unreachable: The database does not answer.
        """
        done = self.interventions.store.end(intervention_id, by)
        self.steer()
        return done
