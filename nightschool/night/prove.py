"""The comparison on the test: the recipe that validation chose, the champion and popularity, measured once."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import polars as pl

from nightschool.columns import MODEL
from nightschool.contract import Blended, Mask, Split
from nightschool.evaluation.calibration import chosen_shares
from nightschool.evaluation.evaluate import evaluate
from nightschool.evaluation.evaluation import Evaluation
from nightschool.evaluation.gaps import Gap, gaps_to_another
from nightschool.evaluation.intervals import TAIL
from nightschool.evaluation.off_policy.estimate import OtherLists, compare_lists
from nightschool.evaluation.off_policy.logs import Reward
from nightschool.night.gates import Gate
from nightschool.night.logged_lists import LoggedLists, logged_rows
from nightschool.night.recipe_gates import ANCHOR, FLOOR, LEARNABLE, OFF_POLICY, SUPERIOR
from nightschool.recipe import Component, Recipe
from nightschool.vocabulary import POPULARITY

POPULARITY_RECIPE = Recipe(components=(Component(model=POPULARITY),))

CHALLENGER, CHAMPION, ANCHORED = "challenger", "champion", "anchor"


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
        evaluations: Role (challenger, champion, popularity; where one was held against it, anchor) to its evaluation on
            the test.
        chosen: How often what each role shows was chosen, and what logged lists tell, as rows of the metrics table.
        learnable: Whether a personal recipe beat popularity; None when there were too few users to show it.
    """

    recipe: Recipe
    decision: str
    sentence: str
    gates: tuple[Gate, ...]
    evaluations: Mapping[str, Evaluation]
    chosen: pl.DataFrame
    learnable: bool | None


@dataclass(frozen=True, eq=False)
class Fairness:
    """What happens when a segment of users is shown worse off with the challenger than with the champion.

    Attributes:
        groups: Segment to bool[n_users].
        rule: off: nothing is asked; note: a gate that is not passed is on record; refuse: the champion stays.
        margin: How much of ndcg@10 a segment may lose.
    """

    groups: Mapping[str, Mask] = field(default_factory=dict)
    rule: Literal["off", "note", "refuse"] = "off"
    margin: float = 0.0

    def worse_off(self, challenger: Evaluation, champion: Evaluation) -> list[Gap]:
        """Return the segments that are shown to lose more than the margin."""
        if self.rule == "off":
            return []
        return [gap for gap in gaps_to_another(challenger, champion, self.groups, self.margin) if gap.shown]

    def gates(self, worse: Sequence[Gap]) -> list[Gate]:
        """Answer the gate; none where nothing is asked."""
        if self.rule == "off":
            return []
        seen = [f"{gap.segment} {gap.difference:+.4f} [{gap.ci_low:+.4f}, {gap.ci_high:+.4f}]" for gap in worse]
        demanded = f"no segment shown to lose more than {self.margin:g} of ndcg@10"
        return [Gate("segments", not worse, "; ".join(seen) or "none", demanded)]


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
        fairness: Whether a segment may lose.
        logged: Lists that were shown by chance since the test began; None where none were.
        anchor: The recipe of 28 days ago, or the first one.
        promotion_error: The chance with which a challenger may be promoted that is not better.
    """

    challenger: Recipe
    champion: Recipe | None
    underpowered: bool
    cutoffs: tuple[int, ...]
    seed: int
    megabytes: int
    fairness: Fairness = field(default_factory=Fairness)
    logged: LoggedLists | None = None
    anchor: Recipe | None = None
    promotion_error: float = TAIL


class Role(NamedTuple):
    """What was measured of a recipe, fitted to train and validation, on the test.

    Attributes:
        evaluation: The evaluation.
        chosen: How often what it shows was chosen.
        lists: Its lists held against the logged ones, by what counts; none where none were explored.
    """

    evaluation: Evaluation
    chosen: pl.DataFrame
    lists: Mapping[Reward, OtherLists]

    def rows(self, role: str) -> pl.DataFrame:
        """Return what was measured besides the evaluation, as rows of the metrics table."""
        return pl.concat([self.chosen.with_columns(pl.lit(role).alias(MODEL)), logged_rows(self.lists, role)])


Measure = Callable[[Recipe], Role]
"""Fits a recipe to train and validation, and measures it on the test."""


def measuring(split: Split, asked: ComparisonOnTest, build: Callable[[Recipe], Blended]) -> Measure:
    """Return what fits a recipe to the split's training data and measures it on what is held out."""

    def measure(recipe: Recipe) -> Role:
        fitted = build(recipe).fit(split.fitted, seed=asked.seed)
        return Role(
            evaluate(fitted, split, cutoffs=asked.cutoffs, megabytes=asked.megabytes),
            chosen_shares(fitted, split, recipe.name, seed=asked.seed, megabytes=asked.megabytes),
            asked.logged.of(fitted) if asked.logged is not None else {},
        )

    return measure


def compare_on_test(asked: ComparisonOnTest, measure: Measure) -> Proof:
    """Measure each recipe on the test, and decide."""
    roles = _Roles(asked, measure)
    gates = [LEARNABLE.ask(roles.evaluation(CHALLENGER), roles.evaluation(POPULARITY))]
    if asked.underpowered:
        users = roles.evaluation(CHALLENGER).n_users
        why = f"too few users to tell ({users}): {asked.challenger.name} is published as unproved"
        recipe, decision, sentence = asked.challenger, "unproved", why
    else:
        recipe, decision, sentence = _decide(asked, roles, gates)
    return Proof(
        recipe,
        decision,
        sentence,
        tuple(gates),
        {role: found.evaluation for role, found in roles.found.items()},
        pl.concat([*(found.rows(role) for role, found in roles.found.items()), *_examination(asked)]),
        None if asked.underpowered else gates[0].passed,
    )


def _examination(asked: ComparisonOnTest) -> list[pl.DataFrame]:
    return [asked.logged.examination_rows()] if asked.logged is not None else []


class _Roles:
    """The roles as they are measured: each on the same test, the same recipe fitted once.

    Attributes:
        found: Role to what was measured.
    """

    def __init__(self, asked: ComparisonOnTest, measure: Measure) -> None:
        self._measure = measure
        self._by_recipe: dict[str, Role] = {}
        self.found: dict[str, Role] = {}
        self.measure(CHALLENGER, asked.challenger)
        self.measure(POPULARITY, POPULARITY_RECIPE)
        if asked.champion is not None:
            self.measure(CHAMPION, asked.champion)

    def evaluation(self, role: str) -> Evaluation:
        """Return the evaluation of a role that was measured."""
        return self.found[role].evaluation

    def measure(self, role: str, recipe: Recipe) -> Evaluation:
        """Fit the recipe of a role and measure it."""
        key = recipe.model_dump_json()
        if key not in self._by_recipe:
            self._by_recipe[key] = self._measure(recipe)
        self.found[role] = self._by_recipe[key]
        return self.found[role].evaluation


def _decide(asked: ComparisonOnTest, roles: _Roles, gates: list[Gate]) -> tuple[Recipe, str, str]:
    champion = asked.champion
    if champion is None:
        if gates[0].passed:
            return asked.challenger, "first", f"{asked.challenger.name} beats popularity and is the first champion"
        return POPULARITY_RECIPE, POPULARITY, "nothing beats popularity: the data hold no preference to learn"
    recipe, decision, sentence = champion, "kept", f"the champion {champion.name} stays"
    if asked.challenger != champion:
        recipe, decision, sentence = _challenge(asked, champion, roles, gates)
    role = published_role(decision)
    gates.append(FLOOR.ask(roles.evaluation(role), roles.evaluation(POPULARITY)))
    if not gates[-1].passed:
        return POPULARITY_RECIPE, POPULARITY, f"{recipe.name} is shown worse than popularity, which is published"
    return recipe, decision, sentence


def _challenge(asked: ComparisonOnTest, champion: Recipe, roles: _Roles, gates: list[Gate]) -> tuple[Recipe, str, str]:
    """Let the challenger take the champion's place where it is shown better, and nothing else objects."""
    challenger, stays = asked.challenger, f"the champion {champion.name} stays"
    new, old = roles.found[CHALLENGER], roles.found[CHAMPION]
    gates.append(SUPERIOR.ask(new.evaluation, old.evaluation, asked.promotion_error))
    if not gates[-1].passed:
        return champion, "kept", f"{challenger.name} is not shown better: {stays}"
    better = f"{challenger.name} is shown better"
    if asked.anchor is not None and asked.anchor not in (challenger, champion):
        gates.append(ANCHOR.ask(new.evaluation, roles.measure(ANCHORED, asked.anchor)))
        if not gates[-1].passed:
            return champion, "kept", f"{better}, but worse than {asked.anchor.name} of 28 days ago: {stays}"
    if asked.logged is not None:
        gates.append(OFF_POLICY.ask(compare_lists(new.lists["click"], old.lists["click"])))
        if not gates[-1].passed:
            return champion, "kept", f"{better}, but logged lists show it fewer clicks: {stays}"
    worse = asked.fairness.worse_off(new.evaluation, old.evaluation)
    gates += asked.fairness.gates(worse)
    if worse and asked.fairness.rule == "refuse":
        losers = ", ".join(gap.segment for gap in worse)
        return champion, "kept", f"{better}, but worse for {losers}: {stays}"
    return challenger, "promoted", f"{better} than the champion {champion.name} and takes its place"
