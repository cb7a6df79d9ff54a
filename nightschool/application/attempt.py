"""The frame of a night: the rows that a try leaves however it ends, and the end state that Prefect shows."""

import logging
from contextlib import ExitStack
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self, cast
from uuid import uuid4

import polars as pl
from prefect.client.schemas.objects import State
from prefect.context import FlowRunContext
from prefect.states import Completed, Failed

from nightschool.application.announce import announce, announce_missed
from nightschool.application.measure import Figures, collecting
from nightschool.application.night_page import report_night
from nightschool.application.opening import asked_instant, plain, scheduled_start
from nightschool.application.run_labels import label_run
from nightschool.application.tracking import track_end
from nightschool.columns import AVAILABLE_AT, INTERACTIONS, TIMESTAMP
from nightschool.errors import NightschoolError
from nightschool.failures import INTERRUPTED, explain
from nightschool.night.night import Night, Unchanged
from nightschool.night.outcome import Outcome, outcome_of
from nightschool.night.records import IngestRecord
from nightschool.settings import Settings
from nightschool.storage.lake import UNREADABLE
from nightschool.storage.nights import NightRow, Nights
from nightschool.storage.releases import Release
from nightschool.webhook import tell_of_release

logger = logging.getLogger("nightschool.application")


class Attempt:
    """A context manager around one try of a night.

    It writes a row to the table of nights when the try begins and when it ends, names and tags the flow run, and sends
    the messages. An expected error ends the block; the flow then returns `refused`, and Prefect raises the error for
    the caller of the flow. A defect is raised as it is.
    """

    def __init__(self) -> None:
        self._nights = Nights.of(Settings().paths)
        self._open = ExitStack()
        self._row = NightRow(night_id=uuid4().hex, started_at=datetime.now(UTC))
        self._figures: Figures = {}
        self._report: dict[str, Any] = {}
        self._run_key: str | None = None
        self._refused: State[Any] | None = None

    @property
    def refused(self) -> dict[str, Any]:
        """Return the end state of a refused or failed night; Prefect raises its error to the caller."""
        assert self._refused is not None, "the block did not end with an error"  # noqa: S101
        return cast("dict[str, Any]", self._refused)

    def __enter__(self) -> Self:
        self._figures = self._open.enter_context(collecting())
        return self

    def begin(self, as_of: datetime | None) -> datetime | None:
        """Write the row of the begun try; return T as it was asked for.

        Raises:
            ConfigurationError: T lies in the future.
        """
        context, scheduled = FlowRunContext.get(), scheduled_start()
        flow_run = context.flow_run if context else None
        asked = plain(as_of.astimezone(UTC) if as_of.tzinfo else as_of.replace(tzinfo=UTC)) if as_of else scheduled
        about = {"flow_run_id": str(flow_run.id) if flow_run else "", "scheduled_for": scheduled, "as_of": asked}
        self._row = self._row.model_copy(update=about)
        self._open.enter_context(self._nights.running(self._row.night_id))
        self._nights.append(self._row)
        announce_missed(self._nights)
        return asked_instant(as_of)

    def took(self, ingested: IngestRecord) -> IngestRecord:
        """Note what became of the source rows in the night's row; return the record as it is."""
        self._row = self._row.model_copy(update={"rows": ingested.model_dump(mode="json")["rows"]})
        return ingested

    def opened(self, found: Night | Release | Unchanged) -> Night | Release | Unchanged:
        """Note which night it is that opened; return what was found as it is."""
        if isinstance(found, Night):
            self._run_key = found.identity.run_key
            self._row = self._row.model_copy(update={"as_of": found.identity.as_of})
        return found

    def ends(self, report: dict[str, Any]) -> dict[str, Any]:
        """Return the end state of a night with this report, which Prefect returns to the caller."""
        self._report = report
        name = "Unchanged" if report["status"] == "unchanged" else "Completed"
        # Typed as what the flow's caller gets of it.
        return cast("dict[str, Any]", Completed(name=name, message=report.get("sentence"), data=report))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool:
        shown = (explain(error) or error) if error else None
        outcome = outcome_of(shown) if shown else self._success()
        with self._open:
            self._leave_row(outcome)
        if outcome.exit_code != INTERRUPTED:
            # First: a process that is killed while it writes the report leaves a run that says how the night ended.
            track_end(self._row, self._run_key)
            page = report_night(self._row, self._run_key)
            link = track_end(self._row, self._run_key, page) if page else None
            label_run(self._row, self._nights.lake, link)
            tell_of_release(Settings())
            announce(self._row, self._nights, self._report.get("alarms", ()))
        if not isinstance(shown, NightschoolError):
            return False
        self._refused = Failed(name=outcome.state, message=outcome.reason, data=shown)
        return True

    def _success(self) -> Outcome:
        return Outcome(self._report["status"], "Completed", 0, self._report.get("sentence", ""))

    def _leave_row(self, outcome: Outcome) -> None:
        """Write the row of the end; where that fails, the night's own error is still the one that is shown."""
        as_of = self._report.get("as_of")
        update = {
            "as_of": datetime.fromisoformat(as_of) if as_of else self._row.as_of,
            "ended_at": datetime.now(UTC),
            "outcome": outcome.name,
            "exit_code": outcome.exit_code,
            "reason": outcome.reason,
            "release_id": self._report.get("release_id") or "",
            "stages": self._figures,
        }
        self._row = self._row.model_copy(update=update)
        try:
            self._row = self._row.model_copy(update={"newest_event": self._newest_event()})
            self._nights.append(self._row)
            self._nights.trim(datetime.now(UTC))
        except UNREADABLE as error:
            logger.warning("the end of this night could not be noted: %s", error)

    def _newest_event(self) -> datetime | None:
        """Return the newest timestamp that was known at T."""
        known = pl.col(AVAILABLE_AT) <= (self._row.as_of or datetime.now(UTC))
        newest: datetime | None
        newest = self._nights.lake.scan(INTERACTIONS).filter(known).select(pl.col(TIMESTAMP).max()).collect().item()
        return newest


def leave_rows_of(error: NightschoolError, as_of: datetime | None) -> None:
    """Write the rows of a try that ended before its flow could start."""
    attempt = Attempt()
    with attempt:
        attempt.begin(as_of)
        raise error
