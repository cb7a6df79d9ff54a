"""Opening the night: which instant it sees, and whether it is new, unfinished or already decided."""

from datetime import datetime

from prefect.context import FlowRunContext

from nightschool.night.config import NightConfig
from nightschool.night.run import Home, Night, Request
from nightschool.night.run import open_night as open_or_find
from nightschool.storage.fingerprints import code_version, environment, environment_fingerprint
from nightschool.storage.releases import Release
from tasks.home import manifest_of
from tasks.tracking import registry


def open_night(home: Home, config: NightConfig, as_of: datetime | None, force: bool) -> Night | Release:
    """The night to run, or the release that the same night published before; the MLflow alias follows the pointer."""
    current = home.releases.current()
    registry(home).reconcile(current.release_id if current else None)
    request = Request(as_of=as_of, code=code_version(), environment=environment_fingerprint(environment()), force=force)
    return open_or_find(home, manifest_of(home), config, request)


def asked_instant(as_of: datetime | None) -> datetime | None:
    """T as it was asked for: the parameter, else the scheduled start of a run that a schedule made.

    A run that a person starts has a scheduled start too, which says nothing about T.
    """
    context = FlowRunContext.get()
    if as_of is not None or context is None or context.flow_run is None:
        return as_of
    return context.flow_run.expected_start_time if context.flow_run.auto_scheduled else None
