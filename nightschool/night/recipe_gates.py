"""Gates of recipes: the questions that decide which recipe is published, each declared once."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from nightschool.evaluation.compare import Comparison, compare
from nightschool.evaluation.evaluation import Evaluation
from nightschool.evaluation.intervals import TAIL
from nightschool.evaluation.off_policy.estimate import Estimate
from nightschool.night.gates import Gate


@dataclass(frozen=True)
class ModelGate:
    """A question about a recipe's ndcg@10 on the test, compared with another recipe's on the same users.

    Attributes:
        name: As reports and the release have it.
        asks: The question, for people.
        otherwise: What follows where it is not passed.
        demanded: What must be seen, in short.
        passes: Decides.
    """

    name: str
    asks: str
    otherwise: str
    demanded: str
    passes: Callable[[Comparison], bool]

    def ask(self, recipe: Evaluation, other: Evaluation, tail: float = TAIL) -> Gate:
        """Compare a recipe with the other one and answer.

        Args:
            recipe: What was measured of it.
            other: Of the other one, on the same users.
            tail: The chance that a difference is shown on one side where there is none.
        """
        over = compare(recipe, other, tail=tail)
        seen = f"{over.difference:+.4f} [{over.ci_low:+.4f}, {over.ci_high:+.4f}]"
        level = "" if tail == TAIL else f", at {tail:.3%} on one side"
        return Gate(self.name, self.passes(over), seen, self.demanded + level)


LEARNABLE: Final = ModelGate(
    name="learnable",
    asks="Is the recipe that validation chose shown better than popularity on the test, at 2.5 % on one side?",
    otherwise="The data hold no preference to learn; without a champion, popularity is published.",
    demanded="lower bound of ndcg@10 over popularity > 0",
    passes=lambda over: over.conclusion == "better",
)
SUPERIOR: Final = ModelGate(
    name="superior",
    asks="Is the challenger shown better than the champion on the test, at the share of the yearly error that the days "
    "since a challenger was last compared have?",
    otherwise="The champion's recipe is refitted on tonight's data and published.",
    demanded="lower bound of ndcg@10 over the champion > 0",
    passes=lambda over: over.conclusion == "better",
)
ANCHOR: Final = ModelGate(
    name="anchor",
    asks="Is a challenger that is shown better not shown worse than the recipe of 28 days ago?",
    otherwise="The champion's recipe is refitted on tonight's data and published.",
    demanded="ndcg@10 not shown worse than with the recipe of 28 days ago",
    passes=lambda over: over.conclusion != "worse",
)
FLOOR: Final = ModelGate(
    name="floor",
    asks="Is the chosen recipe not shown worse than popularity on the test?",
    otherwise="Popularity is published.",
    demanded="ndcg@10 not shown worse than popularity's",
    passes=lambda over: over.conclusion != "worse",
)
MODEL_GATES: Final = (LEARNABLE, SUPERIOR, ANCHOR, FLOOR)
"""Every gate of the recipes; which of them a night asks depends on whether it has a champion."""


@dataclass(frozen=True)
class LoggedGate:
    """A question about how two recipes' lists would have fared with users, as logged lists tell.

    Attributes:
        name: As reports and the release have it.
        asks: The question, for people.
        otherwise: What follows where it is not passed.
        demanded: What must be seen, in short.
        least_ess: The least effective sample size of the difference; with less the gate is not asked, and passed.
        least_support: The least share of both recipes' lists that the logged policy could show; likewise.
    """

    name: str
    asks: str
    otherwise: str
    demanded: str
    least_ess: float
    least_support: float

    def ask(self, difference: Estimate) -> Gate:
        """Answer by the estimated difference in clicks per list."""
        if difference.ess < self.least_ess:
            why = f"effective sample size {difference.ess:,.0f} of at least {self.least_ess:,.0f}"
            return Gate(self.name, True, f"not asked: {why}", self.demanded)
        if difference.support < self.least_support:
            why = f"support {difference.support:.2f} of at least {self.least_support:g}"
            return Gate(self.name, True, f"not asked: {why}", self.demanded)
        ends = f"{difference.value:+.4f} [{difference.ci_low:+.4f}, {difference.ci_high:+.4f}]"
        rests_on = f"{difference.n_lists:,} lists, effective sample size {difference.ess:,.0f}"
        return Gate(self.name, not difference.ci_high < 0, f"{ends} ({rests_on})", self.demanded)


OFF_POLICY: Final = LoggedGate(
    name="off_policy",
    asks="Do logged lists with exploration not show the challenger's to get fewer clicks than the champion's?",
    otherwise="The champion's recipe is refitted on tonight's data and published.",
    demanded="clicks per list not shown fewer than with the champion's lists",
    least_ess=500,
    least_support=0.9,
)
"""Asked where a challenger is shown better on the test and lists were explored since the test began."""
