"""Seconds of one fit and one recommendation of a library, in its own process; needs only NumPy and SciPy."""

import argparse
import json
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse

WARM_UP_USERS = 100


@dataclass(frozen=True)
class Peer:
    """A model of a library.

    Attributes:
        settings: How it is set, in words; what is not named has the library's default.
        make: A new one, not fitted.
    """

    settings: str
    make: Callable[[], Any]


def main(
    package: str,
    models: Mapping[str, Peer],
    fit: Callable[[Any, Any], Any],
    recommend: Callable[[Any, Any, int], np.ndarray],
) -> None:
    """Fit and recommend for some users, so that compilers are warm, then for all, and write the CPU seconds of that.

    Args:
        package: The distribution whose version is reported.
        models: Name to model.
        fit: (model, training matrix: CSR, a row a user) → what is fitted. The values are ratings; in the comparison of
            models of order they are places, 1 the newest, which is read when lists are made and not learned from.
        recommend: (what is fitted, training matrix, k) → item indices [n_users, k], best first, without what the user
            has; -1 is padding.
    """
    parser = argparse.ArgumentParser()
    parser.add_argument("--train", type=Path, required=True)
    parser.add_argument("--model", choices=models, required=True)
    parser.add_argument("--k", type=int, required=True)
    parser.add_argument("--out", type=Path, required=True)
    asked = parser.parse_args()
    train = scipy.sparse.load_npz(asked.train)
    peer = models[asked.model]
    for matrix in (train[:WARM_UP_USERS], train):
        started, at = _cpu_seconds(), time.monotonic()
        fitted = fit(peer.make(), matrix)
        fit_seconds = time.monotonic() - at
        between = _cpu_seconds()
        lists = recommend(fitted, matrix, asked.k)
        ended = _cpu_seconds()
    status = Path("/proc/self/status").read_text(encoding="ascii")
    timing = {
        "version": version(package),
        "settings": peer.settings,
        "fit_seconds": fit_seconds,
        "fit_cpu_seconds": between - started,
        "recommend_cpu_seconds": ended - between,
        "peak_megabytes": int(status.partition("VmHWM:")[2].split()[0]) / 1000,
    }
    np.save(asked.out.with_suffix(".npy"), lists.astype(np.int32))
    asked.out.write_text(json.dumps(timing), encoding="utf-8")


def _cpu_seconds() -> float:
    """Return user and system seconds of this process and of its ended children."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def padded(lists: list[list[int]], k: int) -> np.ndarray:
    """Pad lists of at most k to one array with -1."""
    array = np.full((len(lists), k), -1, dtype=np.int32)
    for row, items in enumerate(lists):
        array[row, : len(items)] = items[:k]
    return array
