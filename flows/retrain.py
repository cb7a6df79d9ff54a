"""The night: from source files to a published release."""

from datetime import datetime
from pathlib import Path
from typing import Any

from prefect import flow

from flows.form import NightForm
from nightschool.application.attempt import Attempt
from nightschool.application.bind_home import bind_home
from nightschool.application.opening import check_configuration, open_night
from nightschool.night.config import NightConfig
from nightschool.night.night import Night
from nightschool.settings import Settings
from nightschool.storage.turn import home_turn
from tasks.contextualise import contextualise
from tasks.ingest import ingest
from tasks.prepare import prepare
from tasks.prove import prove
from tasks.publish import publish
from tasks.recommend import recommend
from tasks.recover import recover
from tasks.refit import refit
from tasks.report import report, report_decided
from tasks.select import select
from tasks.validate import validate


@flow(name="retrain")
def retrain(
    dataset: str | None = None,
    source_root: Path | None = None,
    as_of: datetime | None = None,
    config: NightForm = NightConfig(),
    force: bool = False,
    dry_run: bool = False,
    make_current: bool = False,
) -> dict[str, Any]:
    """Run one night and return its report, or raise the error that refused it.

    Args:
        dataset: A shipped dataset's name, or a manifest's path. Empty: the one that the home holds.
        source_root: The folder of the manifest's files. Empty: the one that the home remembers.
        as_of: T: the night sees only what was known then. Empty: the scheduled start, else the newest row.
        config: The configuration of the night.
        force: Run the night although the same night was published or refused before.
        dry_run: Do everything except publishing.
        make_current: Make the release current although its T is before that of the current release.
    """
    with Attempt() as attempt:
        instant = attempt.begin(as_of)
        check_configuration(config, dataset)
        with home_turn(Settings().paths):
            home = bind_home(dataset, source_root)
            recover(home)
            ingested = attempt.took(ingest(home, instant))
            night = attempt.opened(open_night(home, config, instant, force, make_current and not dry_run))
            if not isinstance(night, Night):
                return attempt.ends(report_decided(night, ingested))
            validate(night)
            prepared = prepare(night)
            selected = select(night, prepared)
            proved = prove(night, prepared, selected)
            contextual = contextualise(night, prepared, proved)
            refitted = refit(night, prepared, selected, proved, contextual)
            recommended = recommend(night, prepared, refitted, contextual)
            published = publish(night, proved, refitted, recommended, dry_run)
            return attempt.ends(report(night, ingested, published))
    return attempt.refused
