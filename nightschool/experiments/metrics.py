"""The metrics of experiments: what is counted for a user, and what of their past explains it."""

from typing import Final, Literal, NamedTuple

from nightschool.experiments.samples import Kind

CONVERTED: Final = "converted"
REJECTED: Final = "rejected"
HITS: Final = "hits"
LISTS: Final = "lists"
EVENTS: Final = "events"
MINUTES: Final = "minutes"
SCORES: Final = "scores"

SETTLED: Final = "settled"
KNOWN: Final = "known"

BEFORE: Final = "_before"
"""What the column of the same figure before a user's first list ends in."""

MetricName = Literal["conversion", "hits a list", "events", "minutes", "score", "rejections"]


class Metric(NamedTuple):
    """A metric of an experiment.

    Attributes:
        kind: What is counted for a user: whether something happened, a value, or two values whose ratio counts.
        value: The column of the value, in a ratio of its numerator.
        other: The column of the covariate, in a ratio of its denominator.
        settled: The column that says whose figures are complete.
        guards: Whether an arm that harms it is reported whatever else it brings.
        falls: Whether less of it is better.
    """

    name: MetricName
    kind: Kind
    value: str
    other: str
    settled: str = SETTLED
    guards: bool = False
    falls: bool = False


METRICS: Final = (
    Metric("conversion", "proportion", CONVERTED, HITS + BEFORE),
    Metric("hits a list", "ratio", HITS, LISTS),
    Metric("events", "mean", EVENTS, EVENTS + BEFORE),
    Metric("minutes", "mean", MINUTES, MINUTES + BEFORE, settled=KNOWN, guards=True),
    Metric("score", "mean", SCORES, SCORES + BEFORE, settled=KNOWN),
    Metric("rejections", "proportion", REJECTED, REJECTED + BEFORE, guards=True, falls=True),
)
