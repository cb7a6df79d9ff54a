"""The results of an experiment so far: outcomes and activity of its users, analysed."""

from datetime import UTC, datetime

import polars as pl

from nightschool.columns import USER_ID
from nightschool.data.feedback_source import with_feedback
from nightschool.data.manifest.manifest import load_manifest
from nightschool.data.signals import signal_of
from nightschool.errors import DataRefused
from nightschool.experiments.activity import read_interactions, with_after, with_before, with_known
from nightschool.experiments.analysis import LEAST_USERS, Analysis, analyze
from nightschool.experiments.metrics import MINUTES, SCORES, SETTLED
from nightschool.experiments.plan import Experiment
from nightschool.experiments.store import Experiments
from nightschool.settings import Settings
from nightschool.shown.exposures import ARM
from nightschool.storage.as_of import newest_known
from nightschool.storage.binding import find_binding
from nightschool.storage.home import Home


def results_of(experiments: Experiments, experiment: Experiment, settings: Settings) -> Analysis:
    """Analyze an experiment as of now.

    Args:
        experiments: The database of experiments.
        experiment: One of them.
        settings: The settings, which name the home that knows minutes and scores.

    Raises:
        Unreachable: The database does not answer.
    """
    outcomes = measured(experiments, experiment, settings, datetime.now(UTC))
    return analyze(outcomes, [arm.name for arm in experiment.arms], experiment.shares, experiment.metric)


def shown_before(experiments: Experiments, settings: Settings) -> tuple[Experiment, pl.DataFrame] | None:
    """Return the newest experiment whose control has settled users enough, with these users measured; None without.

    Args:
        experiments: The database of experiments.
        settings: The settings, which name the home.
    """
    for experiment in reversed(experiments.all()):
        frame = measured(experiments, experiment, settings, datetime.now(UTC))
        frame = frame.filter(pl.col(SETTLED), pl.col(ARM) == experiment.arms[0].name)
        if frame.height >= LEAST_USERS:
            return experiment, frame
    return None


def measured(experiments: Experiments, experiment: Experiment, settings: Settings, now: datetime) -> pl.DataFrame:
    """Return a row a user with every metric that is known, and its covariate."""
    outcomes = experiments.outcomes(experiment.name, now)
    binding = find_binding(settings.paths.binding)
    if binding is None or outcomes.is_empty():
        return outcomes
    lake = Home.of(settings.paths, binding).lake
    try:
        newest = newest_known(lake)
    except DataRefused:
        return outcomes
    signal = signal_of(with_feedback(load_manifest(binding.manifest), settings.events_address))
    since = experiment.started_at - experiment.before
    activity = read_interactions(lake, signal, outcomes[USER_ID], since)
    columns = [name for name in (MINUTES, SCORES) if name in activity.columns]
    outcomes = with_after(with_known(outcomes, experiment.window, newest), activity, columns, experiment.window)
    return with_before(outcomes, activity, columns, experiment.before)
