"""The comparison on the test: the recipe that validation chose, the champion and popularity, measured once."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import polars as pl

from nightschool.columns import MODEL
from nightschool.contract import Blended, Split
from nightschool.evaluation.calibration import chosen_shares
from nightschool.evaluation.evaluate import evaluate
from nightschool.evaluation.evaluation import Evaluation
from nightschool.night.gates import FLOOR, LEARNABLE, SUPERIOR, Gate
from nightschool.recipe import Component, Recipe
from nightschool.vocabulary import POPULARITY

Build = Callable[[Recipe], Blended]

POPULARITY_RECIPE = Recipe(components=(Component(model=POPULARITY),))

CHALLENGER, CHAMPION = "challenger", "champion"


def published_role(decision: str) -> str:
    """Return the role whose recipe a decision publishes."""
    return {"kept": CHAMPION, POPULARITY: POPULARITY}.get(decision, CHALLENGER)


@dataclass(frozen=True)
class Proof:
    """The recipe that the test approves, and why.

    Attributes:
        recipe: The recipe to refit and publish.
        decision: A code: `promoted`, `kept`, `first`, `popularity`, `unproved`.
        sentence: The same in words.
        gates: The model gates, in the order they were asked.
        evaluations: Role (challenger, champion, popularity) to its evaluation on the test.
        chosen: How often what each role shows was chosen, as rows of the metrics table.
        learnable: Whether a personal recipe beat popularity; None when there were too few users to show it.
    """

    recipe: Recipe
    decision: str
    sentence: str
    gates: tuple[Gate, ...]
    evaluations: Mapping[str, Evaluation]
    chosen: pl.DataFrame
    learnable: bool | None


@dataclass(frozen=True)
class ComparisonOnTest:
    """What is compared on the test, and how.

    Attributes:
        challenger: The recipe that validation chose.
        champion: The recipe of the current release; None on the first night.
        underpowered: Whether the test holds too few users to show a difference.
        cutoffs: The k of the metrics.
        seed: Seed of every fit.
        megabytes: Memory that a dense block of scores may take.
    """

    challenger: Recipe
    champion: Recipe | None
    underpowered: bool
    cutoffs: tuple[int, ...]
    seed: int
    megabytes: int


def compare_on_test(split: Split, asked: ComparisonOnTest, build: Build) -> Proof:
    """Refit each recipe on train and validation, evaluate all of them once on the test, and decide."""
    evaluations, chosen = _evaluate_roles(split, asked, build)
    gates = [LEARNABLE.ask(evaluations[CHALLENGER], evaluations[POPULARITY])]
    if asked.underpowered:
        return Proof(
            asked.challenger,
            "unproved",
            f"too few users to tell ({evaluations['challenger'].n_users}): {asked.challenger.name} "
            "is published as unproved",
            tuple(gates),
            evaluations,
            chosen,
            None,
        )
    recipe, decision, sentence = _decide(asked, evaluations, gates)
    return Proof(recipe, decision, sentence, tuple(gates), evaluations, chosen, gates[0].passed)


def _evaluate_roles(split: Split, asked: ComparisonOnTest, build: Build) -> tuple[dict[str, Evaluation], pl.DataFrame]:
    """Return each role's evaluation, and how often what it shows was chosen; the same recipe is fitted once."""
    roles = {CHALLENGER: asked.challenger, POPULARITY: POPULARITY_RECIPE}
    if asked.champion is not None:
        roles[CHAMPION] = asked.champion
    measured: dict[str, Evaluation] = {}
    by_recipe: dict[str, tuple[Evaluation, pl.DataFrame]] = {}
    chosen = []
    for role, recipe in roles.items():
        key = recipe.model_dump_json()
        if key not in by_recipe:
            fitted = build(recipe).fit(split.fitted, seed=asked.seed)
            evaluation = evaluate(fitted, split, cutoffs=asked.cutoffs, megabytes=asked.megabytes)
            by_recipe[key] = evaluation, chosen_shares(fitted, split, role, seed=asked.seed, megabytes=asked.megabytes)
        measured[role], shares = by_recipe[key]
        chosen.append(shares.with_columns(pl.lit(role).alias(MODEL)))
    return measured, pl.concat(chosen)


def _decide(
    asked: ComparisonOnTest, evaluations: Mapping[str, Evaluation], gates: list[Gate]
) -> tuple[Recipe, str, str]:
    champion = asked.champion
    if champion is None:
        if gates[0].passed:
            return asked.challenger, "first", f"{asked.challenger.name} beats popularity and is the first champion"
        return POPULARITY_RECIPE, POPULARITY, "nothing beats popularity: the data hold no preference to learn"
    recipe, decision, sentence = champion, "kept", f"the champion {champion.name} stays"
    if asked.challenger != champion:
        gates.append(SUPERIOR.ask(evaluations[CHALLENGER], evaluations[CHAMPION]))
        if gates[-1].passed:
            recipe, decision = asked.challenger, "promoted"
            sentence = f"{recipe.name} is shown better than the champion {champion.name} and takes its place"
        else:
            sentence = f"{asked.challenger.name} is not shown better: the champion {champion.name} stays"
    role = published_role(decision)
    gates.append(FLOOR.ask(evaluations[role], evaluations[POPULARITY]))
    if not gates[-1].passed:
        return POPULARITY_RECIPE, POPULARITY, f"{recipe.name} is shown worse than popularity, which is published"
    return recipe, decision, sentence
