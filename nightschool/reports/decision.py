"""What a night decided and why, in sentences that need no knowledge of recommenders."""

from collections.abc import Mapping, Sequence
from typing import Final

import polars as pl

from nightschool.columns import CI_HIGH, CI_LOW, METRIC, MODEL, N_USERS, SEGMENT, SPLIT, VALUE, K
from nightschool.evaluation.segments import OVERALL
from nightschool.night.prove import published_role
from nightschool.night.reporting.metrics import number
from nightschool.recipe import Recipe
from nightschool.reports.counts import SHARED
from nightschool.reports.document import Rows, Section
from nightschool.storage.release import ON_TEST, Release

_ROLES: Final[Mapping[str, str]] = {
    "challenger": "what was tried tonight",
    "champion": "what was published before",
    "popularity": "the same popular items for everyone",
}
_DECISIONS: Final[Mapping[str, str]] = {
    "promoted": "Tonight's recipe replaces the one before: it was shown better on held-out choices.",
    "kept": "The recipe of before stays, trained anew on tonight's data: nothing was shown better on held-out choices.",
    "first": "This is the first release: its recipe was shown better than popularity on held-out choices.",
    "popularity": "Popular items are published: no personal recipe was shown better than them.",
    "unproved": "The recipe that validation chose is published unproved: there are too few users to show a difference.",
}
_STATUSES: Final[Mapping[str, str]] = {
    "published": "Users see its lists now, or saw them until a later release came.",
    "backfilled": "It was made for a day in the past, is stored beside the others, and was never shown to users.",
    "refused": "Nothing was published, and users see the lists of the release before, if there is one.",
}


def decision_section(release: Release, metrics: pl.DataFrame) -> Section:
    """Say what was decided, what that means for users, and how good it is; then figures and checks.

    Args:
        release: The release.
        metrics: Its rows of the metrics table.
    """
    decision, on_test = str(release.gates.get("decision", "")), _on_test(release, metrics)
    why = _DECISIONS.get(decision, f"{release.reason[:1].upper()}{release.reason[1:]}.")
    lead = [
        "New lists were made and thrown away: a check of them said no." if release.status == "refused" else why,
        _STATUSES.get(release.status, f"Its status is {release.status}."),
        _quality(release, on_test),
    ]
    asked: Sequence[Mapping[str, str | bool]] = release.gates.get("asked", [])
    gates = [(str(g["name"]), "yes" if g["passed"] else "NO", str(g["seen"]), str(g["demanded"])) for g in asked]
    failed = [gate[0] for gate in gates if gate[1] == "NO"]
    look = f"Look at: {', '.join(failed)}." if failed else "No check asks for attention."
    return Section(
        "What was decided",
        [*(sentence for sentence in lead if sentence), look],
        tables=[
            Rows("On the test, ndcg@10", ["", "value", "95 % interval"], _roles(on_test)),
            Rows("Checks before publishing", ["check", "passed", "seen", "demanded"], gates),
        ],
    )


def published(release: Release, metrics: pl.DataFrame) -> pl.DataFrame:
    """Return segment, value, ci_low, ci_high of ndcg@10 on the test of the recipe that a release publishes."""
    return ndcg(metrics, "test").filter(pl.col(MODEL) == role_of(release)).drop(MODEL)


def role_of(release: Release) -> str:
    """Return the role under which the recipe that a release publishes was measured on the test."""
    return published_role(str(release.gates.get("decision", "")))


def recipe_in_words(release: Release) -> str:
    """Name the recipe of a release; empty where it has none."""
    return Recipe.model_validate(release.recipe).name if release.recipe else ""


def ndcg(metrics: pl.DataFrame, split: str) -> pl.DataFrame:
    """Return model, segment, value, ci_low, ci_high of ndcg@10 on a split, of segments that enough users share."""
    named = (pl.col(SEGMENT) == OVERALL) | (pl.col(N_USERS) >= SHARED)
    rows = metrics.filter(pl.col(METRIC) == "ndcg", pl.col(K) == 10, pl.col(SPLIT) == split, named)
    return rows.select(MODEL, SEGMENT, VALUE, CI_LOW, CI_HIGH).drop_nulls(VALUE)


def _on_test(release: Release, metrics: pl.DataFrame) -> pl.DataFrame:
    """Return model, value, ci_low, ci_high over all users; of a refused release, which has no rows, from its gates."""
    rows = ndcg(metrics, "test").filter(pl.col(SEGMENT) == OVERALL).drop(SEGMENT)
    if not rows.is_empty():
        return rows
    stored = [(role, *figure) for role, figure in release.gates.get(ON_TEST, {}).items()]
    return pl.DataFrame(stored, schema=rows.schema, orient="row").drop_nulls(VALUE)


def _roles(on_test: pl.DataFrame) -> list[tuple[str, str, str]]:
    return [
        (_ROLES.get(role, role), number(value), f"{number(low)} – {number(high)}")
        for role, value, low, high in on_test.rows()
    ]


def _quality(release: Release, on_test: pl.DataFrame) -> str:
    own = on_test.filter(pl.col(MODEL) == role_of(release))
    popular = on_test.filter(pl.col(MODEL) == "popularity")[VALUE]
    if own.is_empty() or popular.is_empty():
        return ""
    value, low, high = own.drop(MODEL).row(0)
    return (
        f"On a scale where 1 puts what users chose next at the top of every list, its lists reach {number(value)} "
        f"[{number(low)}, {number(high)}], {_times(value, popular[0])}."
    )


def _times(value: float, popular: float) -> str:
    if not popular:
        return "and popular items alone 0"
    return f"{value / popular:.1f} times as much as popular items alone"
