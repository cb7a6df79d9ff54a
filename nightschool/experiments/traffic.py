"""What the tables know of users before an experiment: how a metric varies, and how many of them come."""

from datetime import timedelta
from typing import Final

import numpy as np
import polars as pl

from nightschool.columns import USER_ID
from nightschool.data.feedback_source import with_feedback
from nightschool.data.manifest.manifest import load_manifest
from nightschool.data.signals import signal_of
from nightschool.errors import ConfigurationError, DataRefused
from nightschool.experiments.activity import read_interactions, with_after, with_before
from nightschool.experiments.metrics import CONVERTED, EVENTS, HITS, METRICS, MINUTES, REJECTED, SCORES, Metric
from nightschool.experiments.outcomes import FIRST_SHOWN_AT
from nightschool.experiments.plan import Plan
from nightschool.experiments.samples import moments_of, sample_of, theta_of
from nightschool.experiments.sizes import Baseline
from nightschool.settings import Settings
from nightschool.shown.attribution import AT
from nightschool.storage.as_of import newest_known
from nightschool.storage.binding import get_binding
from nightschool.storage.home import Home

DAYS: Final = 28
"""Days of the past that stand for the days of an experiment."""


def baseline_of(plan: Plan, settings: Settings, shown: pl.DataFrame | None = None) -> Baseline:
    """Measure the metric of a plan, and how many users come, on the past.

    Args:
        plan: The plan.
        settings: The settings, which name the home.
        shown: Users whom an earlier experiment showed its control's lists, measured; None: each user's first event of
            these days stands for a first list.

    Raises:
        NotFound: Nothing was ingested yet.
        DataRefused: Nobody did anything in these days.
        ConfigurationError: The metric is not known.
    """
    home = Home.of(settings.paths, get_binding(settings.paths.binding))
    signal = signal_of(with_feedback(load_manifest(home.binding.manifest), settings.events_address))
    end = newest_known(home.lake) - timedelta(hours=plan.window_hours)
    start = end - timedelta(days=DAYS)
    activity = read_interactions(home.lake, signal, None, start - timedelta(days=plan.before_days))
    came = activity.filter(pl.col(AT) >= start, pl.col(AT) < end)
    users = came.group_by(USER_ID).agg(pl.col(AT).min().alias(FIRST_SHOWN_AT))
    if users.height < 2:
        raise DataRefused(f"hardly anybody did anything in {DAYS} days", seen=f"until {end:%Y-%m-%d}", do="ingest more")
    frame = _from_events(plan, users, activity) if shown is None else shown
    metric = _known(plan, frame)
    values, others = (frame[name].to_numpy().astype(np.float64) for name in (metric.value, metric.other))
    moments = moments_of(values, others)
    sample = sample_of(moments, metric.kind, 0.0 if metric.kind == "ratio" else theta_of(moments))
    day = (users[FIRST_SHOWN_AT] - start).dt.total_days().to_numpy()
    reach = np.bincount(day, minlength=DAYS).cumsum().astype(np.float64)
    return Baseline(float(sample.unadjusted), float(sample.variance), reach)


def _from_events(plan: Plan, users: pl.DataFrame, activity: pl.DataFrame) -> pl.DataFrame:
    """Return each metric of users, with its covariate, from the first event on."""
    columns = [name for name in (EVENTS, HITS, REJECTED, MINUTES, SCORES) if name in activity.columns]
    frame = with_after(users, activity, columns, timedelta(hours=plan.window_hours))
    frame = with_before(frame, activity, columns, timedelta(days=plan.before_days))
    return frame.with_columns((pl.col(HITS) > 0).alias(CONVERTED), pl.col(REJECTED) > 0)


def _known(plan: Plan, frame: pl.DataFrame) -> Metric:
    metric = next(each for each in METRICS if each.name == plan.metric)
    if not {metric.value, metric.other} <= set(frame.columns):
        known = [each.name for each in METRICS if {each.value, each.other} <= set(frame.columns)]
        raise ConfigurationError("this metric is not known yet", seen=plan.metric, do=f"use {', '.join(known)}")
    return metric
