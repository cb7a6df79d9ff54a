"""GrowthBook's statistics engine, as benchmarks/experiments.py runs it: intervals of given sufficient statistics."""

import json
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

from gbstats.frequentist.tests import FrequentistConfig, SequentialConfig, SequentialTwoSidedTTest, TwoSidedTTest
from gbstats.models.statistics import (
    ProportionStatistic,
    RatioStatistic,
    RegressionAdjustedStatistic,
    SampleMeanStatistic,
)


def _statistic(kind: str, adjusted: bool, sums: dict[str, float]) -> Any:
    n = int(sums["n"])
    y = SampleMeanStatistic(n=n, sum=sums["y"], sum_squares=sums["yy"])
    x = SampleMeanStatistic(n=n, sum=sums["x"], sum_squares=sums["xx"])
    if kind == "ratio":
        return RatioStatistic(n=n, m_statistic=y, d_statistic=x, m_d_sum_of_products=sums["xy"])
    plain = ProportionStatistic(n=n, sum=sums["y"]) if kind == "proportion" else y
    if not adjusted:
        return plain
    return RegressionAdjustedStatistic(
        n=n, post_statistic=plain, pre_statistic=x, post_pre_sum_of_products=sums["xy"], theta=0
    )


def intervals(case: dict[str, Any]) -> dict[str, list[float]]:
    """Return value, low and high of the difference by test and scale."""
    found = {}
    for scale in ("absolute", "relative"):
        both = [_statistic(case["kind"], case["adjusted"], case[arm]) for arm in ("control", "arm")]
        common = {"difference_type": scale, "alpha": case["error"]}
        sequential = SequentialConfig(**common, sequential_tuning_parameter=case["tightest_at"])
        for name, test in {
            "always valid": SequentialTwoSidedTTest(*both, sequential),
            "single look": TwoSidedTTest(*both, FrequentistConfig(**common)),
        }.items():
            result = test.compute_result()
            found[f"{name}, {scale}"] = [float(result.expected), *map(float, result.ci)]
    return found


if __name__ == "__main__":
    cases, out = map(Path, sys.argv[1:])
    results = [intervals(case) for case in json.loads(cases.read_text(encoding="utf-8"))]
    out.write_text(json.dumps({"version": version("gbstats"), "results": results}), encoding="utf-8")
