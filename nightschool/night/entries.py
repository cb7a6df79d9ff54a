"""The entries of records: fields of JSON types, which never change."""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

Figures = Mapping[str, list[float | None]]
"""`metric@k` to [value, lower end, upper end] of its 95 % interval; None where there is no interval."""


class Entry(BaseModel):
    """A part of a record: fields of JSON types, which never change."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class RuleEntry(Entry):
    """How one rule fared on a table: the rule, the code of what breaks it, and what was observed."""

    rule: str
    reason: str
    severity: Literal["critical", "warning"]
    passed: bool
    observed: str


class CandidateEntry(Entry):
    """A single model with its hyper-parameters, or a blend with its weights, and its figures on validation."""

    name: str
    params: Mapping[str, Any]
    fit_seconds: float
    note: str | None
    n_users: int
    metrics: Figures


class AlphaEntry(Entry):
    """The hybrid of one α, its figures on validation, and how far it is behind the best in ndcg@10; None: the best."""

    alpha: float
    name: str
    metrics: Figures
    behind: tuple[float, float | None, float | None] | None = None


class TrialEntry(Entry):
    """A setting of a model on a validation cut, with its ndcg@10; None where it could not be trained."""

    model: str
    params: Mapping[str, Any]
    value: float | None
    seconds: float
    cut: int = 0


class RoleEntry(Entry):
    """The figures of the challenger, the champion or popularity on the test."""

    name: str
    n_users: int
    metrics: Figures


class ContextEntry(Entry):
    """A context, how it changes scores, and what it adds to ndcg@10 on validation.

    Attributes:
        values: The values that are told apart.
        strength: The strength of the shrinkage of its lifts; None where the context is off.
        weight: What its lifts are multiplied by; zero where the context is off.
        difference: The mean paired difference and its 95 % interval; None where it was not ranked with.
        note: Why it is off; empty where it is on.
    """

    name: str
    values: tuple[str, ...]
    strength: float | None
    weight: float
    difference: tuple[float, float, float] | None
    note: str


class ShiftEntry(Entry):
    """A watched figure that is outside of the limits that the releases before let expect.

    Attributes:
        metric: Its metric, with the split and the segment that it was measured on.
        words: What it is, for people.
        seen: Tonight's value, or the mean of the last `span` ones.
        expected: What was expected.
        low: The lower limit.
        high: The upper one.
        span: How many nights it is the mean of.
        nights: For how many nights in a row it has been outside.
    """

    metric: str
    split: str
    segment: str
    words: str
    seen: float
    expected: float
    low: float
    high: float
    span: int = 1
    nights: int = 1

    @property
    def persists(self) -> bool:
        """Whether it was outside the night before too: a warning, where the first night is a note."""
        return self.nights > 1
