"""Spark's part, played by this process: what executors run is run here, on rows that are sent as Spark sends them."""

from collections.abc import Mapping, Sequence
from functools import reduce
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pytest

from nightschool.spark import divide, jobs
from nightschool.spark.divide import PART, Dividing

BATCH_ROWS = 7


class Tasks:
    """What an RDD does with its numbers."""

    def __init__(self, results: Sequence[Any]) -> None:
        self.results = results

    def map(self, work):
        return Tasks([work(each) for each in self.results])

    def collect(self):
        return list(self.results)

    def treeReduce(self, add):  # noqa: N802 (Spark's name)
        return reduce(add, self.results)


def shuffle(files: list[Path], dividing: Dividing) -> list[Mapping[str, Any]]:
    """Send small batches of the files' rows to their parts, and keep each part's rows in an order of no meaning."""
    rows = pl.scan_parquet(files, glob=False, hive_partitioning=False, missing_columns="insert").collect()
    batches = rows.to_arrow(compat_level=pl.CompatLevel.oldest()).to_batches(max_chunksize=BATCH_ROWS)
    batches = [*dividing.send(iter(batches))]
    if not batches:
        return []
    sent = pa.Table.from_batches(batches)
    told = []
    for part in sorted(set(sent[PART].to_pylist())):
        theirs = pl.DataFrame(sent).filter(pl.col(PART) == part).sample(fraction=1.0, shuffle=True, seed=part)
        arrow = theirs.to_arrow(compat_level=pl.CompatLevel.oldest())
        told += dividing.keep((pa.scalar(part),), arrow).to_pylist()
    return told


def run_here(run, numbers, _doing):
    run(Tasks(list(numbers)))


@pytest.fixture(autouse=True)
def spark_is_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(divide, "_shuffle", shuffle)
    monkeypatch.setattr(jobs, "_run_job", run_here)
