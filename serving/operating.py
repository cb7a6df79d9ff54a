"""What the operator does while a server runs: interventions, rules, and the log of both."""

import logging
from collections.abc import Callable, Mapping
from typing import Any

import sqlalchemy as sa

from nightschool.errors import Unreachable
from nightschool.settings import HomePaths
from nightschool.storage.audit import AuditLog
from nightschool.storage.interventions import Asked, Intervention, Interventions
from nightschool.storage.rule_versions import RuleVersions
from serving.policy import Policy
from serving.rule_files import RuleFiles
from serving.steering import ActiveInterventions

logger = logging.getLogger("nightschool.serving")


class Operating:
    """The operator's actions, each of which lists follow at once in this process and within a second in others.

    Attributes:
        engine: The database.
        audit: The audit log.
        interventions: Pins, boosts and bans.
        rule_files: The files of rules and scenarios.
    """

    def __init__(self, engine: sa.Engine, paths: HomePaths, policy: Policy, forget_answers: Callable[[], None]) -> None:
        """Prepare to act.

        Args:
            engine: The database.
            paths: The home's files.
            policy: What lists follow.
            forget_answers: Empties the cache of responses.
        """
        self.engine = engine
        self.audit = AuditLog(engine)
        self.interventions = ActiveInterventions(Interventions(engine))
        self.rule_files = RuleFiles(RuleVersions(engine), policy, paths)
        self._policy = policy
        self._forget_answers = forget_answers

    @property
    def steps(self) -> Mapping[str, Callable[[], None]]:
        """Return the upkeep steps that take over what other processes did."""
        return {"the interventions": self.steer, "the versions of the rules": self.rule_files.notice}

    def note(self, who: str, action: str, what: str, details: Mapping[str, Any]) -> None:
        """Note what was done outside of the database; where it does not answer, the server's log has it alone.

        Args:
            who: The name of the key.
            action: What was done.
            what: What it was done to.
            details: What else is worth knowing.
        """
        try:
            self.audit.note(who, action, what, details)
        except Unreachable as error:
            logger.warning("%s of %s by %s is not in the audit log: %s", action, what, who or "no key", error)

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
