"""Comparison with other libraries on one split: time, memory, and ndcg@10."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import scipy.sparse
import typer
from page import Page, interval, table
from surroundings import DATA, DataOption, ingested_home, source_of, temporary_home

K = 10
SCRIPTS = Path(__file__).with_name("peers")
OURS = "nightschool"
MODELS = {
    "nightschool": ("ease", "dlae", "itemknn", "ials", "bpr", "svd"),
    "surprise": ("svd",),
    "implicit": ("itemknn", "als", "bpr"),
    "lenskit": ("ease", "itemknn", "als"),
    "rectools": ("ease", "itemknn", "als", "svd"),
    "cornac": ("ease", "itemknn", "bpr"),
}
PINNED = {"lenskit": "lenskit==2025.8.1", "rectools": "rectools==0.19.0", "cornac": "cornac==3.0.1"}
"""Those that get an environment of their own; the others are in ours."""
ENVS = Path(tempfile.gettempdir()) / "nightschool-peers"
LIMIT_SECONDS = 900
# For all alike: what has threads of its own would fight with those of BLAS for the cores, and implicit asks for it.
ONE_BLAS_THREAD = {"OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}

Envs = Annotated[Path, typer.Option(help="Where the environments of LensKit, RecTools and Cornac are made and kept.")]


@dataclass(frozen=True)
class Result:
    """One model of one library: a row of the table, and its ndcg@10 for sorting; None where it could not be run."""

    row: list[str]
    ndcg: float | None


def main(data: DataOption = DATA, envs: Envs = ENVS) -> None:
    """Run every model in a process of its own on protocol A's split of movielens-100k."""
    loads = [os.getloadavg()[0]]
    with temporary_home(), tempfile.TemporaryDirectory() as folder:
        split = _split(source_of("movielens-100k", data))
        train = Path(folder) / "train.npz"
        scipy.sparse.save_npz(train, split.fitted.history())
        results = [result for library in MODELS for result in _library(library, train, split, envs)]
    loads.append(os.getloadavg()[0])
    run = [result for result in results if result.ndcg is not None]
    best = max(run, key=lambda result: result.ndcg or 0.0)
    name, model = best.row[:2]
    Page(
        name="peers",
        title="Beside other libraries",
        claim="Surprise, implicit, LensKit, RecTools and Cornac beside ours on one split: time, memory, ndcg@10",
        command="python benchmarks/peers.py",
        result=f"{len(run)} of {len(results)} models ran; the best is {name} {model}, ndcg@10 {best.ndcg:.4f}",
        body=[
            f"Protocol A of movielens-100k: {split.fitted.interactions.height:,} ratings to learn from, all held-out "
            f"ratings relevant, k = {K}. Every library gets the same matrix and returns lists of {K} unseen items for "
            "every user, by its own batch function where it has one; the metric is ours for all. Nothing is tuned "
            "here: the settings are what is named, else the library's defaults. Each model runs in a process of its "
            "own on all cores, but for BLAS, which has one thread in every library; twice, and the second time counts, "
            "so that compiling is not measured. Memory is the peak of the whole process, imports included. LensKit, "
            f"RecTools and Cornac have environments of their own ({', '.join(PINNED.values())}). The load average of "
            f"the machine over a minute was {loads[0]:.1f} before the first model, and {loads[1]:.1f} with the last.",
            table(
                ["library", "model", "settings", "fit s", "recommend s", "peak MB", f"ndcg@{K}"],
                [result.row for result in results],
            ),
        ],
    ).write()


def _split(source: Path) -> Any:
    home = ingested_home("movielens-100k", source)
    from nightschool.application.evaluate import events_of
    from nightschool.data.splits.splitting import named_cut, test_split
    from nightschool.night.config import NightConfig

    log = events_of(home, NightConfig()).with_all_relevant()
    return test_split(log, named_cut(log, "stratified-item", seed=42))


def _library(library: str, train: Path, split: Any, envs: Path) -> Iterator[Result]:
    """Run a library's models; a result that failed says why."""
    try:
        python = _environment(library, envs)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        yield Result([library, "–", f"not installed: {_last_line(error)}", *["–"] * 4], None)
        return
    for model in MODELS[library]:
        out = train.with_name("result.json")
        words = [python, SCRIPTS / f"{library}_models.py", "--train", train, "--model", model, "--k", K, "--out", out]
        print(f"{library} {model}", file=sys.stderr)
        try:
            _run(words, ONE_BLAS_THREAD)
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
            yield Result([library, model, f"failed: {_last_line(error)}", *["–"] * 4], None)
        else:
            yield _measured(library, model, out, split)


def _measured(library: str, model: str, out: Path, split: Any) -> Result:
    from nightschool.evaluation.evaluate import evaluate_ranking, relevant_users
    from nightschool.ranking.topk import Ranking

    timing = json.loads(out.read_text(encoding="utf-8"))
    users = relevant_users(split)
    lists = np.load(out.with_suffix(".npy"), allow_pickle=False)[users]
    seen = split.fitted.history()[users].toarray() != 0
    assert not (seen[np.arange(len(users))[:, None], lists] & (lists >= 0)).any(), f"{library} lists seen items"
    found = evaluate_ranking(Ranking(lists, np.zeros(lists.shape, dtype=np.float32)), users, split, cutoffs=(K,))
    figures = [found.mean("ndcg", K), *found.interval("ndcg", K)]
    times = [f"{timing[name]:.2f}" for name in ("fit_seconds", "recommend_seconds")]
    label = library if library == OURS else f"{library} {timing['version']}"
    row = [label, model, timing["settings"], *times, f"{timing['peak_megabytes']:,.0f}", interval(figures)]
    return Result(row, figures[0])


def _environment(library: str, envs: Path) -> Path:
    """Return the Python of the library's environment, which is created where it is missing."""
    if library not in PINNED:
        return Path(sys.executable)
    folder = envs / PINNED[library]
    python, done = folder / "bin" / "python", folder / "complete"
    if not done.exists():
        shutil.rmtree(folder, ignore_errors=True)
        _run([sys.executable, "-m", "venv", folder], {})
        uv = shutil.which("uv") or Path(sys.executable).with_name("uv")
        _run([uv, "pip", "install", "--quiet", "--python", python, PINNED[library]], {})
        done.touch()
    return python


def _run(words: list[object], environment: dict[str, str]) -> None:
    subprocess.run(
        [str(word) for word in words],
        check=True,
        capture_output=True,
        text=True,
        timeout=LIMIT_SECONDS,
        env={**os.environ, **environment},
    )


def _last_line(error: subprocess.CalledProcessError | subprocess.TimeoutExpired) -> str:
    if isinstance(error, subprocess.TimeoutExpired):
        return f"no answer in {LIMIT_SECONDS} s"
    lines = [line for line in str(error.stderr).splitlines() if line.strip()]
    return lines[-1][:120].replace("|", "/") if lines else f"exit code {error.returncode}"


if __name__ == "__main__":
    typer.run(main)
