"""The report of a suite: whether it passed, its warnings, and what was observed."""

from dataclasses import dataclass, field, replace
from typing import Any, Literal, Self

from nightschool.errors import DataRefused

Severity = Literal["critical", "warning"]
"""The effect of a broken rule: refuse the batch, or warn."""


@dataclass(frozen=True)
class RuleOutcome:
    """The outcome of one rule.

    Attributes:
        rule: The expectation and its column.
        reason: The reason code of rows that break it.
        observed: What was observed, in few words.
    """

    rule: str
    reason: str
    severity: Severity
    passed: bool
    observed: str


@dataclass(frozen=True)
class SuiteReport:
    """The outcome of every rule of a suite on one batch.

    Attributes:
        results: The results of Great Expectations, rule by rule.
    """

    table: str
    outcomes: tuple[RuleOutcome, ...]
    results: tuple[Any, ...] = field(default=(), repr=False, compare=False)

    def __add__(self, other: Self) -> Self:
        """Join two reports on one table."""
        return replace(self, outcomes=self.outcomes + other.outcomes, results=self.results + other.results)

    @property
    def passed(self) -> bool:
        """Whether no critical rule was broken."""
        return not self._broken("critical")

    @property
    def warnings(self) -> tuple[str, ...]:
        """Collect warnings that do not block the batch."""
        return tuple(f"{self.table}: {text}" for text in self._broken("warning"))

    def raise_if_failed(self, do: str = "correct the data and try again") -> None:
        """Raise where a critical rule was broken.

        Raises:
            DataRefused: Names every such rule and what was observed.
        """
        if broken := self._broken("critical"):
            raise DataRefused(f"the batch for {self.table} breaks its rules: {', '.join(broken)}", do=do)

    def _broken(self, severity: str) -> list[str]:
        broken = [each for each in self.outcomes if not each.passed and each.severity == severity]
        return [f"{outcome.reason} ({outcome.observed})" for outcome in broken]
