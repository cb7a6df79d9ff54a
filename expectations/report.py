"""What became of a suite's rules: the verdict, the warnings, and what was seen."""

from dataclasses import dataclass, field, replace
from typing import Any, Literal, Self

from nightschool.errors import DataRefused

Severity = Literal["critical", "warning"]
"""What a broken rule does: refuse the batch, or warn."""


@dataclass(frozen=True)
class RuleOutcome:
    """How one rule fared.

    Attributes:
        rule: The expectation and its column.
        reason: The code of what breaks it.
        observed: What was seen, in few words.
    """

    rule: str
    reason: str
    severity: Severity
    passed: bool
    observed: str


@dataclass(frozen=True)
class SuiteReport:
    """How every rule of a suite fared on one batch.

    Attributes:
        results: What Great Expectations said, rule by rule.
    """

    table: str
    outcomes: tuple[RuleOutcome, ...]
    results: tuple[Any, ...] = field(default=(), repr=False, compare=False)

    def __add__(self, other: Self) -> Self:
        """Both reports on one table as one."""
        return replace(self, outcomes=self.outcomes + other.outcomes, results=self.results + other.results)

    @property
    def passed(self) -> bool:
        """Whether no rule was broken that refuses the batch."""
        return not self._broken("critical")

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is odd, and refuses nothing."""
        return tuple(f"{self.table}: {told}" for told in self._broken("warning"))

    def raise_if_failed(self, do: str = "correct the data and try again") -> None:
        """Refuses the batch where a rule was broken that does so.

        Raises:
            DataRefused: Naming every such rule and what was seen.
        """
        if broken := self._broken("critical"):
            raise DataRefused(f"the batch for {self.table} breaks its rules: {', '.join(broken)}", do=do)

    def _broken(self, severity: str) -> list[str]:
        broken = [each for each in self.outcomes if not each.passed and each.severity == severity]
        return [f"{outcome.reason} ({outcome.observed})" for outcome in broken]
