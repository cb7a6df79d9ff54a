"""A night as it is logged to MLflow."""

from datetime import UTC, datetime

import polars as pl

from nightschool.columns import CI_HIGH, CI_LOW, METRIC, VALUE, K
from nightschool.storage.night_log import DataUsed, Measured, NightLog

NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)
A, B = "2024-05-01-aaaaaaaa", "2024-05-02-bbbbbbbb"


def measured(name: str, ndcg: float, **params: object) -> Measured:
    metrics = pl.DataFrame({METRIC: ["ndcg"], K: [10], VALUE: [ndcg], CI_LOW: [ndcg - 0.1], CI_HIGH: [ndcg + 0.1]})
    return Measured(name, params, metrics)


NIGHT = NightLog(
    run_key="key-a",
    release_id=A,
    as_of=NOON,
    outcome=measured("ease", 0.5, k=50, ease={"l2": 500}),
    candidates=(measured("popularity", 0.2), measured("ease", 0.4, l2=500)),
    sweep={alpha: measured(f"α={alpha}", 0.3 + alpha / 10, alpha=alpha) for alpha in (0.0, 0.5, 1.0)},
    data=(DataUsed("interactions", "0123456789abcdef0123", 150_000),),
    tables={"gates": pl.DataFrame({"name": ["learnable"], "passed": [True]})},
    pictures={"alpha.png": b"a picture", "alpha.html": b"a page"},
    tags={"decision": "first"},
)
