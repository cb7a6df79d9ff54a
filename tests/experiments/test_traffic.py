from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from nightschool.columns import INTERACTIONS
from nightschool.errors import ConfigurationError, NotFound
from nightschool.experiments.plan import Plan
from nightschool.experiments.traffic import DAYS, baseline_of
from nightschool.settings import Settings
from nightschool.storage.as_of import newest_known
from nightschool.storage.home import Home

ARMS = ({"name": "a", "share": 0.5}, {"name": "b", "share": 0.5})


def plan(metric: str = "conversion", **more: object) -> Plan:
    return Plan.model_validate({"name": "x", "arms": ARMS, "metric": metric, **more})


def of(home: Home) -> Settings:
    return Settings(home=home.paths.root)


def test_the_past_says_how_a_metric_varies_and_who_comes(home: Home) -> None:
    end = newest_known(home.lake) - timedelta(hours=24)
    start = end - timedelta(days=DAYS)
    rows = home.lake.scan(INTERACTIONS).collect()
    users = rows.filter(pl.col("timestamp") >= start, pl.col("timestamp") < end).sort("timestamp").group_by("user_id")
    first = users.agg(pl.col("timestamp").min().alias("first"))
    joined = rows.join(first, on="user_id").filter(
        pl.col("timestamp") >= pl.col("first"), pl.col("timestamp") < pl.col("first") + timedelta(hours=24)
    )
    minutes = joined.group_by("user_id").agg(pl.col("duration_seconds").sum() / 60)["duration_seconds"].to_numpy()
    found = baseline_of(plan("minutes", before_days=0.0), of(home))
    assert found.mean == pytest.approx(minutes.mean())
    assert found.variance == pytest.approx(minutes.var(ddof=1))
    assert found.reach[-1] == first.height
    assert (np.diff(found.reach) >= 0).all()
    assert baseline_of(plan("minutes"), of(home)).variance <= found.variance


@pytest.mark.parametrize("metric", ["conversion", "events", "score"])
def test_every_metric_of_the_tables_has_a_mean(home: Home, metric: str) -> None:
    assert baseline_of(plan(metric), of(home)).mean > 0


def test_what_the_tables_do_not_know_is_told(home: Home, tmp_path: object) -> None:
    with pytest.raises(
        ConfigurationError, match="this metric is not known yet; saw 'hits a list'; use conversion, events"
    ):
        baseline_of(plan("hits a list"), of(home))
    with pytest.raises(NotFound, match="holds no dataset yet"):
        baseline_of(plan(), Settings(home=f"{tmp_path}/none"))
