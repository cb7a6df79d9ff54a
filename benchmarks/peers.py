"""Comparison with other libraries, one process a model: CPU seconds, memory, and ndcg@10 on two splits."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import numpy as np
import typer
from page import Page, interval, table
from scipy.sparse import csr_array, save_npz
from surroundings import DATA, DataOption, ingested_home, source_of, temporary_home

K = 10
SCRIPTS = Path(__file__).with_name("peers")
OURS = "nightschool"


class Table(NamedTuple):
    """Models that are compared on one split.

    Attributes:
        protocol: Name of the protocol that cuts the test of movielens-100k.
        scripts: The end of the names of the scripts that run the models, one a library.
        models: Library to the names of its models in that script.
    """

    protocol: str
    scripts: str
    models: Mapping[str, tuple[str, ...]]


ANY_ORDER = Table(
    "stratified-item",
    "models",
    {
        "nightschool": ("ease", "dlae", "itemknn", "ials", "bpr", "svd"),
        "surprise": ("svd",),
        "implicit": ("itemknn", "als", "bpr"),
        "lenskit": ("ease", "itemknn", "als"),
        "rectools": ("ease", "itemknn", "als", "svd"),
        "cornac": ("ease", "itemknn", "bpr"),
    },
)
IN_ORDER = Table(
    "leave-one-out",
    "sequences",
    {
        "nightschool": ("popularity", "ease", "transitions", "next_ridge", "next_neighbours", "sasrec"),
        "rectools": ("sasrec, defaults", "sasrec, 50 epochs"),
    },
)


class Environment(NamedTuple):
    """The environment of a library: the version of Python, and what is installed."""

    python: str
    packages: tuple[str, ...]


OWN = {
    "lenskit": Environment("3.13", ("lenskit==2026.4.0", "torch==2.13.0")),
    "rectools": Environment("3.11", ("rectools[torch]==0.19.0", "torch==2.13.0")),
    "cornac": Environment(
        "3.11",
        ("cornac==3.0.1", "torch==2.13.0", "dgl==2.1.0", "pandas", "psutil", "pydantic", "pyyaml", "requests"),
    ),
}
"""The libraries that get an environment of their own; the others are in ours."""
ENVS = Path(tempfile.gettempdir()) / "nightschool-peers"
LIMIT_SECONDS = 3600
THREADED = ("OPENBLAS", "MKL", "OMP", "NUMBA", "RAYON")
# For all alike: threads that wait for one another cost CPU seconds.
ONE_THREAD = {f"{name}_NUM_THREADS": "1" for name in THREADED} | {"CUDA_VISIBLE_DEVICES": ""}

Envs = Annotated[Path, typer.Option(help="Where the environments of LensKit, RecTools and Cornac are made and kept.")]
Kept = Annotated[Path | None, typer.Option(help="A folder for the figures of each model; those there are not redone.")]


@dataclass(frozen=True)
class Result:
    """One model of one library: a row of the table, and its ndcg@10 for sorting; None where it could not be run."""

    row: list[str]
    ndcg: float | None


@dataclass(frozen=True)
class Runner:
    """Runs a library's models in processes of their own.

    Attributes:
        envs: Folder of the libraries' environments.
        figures: Folder of what was measured.
    """

    envs: Path
    figures: Path

    def run(self, asked: Table, split: Any) -> list[Result]:
        """Run all models of a table."""
        train = self.figures / f"{asked.scripts}.npz"
        save_npz(train, matrix_of(asked, split))
        return [result for library in asked.models for result in self._library(library, asked, train, split)]

    def _library(self, library: str, asked: Table, train: Path, split: Any) -> Iterator[Result]:
        """Run a library's models; a result that failed says why."""
        try:
            python = _environment(library, self.envs)
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
            yield Result([library, "–", f"not installed: {_last_line(error)}", *["–"] * 4], None)
            return
        script = SCRIPTS / f"{library}_{asked.scripts}.py"
        for model in asked.models[library]:
            out = self.figures / f"{library} {model} {asked.protocol}.json"
            print(f"{library} {model}", file=sys.stderr)
            try:
                if not out.exists():
                    run_command(
                        [python, script, "--train", train, "--model", model, "--k", K, "--out", out], ONE_THREAD
                    )
            except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
                yield Result([library, model, f"failed: {_last_line(error)}", *["–"] * 4], None)
            else:
                yield _measured(library, model, out, split)


def main(data: DataOption = DATA, envs: Envs = ENVS, kept: Kept = None) -> None:
    """Run every model in a process of its own on two splits of movielens-100k."""
    with temporary_home(), tempfile.TemporaryDirectory() as folder:
        runner = Runner(envs, kept or Path(folder))
        runner.figures.mkdir(parents=True, exist_ok=True)
        any_order, in_order = _splits(source_of("movielens-100k", data))
        found = {"of any kind": runner.run(ANY_ORDER, any_order), "of order": runner.run(IN_ORDER, in_order)}
    _write(found, any_order.fitted.interactions.height)


def _write(found: Mapping[str, list[Result]], n_ratings: int) -> None:
    columns = ["library", "model", "settings", "fit CPU s", "lists CPU s", "peak MB", f"ndcg@{K}"]
    tables = [table(columns, [result.row for result in results]) for results in found.values()]
    Page(
        name="peers",
        title="Other libraries",
        claim="Surprise, implicit, LensKit, RecTools, Cornac and ours on the same splits: CPU time, memory, ndcg@10",
        command="python benchmarks/peers.py",
        result="; ".join(_verdict(kind, results) for kind, results in found.items()),
        body=[
            _HOW,
            "## Models of any kind",
            _ANY_ORDER.format(n=n_ratings),
            tables[0],
            _ORDER_TITLE,
            _IN_ORDER,
            tables[1],
        ],
    ).write()


def _verdict(kind: str, results: list[Result]) -> str:
    run = [result for result in results if result.ndcg is not None]
    best = max(run, key=lambda result: result.ndcg or 0.0)
    name, model = best.row[:2]
    return f"{len(run)} of {len(results)} models {kind} ran; the best is {name} {model}, ndcg@{K} {best.ndcg:.4f}"


_HOW = (
    "movielens-100k. Every library gets the same matrix and returns lists of 10 unseen items for every user, by its "
    "own batch function where it has one; the metric is ours for all. Settings are the library's defaults, but for "
    "those named; nothing is tuned. Each model runs in its own process: first for 100 users, so that compiling and "
    "imports are not measured, then for all. Times are CPU seconds, user and system, which other load on the machine "
    "changes less than seconds of a clock; without a GPU, and with one thread wherever a library takes their number "
    "from the environment. Memory is the peak of the whole process, imports included. LensKit, RecTools and Cornac "
    "have environments of their own: "
    + "; ".join(f"{', '.join(own.packages)} on Python {own.python}" for own in OWN.values())
    + ". LensKit 2026 needs Python 3.12.5."
)
_ANY_ORDER = "Protocol A: {n:,} ratings to learn from, all held-out ratings relevant."
_ORDER_TITLE = "## Models of order"
_IN_ORDER = (
    "A strict leave-one-out: of every history the last item is the test. The last but one is in the history that is "
    "asked about, and nothing is learned from it; equal times keep the order of the file. All items that occur in what "
    "is learned from are ranked, without those seen; all ratings count as one. `popularity` and `ease` know no order. "
    "JAX compiles for each size, so `sasrec` of ours includes compiling. The second setting of RecTools has the width, "
    "the length and the heads of ours, and more passes than its default; no other was tried."
)


def _splits(source: Path) -> list[Any]:
    home = ingested_home("movielens-100k", source)
    from nightschool.application.evaluate import events_of
    from nightschool.data.splits.splitting import named_cut, test_split
    from nightschool.night.config import NightConfig

    log = events_of(home, NightConfig()).with_all_relevant()
    return [test_split(log, named_cut(log, asked.protocol, seed=42)) for asked in (ANY_ORDER, IN_ORDER)]


def matrix_of(asked: Table, split: Any) -> csr_array:
    """Return ratings; or, for models of order, places from 1, the newest, which alone is not learned from."""
    if asked is ANY_ORDER:
        return split.fitted.history()
    histories = split.fitted.histories()
    assert np.array_equal(split.fitted.learned, histories.places > 0), "only the newest is not learned from"
    parts = (histories.places + 1, histories.scores.indices, histories.scores.indptr)
    return csr_array(parts, shape=histories.scores.shape)


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
    times = [f"{timing[name]:.2f}" for name in ("fit_cpu_seconds", "recommend_cpu_seconds")]
    label = library if library == OURS else f"{library} {timing['version']}"
    row = [label, model, timing["settings"], *times, f"{timing['peak_megabytes']:,.0f}", interval(figures)]
    return Result(row, figures[0])


def _environment(library: str, envs: Path) -> Path:
    """Return the Python of the library's environment, which is created where it is missing."""
    if library not in OWN:
        return Path(sys.executable)
    return installed(OWN[library], envs)


def installed(own: Environment, envs: Path) -> Path:
    """Return the Python of an environment, which is created where it is missing."""
    folder = envs / own.packages[0]
    python, done = folder / "bin" / "python", folder / "complete"
    if not done.exists():
        shutil.rmtree(folder, ignore_errors=True)
        uv = shutil.which("uv") or Path(sys.executable).with_name("uv")
        run_command([uv, "venv", "--quiet", "--python", own.python, folder], {})
        run_command([uv, "pip", "install", "--quiet", "--python", python, *own.packages], {})
        done.touch()
    return python


def run_command(words: list[object], environment: dict[str, str]) -> None:
    """Run a command with variables added to the environment."""
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
