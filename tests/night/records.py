"""One record of each stage, of a night that tried two models and published the first release."""

from typing import Any

from nightschool.evaluation.gaps import Gap
from nightschool.ingest.file_outcomes import FileFate
from nightschool.night.entries import (
    AlphaEntry,
    CandidateEntry,
    ContextEntry,
    RoleEntry,
    RuleEntry,
    TrialEntry,
)
from nightschool.night.gates import Gate
from nightschool.night.night import Night
from nightschool.night.records import (
    ContextualiseRecord,
    IngestRecord,
    PrepareRecord,
    ProveRecord,
    PublishRecord,
    RecommendRecord,
    RecoverRecord,
    RefitRecord,
    SelectRecord,
    StageRecord,
    ValidateRecord,
)
from nightschool.recipe import Component, Recipe

EASE = Recipe(components=(Component(model="ease", params={"l2": 5.0}),))
FIGURE = {"ndcg@10": [0.31, 0.3, 0.32]}
NOTHING = {"ndcg@10": [None, None, None]}
LEARNABLE = Gate("learnable", passed=True, seen="+0.1", demanded="> 0")
COVERAGE = Gate("catalogue coverage", passed=False, seen="0.001", demanded="at least 0.01")

EXAMPLES: dict[str, StageRecord] = {
    record.stage: record
    for record in (
        RecoverRecord(erasures=0),
        IngestRecord(
            rows={"interactions": {"rows_in": 1234, "accepted": 1200, "reasons": {"null": 30}}},
            files=(FileFate("interactions", "a.csv", "taken", 1234),),
            warnings=("a warning",),
        ),
        ValidateRecord(
            tables={
                "items": (
                    RuleEntry(rule="unique item_id", reason="repeated", severity="critical", passed=True, observed="0"),
                )
            }
        ),
        PrepareRecord(
            protocol="temporal-user",
            validation_from=None,
            test_from=None,
            warnings=("weaker",),
            underpowered=False,
            users=2,
            items=2,
            events=1,
            events_by_part=(1, 0, 0),
            signals=({"rule": "suspected bots", "setting": "view", "rows": 1228, "users": 20, "items": 500},),
        ),
        SelectRecord(
            recipe=EASE,
            candidates=(
                CandidateEntry(
                    name="ease", params={"l2": 5.0}, fit_seconds=2.5, note="sparse form", n_users=2, metrics=FIGURE
                ),
            ),
            sweep=(AlphaEntry(alpha=0.5, name="hybrid(ease, content, α=0.5)", metrics=FIGURE),),
            trials=tuple(
                TrialEntry(model=model, params={}, value=None, seconds=0.0) for model in ("ease", "ease", "ials")
            ),
            failures={"svd": "no"},
            tuned=True,
        ),
        ProveRecord(
            recipe=EASE,
            decision="first",
            sentence="ease is better than popularity",
            learnable=True,
            gates=(LEARNABLE,),
            gaps=(
                Gap(
                    segment="audience:a",
                    n_users=30,
                    difference=-0.02,
                    ci_low=-0.03,
                    ci_high=-0.01,
                    p_value=0.01,
                    shown=True,
                ),
            ),
            roles=(
                RoleEntry(name="challenger", n_users=2, metrics=FIGURE),
                RoleEntry(name="popularity", n_users=2, metrics=NOTHING),
            ),
        ),
        ContextualiseRecord(
            timezone="UTC",
            contexts=(
                ContextEntry(
                    name="device",
                    values=("desktop", "mobile"),
                    strength=30.0,
                    weight=0.8,
                    difference=(0.004, 0.001, 0.007),
                    note="",
                ),
                ContextEntry(name="hour", values=("8", "9"), strength=None, weight=0.0, difference=None, note="no"),
            ),
            figures={"added by device": 0.004},
        ),
        RefitRecord(recipe="ease", notes=("ease: sparse, with everything",), mlflow_run_id="run-1"),
        RecommendRecord(
            rows={"recommendations": 2},
            gates=(COVERAGE,),
            shifts=(),
            tie=2.0,
            changed=0.25,
            changed_untied=0.5,
            freshness={
                "new_item_events_7d": 0.25,
                "new_item_events_30d": 0.5,
                "new_item_places_7d": None,
                "new_item_places_30d": 0.125,
            },
            unexplained=("popularity",),
        ),
        PublishRecord(release_id="2024-05-06-abc", status="published"),
    )
}
"""Stage to its record."""


def example(kind: type[StageRecord], **fields: Any) -> Any:
    """The example of a stage, with some fields changed."""
    return EXAMPLES[kind.stage].model_copy(update=fields)


def keep(night: Night, *records: StageRecord) -> None:
    """Put records on the disk, as the stages do."""
    for record in records:
        night.records.put(record.stage, record.model_dump(mode="json"))


def keep_all(night: Night) -> None:
    """Put the records of all stages on the disk that are kept there."""
    keep(night, *(record for record in EXAMPLES.values() if record.kept))
