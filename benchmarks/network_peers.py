"""Cornac's networks on the split of ours, in an environment of their own."""

import json
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from peers import ENVS, OWN, SCRIPTS, installed, run_command
from scipy.sparse import save_npz

from nightschool.evaluation.evaluate import evaluate_ranking, relevant_users
from nightschool.ranking.topk import Ranking

_PREFIX = "cornac "


class PeerFigures(NamedTuple):
    """What was measured of a model of another library.

    Attributes:
        values: float64 [n_users], the ndcg of each user of the test.
        seconds: Of the fit.
        megabytes: Peak of its process.
        settings: How it is set, in words.
    """

    values: np.ndarray
    seconds: float
    megabytes: float
    settings: str


def measure_cornac(model: str, split: Any, k: int) -> PeerFigures:
    """Fit a network of Cornac's to a split, with as many threads as ours, and measure its lists by our metric."""
    python = installed(OWN["cornac"], ENVS)
    with tempfile.TemporaryDirectory() as folder:
        train, out = Path(folder) / "train.npz", Path(folder) / "lists.json"
        save_npz(train, split.fitted.history())
        script = SCRIPTS / "cornac_networks.py"
        name = model.removeprefix(_PREFIX)
        run_command(
            [python, script, "--train", train, "--model", name, "--k", k, "--out", out], {"DGLBACKEND": "pytorch"}
        )
        timing = json.loads(out.read_text(encoding="utf-8"))
        lists = np.load(out.with_suffix(".npy"), allow_pickle=False)
    users = relevant_users(split)
    ranking = Ranking(lists[users], np.zeros(lists[users].shape, dtype=np.float32))
    found = evaluate_ranking(ranking, users, split, cutoffs=(k,))
    return PeerFigures(found.values("ndcg", k), timing["fit_seconds"], timing["peak_megabytes"], timing["settings"])
