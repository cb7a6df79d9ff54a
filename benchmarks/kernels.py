"""The three kernels of a night compared with the library calls they need, in turns, in one process."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from statistics import median

import numpy as np
import polars as pl
import typer
from page import Page, table
from scipy.linalg import get_lapack_funcs
from svd_beside_surprise import ITEMS, USERS, dataset_of, planted_pairs

from models.autoencoders.ease import Ease
from nightschool.columns import SCORE
from nightschool.contract import Dataset, Float32s, Indices
from nightschool.ranking.blocks import block_users
from nightschool.ranking.set_neighbours import nearest_by_sets
from nightschool.ranking.topk import rank_users

FACTORS, K = 64, 50
MEGABYTES = 512
NEIGHBOURS, MIN_SUPPORT = 10, 2
TURNS = 5
GOAL = 1.5

_ROWS = 1024  # of one bare product


@dataclass(frozen=True)
class TimedPair:
    """Median seconds of a kernel and of its reference, and the median of their ratios turn by turn."""

    name: str
    seconds: float
    reference: str
    reference_seconds: float
    ratio: float

    def row(self) -> list[str]:
        """Write the measurement as a row of a table."""
        return [self.name, f"{self.seconds:.2f}", self.reference, f"{self.reference_seconds:.2f}", f"{self.ratio:.2f}"]


def main() -> None:
    """Measure each kernel and its reference in turns."""
    pairs, _ = planted_pairs(seed=0)
    data = dataset_of(pairs)
    found = [_top_k(data), _ease(data), _similar_users(data)]
    reached = all(one.ratio <= GOAL for one in found[:2])
    parts = "; ".join(f"{one.name}: {one.ratio:.2f} × {one.reference}" for one in found)
    Page(
        name="kernels",
        title="Kernels beside what they stand on",
        claim=f"Top-{K} and EASE take at most {GOAL} times the one BLAS or LAPACK call that neither can do without",
        command="python benchmarks/kernels.py",
        result=f"{parts}; goal {GOAL} for the first two {'reached' if reached else 'missed'}",
        body=[
            f"{USERS:,} users × {ITEMS:,} items × {pairs.height:,} distinct pairs. Medians of {TURNS} turns in which "
            "the kernel and its reference follow one another, on both cores. The bare product ranks and excludes "
            "nothing; the bare inverse is given its matrix; the bare sparse product finds no neighbours in what it "
            "counts.",
            table(["kernel", "s", "reference", "s", "ratio"], [one.row() for one in found]),
        ],
    ).write()


def _top_k(data: Dataset) -> TimedPair:
    """Compare the lists of all users from factors, seen items excluded, with the bare float32 product."""
    rng = np.random.default_rng(1)
    users = rng.standard_normal((USERS, FACTORS), dtype=np.float32)
    items = rng.standard_normal((ITEMS, FACTORS), dtype=np.float32)
    history, everybody = data.history(), np.arange(USERS, dtype=np.int32)
    product = np.empty((_ROWS, ITEMS), dtype=np.float32)

    def score(block: Indices) -> Float32s:
        scores: Float32s = users[block] @ items.T
        return scores

    def rank() -> None:
        size = block_users(ITEMS, MEGABYTES)
        rank_users(score, everybody, history=history, available=data.available, k=K, block_users=size)

    def multiply() -> None:
        for start in range(0, USERS, _ROWS):
            block = users[start : start + _ROWS]
            np.matmul(block, items.T, out=product[: len(block)])

    return _time_both(f"top-{K} of all users", rank, f"bare product of {FACTORS} factors", multiply)


def _ease(data: Dataset) -> TimedPair:
    """Compare EASE, from pairs to kept weights, with one inverse of a matrix of its size."""
    liked = replace(data, interactions=data.interactions.with_columns(pl.lit(1, pl.Float32).alias(SCORE)))
    likes = liked.positives()
    gram = np.asarray((likes.T @ likes).todense(), dtype=np.float32)
    gram[np.diag_indices(ITEMS)] += 500
    potrf, potri = get_lapack_funcs(("potrf", "potri"), (gram,))

    def invert() -> None:
        factor, _ = potrf(gram.T, lower=True, clean=False)
        potri(factor, lower=True, overwrite_c=True)

    return _time_both("EASE", lambda: Ease().fit(liked, seed=0), "one Cholesky inverse", invert)


def _similar_users(data: Dataset) -> TimedPair:
    """Compare the most similar users of all users with the sparse product that counts their shared items."""
    likes = data.positives()
    by_item = likes.T.tocsr()

    def count() -> None:
        for start in range(0, USERS, _ROWS):
            _ = likes[start : start + _ROWS] @ by_item

    return _time_both(
        "similar users", lambda: nearest_by_sets(likes, NEIGHBOURS, MIN_SUPPORT), "sparse product in blocks", count
    )


def _time_both(name: str, kernel: Callable[[], object], reference: str, bare: Callable[[], object]) -> TimedPair:
    kernel()  # compiles it
    turns = [(_seconds(kernel), _seconds(bare)) for _ in range(TURNS)]
    ours, theirs = (median(column) for column in zip(*turns, strict=True))
    return TimedPair(name, ours, reference, theirs, median(mine / other for mine, other in turns))


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


if __name__ == "__main__":
    typer.run(main)
