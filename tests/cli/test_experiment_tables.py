from datetime import UTC, datetime

import numpy as np
import polars as pl
import pytest

from nightschool.cli.experiment_tables import document_of, show_results
from nightschool.experiments.analysis import Analysis, analyze
from nightschool.experiments.plan import Experiment
from nightschool.experiments.sizes import Progress

EXPERIMENT = Experiment.model_validate(
    {
        "name": "x",
        "arms": [{"name": "control", "share": 0.5}, {"name": "content", "share": 0.5}],
        "salt": "s",
        "started_at": datetime(2026, 1, 1, tzinfo=UTC),
    }
)


def analysis(n: int) -> Analysis:
    """An arm that converts more, and rejects more, with minutes that the past explains."""
    rng = np.random.default_rng(0)
    arms = np.arange(n) % 2
    habit = rng.gamma(2.0, 10.0, n)
    frame = pl.DataFrame(
        {
            "arm": np.array(["control", "content"])[arms],
            "settled": True,
            "converted": rng.random(n) < np.array([0.1, 0.2])[arms],
            "rejected": rng.random(n) < np.array([0.02, 0.1])[arms],
            "minutes": rng.poisson(habit),
            "minutes_before": habit,
            "known": True,
        }
    )
    return analyze(frame, ("control", "content"), EXPERIMENT.shares)


def test_the_document_holds_every_figure_with_its_interval() -> None:
    document = document_of(analysis(8_000), Progress(9_000, 3))
    control, content = document["arms"]
    assert (control["metrics"], control["verdict"]) == ({}, None)
    assert (content["verdict"], content["harmed"]) == ("better", ("rejections",))
    assert list(content["metrics"]) == ["conversion", "minutes", "rejections"]
    minutes = content["metrics"]["minutes"]
    assert minutes["difference"].low < minutes["difference"].value < minutes["difference"].high
    assert minutes["saved"] > 0.8
    assert document["progress"] == {"needed": 9_000, "days_to_go": 3}
    assert document_of(analysis(20), None)["progress"] is None


def test_the_tables_tell_harm_and_when_to_stop(capsys: pytest.CaptureFixture[str]) -> None:
    show_results(EXPERIMENT, analysis(8_000), Progress(9_000, 3))
    out = " ".join(capsys.readouterr().out.split())
    for told in (
        "Experiment x, since 2026-01-01 00:00 UTC",
        "All metrics; conversion decides",
        "content HARMS rejections",
        "9,000 users have settled, about 3 days to go",
        "a change of 10.0%",
    ):
        assert told in out
    show_results(EXPERIMENT, analysis(20), None)
    out = " ".join(capsys.readouterr().out.split())
    assert "too few users yet" in out
    assert "how many users it takes is not known yet" in out
    stopped = EXPERIMENT.model_copy(update={"stopped_at": EXPERIMENT.started_at, "reason": "enough"})
    show_results(stopped, analysis(20), None)
    out = capsys.readouterr().out
    assert "stopped 2026-01-01 00:00: enough" in out
    assert "Stop when" not in out
