"""Opening a night: its T, and whether it is new, unfinished or already decided."""

from datetime import UTC, datetime

from prefect.context import FlowRunContext

from nightschool.application.home import asked_manifest, manifest_of
from nightschool.application.search import check_models
from nightschool.application.tracking import registry
from nightschool.columns import INTERACTIONS
from nightschool.data.filters import check_rules
from nightschool.errors import ConfigurationError
from nightschool.night.config import NightConfig
from nightschool.night.identity import Request
from nightschool.night.night import Night, Unchanged, resolve_night
from nightschool.night.plan import plan_night
from nightschool.spark_session import spark_session
from nightschool.storage.fingerprints import code_version, environment, environment_fingerprint
from nightschool.storage.home import Home
from nightschool.storage.releases import Release


def check_configuration(config: NightConfig, dataset: str | None) -> None:
    """Check that the configuration can be carried out, before any source file is read.

    Raises:
        ConfigurationError: A model or hyper-parameter does not exist, a value is out of range, or a rule does not fit
            the dataset.
        Unavailable: Spark shall compute the night, and it does not answer.
    """
    check_models(config)
    if config.engine == "spark":
        spark_session(config.spark.master)
    manifest = asked_manifest(dataset)
    if manifest is not None:
        check_rules(config, manifest)


def open_night(
    home: Home, config: NightConfig, as_of: datetime | None, force: bool = False, make_current: bool = False
) -> Night | Release | Unchanged:
    """Return the night to run; or the release that the same night stored before, or that it would only repeat.

    The MLflow alias is set to the current release. A release that was stored before becomes current on request.

    Raises:
        Unavailable: The night would run out of memory.
    """
    if config.engine == "local" and home.lake.exists(INTERACTIONS):
        plan_night(home.lake, config.minutes).require()
    manifest = manifest_of(home)
    current = home.releases.current()
    if current is not None:
        registry(home).reconcile(current.release_id)
    surroundings = environment_fingerprint(environment())
    found = resolve_night(home, manifest, config, Request(as_of, code_version(), surroundings, force, make_current))
    if isinstance(found, Release) and make_current:
        found = home.releases.rollback(found.release_id, "made current by a night that asked for it")
        registry(home).reconcile(found.release_id)
    return found


def asked_instant(as_of: datetime | None) -> datetime | None:
    """Return the requested T, UTC: the parameter, else the scheduled start of a run that a schedule made.

    A run that was started by hand has a scheduled start too, which is not its T.

    Raises:
        ConfigurationError: T lies in the future, when more may be known than is now.
    """
    if as_of is not None:
        return _past(plain(as_of if as_of.tzinfo else as_of.replace(tzinfo=UTC)))
    return scheduled_start()


def scheduled_start() -> datetime | None:
    """Return when the schedule planned this run, UTC; None for a run that was started by hand."""
    context = FlowRunContext.get()
    if context is None or context.flow_run is None or not context.flow_run.auto_scheduled:
        return None
    start = context.flow_run.expected_start_time
    return plain(start) if start else None


def plain(instant: datetime) -> datetime:
    """Return the instant in UTC as a datetime of the standard library.

    Prefect's are a subclass of it (pendulum), whose sums pandas refuses to compare with a column.
    """
    return datetime.fromtimestamp(0, UTC) + (instant - datetime.fromtimestamp(0, UTC))


def _past(instant: datetime) -> datetime:
    if instant > datetime.now(UTC):
        raise ConfigurationError("T lies in the future", seen=instant.isoformat(), do="give an instant that has passed")
    return instant
