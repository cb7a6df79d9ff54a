"""What selection on validation found: candidates, and the recipe that was chosen among them."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from nightschool.evaluation.evaluation import Evaluation
from nightschool.night.selection.trials import Trial
from nightschool.recipe import Component, Recipe


@dataclass(frozen=True)
class Candidate:
    """A model with its best setting, or a blend of several, fitted on train and measured on validation."""

    recipe: Recipe
    evaluation: Evaluation
    fit_seconds: float
    note: str | None = None

    @property
    def component(self) -> Component:
        """The model; of a blend, the one with the largest weight."""
        return self.recipe.components[0]


@dataclass(frozen=True)
class Selection:
    """The recipe that validation chose, and everything that was tried.

    Attributes:
        recipe: The learned blend, a hybrid or a single model.
        evaluation: Its metrics on the first validation cut.
        candidates: The best setting of each model, in the order of the configuration.
        trials: Every setting that was tried, in order.
        sweep: α to its evaluation; empty where the data support no hybrid.
        hybrid: α to the recipe of that α.
        blend: The learned blend; None where no model improves another.
        reranked: The best reranker that was tried, its note saying why it was left out; None where none was tried.
        failures: Model to the reason for which it was left out.
        cuts: How many validation cuts it was chosen on.
        value: The metric that decides, over all of them; of a blend with weights that were learned on other users.
        bought: What the search gained, in a sentence.
    """

    recipe: Recipe
    evaluation: Evaluation
    candidates: tuple[Candidate, ...]
    trials: tuple[Trial, ...] = ()
    sweep: Mapping[float, Evaluation] = field(default_factory=dict)
    hybrid: Mapping[float, Recipe] = field(default_factory=dict)
    blend: Candidate | None = None
    reranked: Candidate | None = None
    failures: Mapping[str, str] = field(default_factory=dict)
    cuts: int = 1
    value: float = float("nan")
    bought: str = ""
