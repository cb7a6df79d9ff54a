"""How far a stage has come, as a progress artifact of its Prefect task."""

import logging
import time
from typing import Final, cast
from uuid import UUID

import httpx
from prefect.artifacts import create_progress_artifact, update_progress_artifact
from prefect.context import TaskRunContext
from prefect.exceptions import PrefectException

EVERY_SECONDS: Final = 5.0
"""Seconds between two reports: a stage that takes less needs none."""
_WHOLE: Final = 100.0

logger = logging.getLogger("nightschool.application")


class StageProgress:
    """Shows what a stage is doing, and how much of that is done, on the page of its task; outside of a task, nothing.

    Progress that cannot be shown is a warning in the log, once: what only decorates a night must not fail it.
    """

    def __init__(self, stage: str) -> None:
        self._stage = stage
        self._artifact: UUID | None = None
        self._shown_at = time.monotonic()
        self._is_shown = TaskRunContext.get() is not None

    def __call__(self, doing: str, share: float) -> None:
        """Show it where the last time is some seconds ago."""
        if self._is_shown and time.monotonic() - self._shown_at >= EVERY_SECONDS:
            self._show(doing, share)

    def finish(self) -> None:
        """Show that the stage is done, if anything was shown of it."""
        if self._is_shown and self._artifact is not None:
            self._show("done", 1.0)

    def _show(self, doing: str, share: float) -> None:
        described = f"{self._stage}: {doing}"
        try:
            if self._artifact is None:
                key = f"{self._stage}-progress"
                self._artifact = cast(UUID, create_progress_artifact(_WHOLE * share, key, described))
            else:
                update_progress_artifact(self._artifact, _WHOLE * share, described)
        except (httpx.HTTPError, PrefectException) as error:
            self._is_shown = False
            logger.warning("progress cannot be shown: %s", error)
        self._shown_at = time.monotonic()
