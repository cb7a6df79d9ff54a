"""The records of a night's stages: what each leaves for the stages after it, in the order in which they run."""

from collections.abc import Mapping
from datetime import datetime
from typing import ClassVar, Final, Self, TypeVar

from nightschool.evaluation.gaps import Gap
from nightschool.ingest.file_outcomes import FileFate
from nightschool.ingest.ingest import IngestReport
from nightschool.night.entries import (
    AlphaEntry,
    CandidateEntry,
    ContextEntry,
    Entry,
    RoleEntry,
    RuleEntry,
    ShiftEntry,
    TrialEntry,
)
from nightschool.night.gates import Gate
from nightschool.recipe import Recipe


class StageRecord(Entry):
    """A stage's record.

    A new stage is a subclass here, its name in `STAGES`, its task in a file of that name in `tasks/`, and its
    line in `flows/retrain.py`. Rows of the task's `metrics.parquet` are published with the metrics of the release.

    Attributes:
        stage: The name of the stage, of its task, of its folder and of its record's file.
        kept: Whether the record is on the disk, so that an interrupted night goes on after the stage.
    """

    stage: ClassVar[str]
    kept: ClassVar[bool] = True

    def measured(self) -> Mapping[str, float | None]:
        """Return the stage's own figures, by name; the night's report shows those of kept stages."""
        return {}


Record = TypeVar("Record", bound=StageRecord)


class RecoverRecord(StageRecord):
    """How many erasures were finished that an earlier process had left half done."""

    stage: ClassVar[str] = "recover"
    kept: ClassVar[bool] = False

    erasures: int


class IngestRecord(StageRecord):
    """What became of the source rows.

    Attributes:
        rows: Table to what became of its rows: rows_in, already_known, accepted, quarantined, reasons, ….
        files: What became of each source file.
        warnings: Sentences for the report.
    """

    stage: ClassVar[str] = "ingest"
    kept: ClassVar[bool] = False

    rows: Mapping[str, Mapping[str, int | Mapping[str, int]]]
    files: tuple[FileFate, ...] = ()
    warnings: tuple[str, ...] = ()

    @classmethod
    def of(cls, report: IngestReport) -> Self:
        """Build the record of an ingest."""
        return cls(rows=report.to_dict(), files=report.files, warnings=report.warnings)


class ValidateRecord(StageRecord):
    """Every rule that was checked, by table, and warnings that do not block the night."""

    stage: ClassVar[str] = "validate"

    tables: Mapping[str, tuple[RuleEntry, ...]]
    warnings: tuple[str, ...] = ()


class PrepareRecord(StageRecord):
    """How the events were cut into train, validation and test.

    Attributes:
        protocol: The name of the protocol that the data allow.
        validation_from: When validation begins, and `test_from` the test; None for a split without time.
        warnings: Why the protocol is weaker than the temporal one, in sentences.
        underpowered: Whether the test holds too few users to show a difference.
        users: Number of users.
        items: Number of items.
        events: Number of events.
        events_by_part: Number of events in train, validation and test.
        signals: One entry a rule of signals and filters: rule, setting, rows, users, items.
    """

    stage: ClassVar[str] = "prepare"

    protocol: str
    validation_from: datetime | None
    test_from: datetime | None
    warnings: tuple[str, ...]
    underpowered: bool
    users: int
    items: int
    events: int
    events_by_part: tuple[int, ...]
    signals: tuple[Mapping[str, str | int], ...]


class SelectRecord(StageRecord):
    """The recipe that validation chose, and everything that was tried.

    Attributes:
        recipe: Tonight's challenger; the champion's recipe on nights that do not tune.
        candidates: The best setting of each model, then the blend and the reranker where they were tried.
        sweep: The α that were tried; empty where the data support no hybrid.
        trials: Every setting that was tried, in order.
        failures: Model to the reason for which it was left out.
        tuned: Whether recipes were searched tonight.
        cuts: How many validation cuts the recipe was chosen on.
        bought: What the search gained, in a sentence.
    """

    stage: ClassVar[str] = "select"

    recipe: Recipe
    candidates: tuple[CandidateEntry, ...]
    sweep: tuple[AlphaEntry, ...]
    trials: tuple[TrialEntry, ...]
    failures: Mapping[str, str]
    tuned: bool
    cuts: int = 1
    bought: str = ""


class ProveRecord(StageRecord):
    """The recipe that the test approved, and why.

    Attributes:
        recipe: The recipe to refit and publish.
        decision: A code: `promoted`, `kept`, `first`, `popularity`, `unproved`.
        sentence: The decision in words.
        learnable: Whether a personal recipe beat popularity; None when there were too few users to show it.
        gates: The model gates, in the order in which they were asked.
        roles: The figures of each role on the test.
        gaps: How each segment of users is served by the approved recipe.
    """

    stage: ClassVar[str] = "prove"

    recipe: Recipe
    decision: str
    sentence: str
    learnable: bool | None
    gates: tuple[Gate, ...]
    roles: tuple[RoleEntry, ...]
    gaps: tuple[Gap, ...]


class ContextualiseRecord(StageRecord):
    """Which contexts change a list at request, as validation showed.

    Attributes:
        timezone: The zone of hour and weekday.
        contexts: Every context of the data.
        figures: How the ranking of held-out choices fares with and without contexts, by name.
    """

    stage: ClassVar[str] = "contextualise"

    timezone: str
    contexts: tuple[ContextEntry, ...]
    figures: Mapping[str, float]

    def measured(self) -> Mapping[str, float | None]:
        """Return each context's weight, and the figures."""
        return {**{f"weight of {each.name}": each.weight for each in self.contexts}, **self.figures}


class RefitRecord(StageRecord):
    """The name of the refitted recipe, notes of its models, and the night's MLflow run."""

    stage: ClassVar[str] = "refit"

    recipe: str
    notes: tuple[str, ...]
    mlflow_run_id: str


class RecommendRecord(StageRecord):
    """The tables that wait to be published.

    Attributes:
        rows: Table to its number of rows.
        gates: The table gates.
        shifts: Figures that the releases before do not let expect.
        tie: By how many places what was listed before comes first, for users without new events.
        changed: The share of lists that changed without new events; None where there were none.
        changed_untied: The same without the tie; None where there was none.
        freshness: Shares of young items in what users do and in what they are recommended; None where not measured.
        unexplained: Components whose items are listed without a reason.
    """

    stage: ClassVar[str] = "recommend"

    rows: Mapping[str, int]
    gates: tuple[Gate, ...]
    shifts: tuple[ShiftEntry, ...]
    tie: float
    changed: float | None
    changed_untied: float | None
    freshness: Mapping[str, float | None]
    unexplained: tuple[str, ...]

    def measured(self) -> Mapping[str, float | None]:
        """Return how many lists changed without new events, and how the tie to the release before held them."""
        found = {"changed lists": self.changed, "changed lists without the tie": self.changed_untied}
        known = {name: value for name, value in found.items() if value is not None}
        return {**known, "tie in places": self.tie} if known else {}


class PublishRecord(StageRecord):
    """The id of the stored release, None after a dry run, and its status."""

    stage: ClassVar[str] = "publish"
    kept: ClassVar[bool] = False

    release_id: str | None
    status: str


STAGES: Final[tuple[type[StageRecord], ...]] = (
    RecoverRecord,
    IngestRecord,
    ValidateRecord,
    PrepareRecord,
    SelectRecord,
    ProveRecord,
    ContextualiseRecord,
    RefitRecord,
    RecommendRecord,
    PublishRecord,
)
"""The stages of a night in the order of its flow; the report and the tests of killed nights follow from it."""
