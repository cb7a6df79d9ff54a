"""Networks beside linear models: quality, seconds, memory and bytes, split by split."""

import json
import resource
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any, NamedTuple

import altair as alt
import numpy as np
import polars as pl
import typer
from leave_one_out import SOURCES
from network_cases import CASES, CORNAC, NETWORKS, SEARCHED, SEED, Case, offline, split_of
from network_passes import SIZE, FirstPass, measure_passes
from numpy.typing import NDArray
from page import RESULTS, Page, interval, table
from surroundings import DATA, DataOption, in_fresh_process, ingested_home, source_of, temporary_home

from nightschool.charts.theme import styled

SEEDS = 5
LONG = 60.0
"""Seconds of a fit from which one seed is measured."""
_WIDTH = 330  # of a panel, in pixels
Floats = NDArray[np.float64]
Kept = Annotated[Path | None, typer.Option(help="A folder for the figures of each model; those there are not redone.")]


class Measured(NamedTuple):
    """A model on a split.

    Attributes:
        figures: The mean ndcg and its interval; empty where it was not fitted.
        values: ndcg of each user, the mean over seeds; empty where only figures are known.
        seeds: How many.
        seconds: Of the first fit, compiling included.
        megabytes: Peak of the process after it, data and imports included.
        size: Bytes of what is kept.
        note: Why it was not fitted, or what was done otherwise.
    """

    figures: list[float]
    values: list[float]
    seeds: int
    seconds: float
    megabytes: float
    size: int
    note: str


def main(data: DataOption = DATA, kept: Kept = None) -> None:
    """Measure each model on each split, each in a process of its own; the page is written after each split."""
    with TemporaryDirectory() as folder:
        figures = kept or Path(folder)
        figures.mkdir(parents=True, exist_ok=True)
        found: dict[str, dict[str, Measured]] = {}
        for case in CASES:
            source = source_of(SOURCES[case.dataset].folder if case.dataset in SOURCES else case.dataset, data)
            found[case.title] = {}
            for model in case.models:
                file = figures / f"{case.title} {model}.json"
                if not file.exists():
                    print(f"{case.title}: {model}", file=sys.stderr)
                    slowest = max((one.seconds for one in found[case.title].values()), default=0.0)
                    one = in_fresh_process(measure, case, model, source, slowest)
                    file.write_text(json.dumps(one), encoding="utf-8")
                found[case.title][model] = Measured(*json.loads(file.read_text(encoding="utf-8")))
            _write(found, {})
        _write(found, measure_passes(NETWORKS, figures))


def measure(case: Case, model: str, source: Path, slowest: float) -> Measured:
    """Fit a model to a split, with several seeds where that is quick, and measure it.

    Args:
        case: The split.
        model: Name of the model, or `SEARCHED`.
        source: Folder of the data set.
        slowest: Seconds of the slowest fit so far, for which `SEARCHED` searches.
    """
    from models.catalog import create
    from nightschool.errors import NightschoolError
    from nightschool.evaluation.evaluate import evaluate
    from nightschool.offline.cold_start import FromHistory, OnWholeCatalogue

    if model == SEARCHED:
        return _searched(case, source, slowest)
    whole, split = split_of(case, source)
    if model in CORNAC:
        from network_peers import measure_cornac

        peer = measure_cornac(model, split, case.k)
        return Measured([*_mean(peer.values)], peer.values.tolist(), 1, peer.seconds, peer.megabytes, 0, peer.settings)
    values, seconds, megabytes, size = list[Floats](), 0.0, 0.0, 0
    while not values or (model in NETWORKS and seconds < LONG and len(values) < SEEDS):
        bare = create(model, {})
        recommender: Any = bare
        if case.protocol == "leave-users":
            recommender = FromHistory(bare)
        elif case.protocol == "leave-items":
            recommender = OnWholeCatalogue(bare, whole)
        began = time.monotonic()
        try:
            recommender.fit(split.fitted, seed=SEED + len(values))
        except NightschoolError as error:
            return Measured([], [], 0, 0.0, 0.0, 0, str(error))
        if not values:
            seconds = time.monotonic() - began
            megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
            size = _bytes(bare)
        values.append(evaluate(recommender, split, cutoffs=(case.k,)).values("ndcg", case.k))
    mean = np.mean(values, axis=0)
    return Measured([*_mean(mean)], mean.tolist(), len(values), seconds, megabytes, size, bare.note or "")


def _searched(case: Case, source: Path, seconds: float) -> Measured:
    """Search settings and a blend of EASE and iALS for some seconds, as a night does, and measure what was chosen."""
    with temporary_home():
        home = ingested_home(case.dataset, source)
        from nightschool.application.evaluate import evaluate_models

        document = evaluate_models(home, offline(case, ("ease", "ials"), seconds / 60))
    chosen = next(row for row in document["models"] if row["chosen"])
    return Measured(chosen["metrics"][f"ndcg@{case.k}"], [], 1, seconds, 0.0, 0, chosen["name"])


def _bytes(model: Any) -> int:
    with TemporaryDirectory() as folder:
        model.save(Path(folder) / "model")
        return sum(file.stat().st_size for file in Path(folder).rglob("*") if file.is_file())


def _write(found: Mapping[str, Mapping[str, Measured]], passes: Mapping[str, FirstPass]) -> None:
    sections = [text for case in CASES if case.title in found for text in _section(case, found[case.title])]
    Page(
        name="neural",
        title="Networks",
        claim="What networks bring over EASE and iALS, and what they cost",
        command="python benchmarks/neural.py",
        result="; ".join(_verdict(case, found[case.title]) for case in CASES if case.title in found),
        body=[
            _HOW,
            f"![ndcg against seconds of a fit]({_draw(found)})",
            *sections,
            *_passes(passes),
        ],
    ).write()


_HOW = (
    "Every model has its defaults, which for the networks were chosen on validation parts of movielens-100k and "
    "mooccubex. The test of protocol A was read once before for `multvae`, .4691; then its divergence was weighted by "
    f"likes, on validation. Networks are fitted with {SEEDS} seeds where a fit takes less than {LONG:.0f} s, and a "
    "user's figure is the mean over them; intervals are 95 % over users, and differences are paired. Seconds are those "
    "of the first fit on two cores without a GPU, compiling included; memory is the peak of its process, with data and "
    f"imports; `{SEARCHED}` is what a search over EASE, iALS and their blend chose on validation in the seconds of the "
    "slowest fit of the same table. Cornac's are fitted once, with as many threads, to the same likes."
)

_PASSES = (
    "A simulated platform of 100,000 users and 10,000 items. The fit ends after one pass and includes compiling and "
    "what is held out; memory is the peak of its process, which has read the data from a home before."
)


def _passes(passes: Mapping[str, FirstPass]) -> list[str]:
    rows = [[model, f"{one.seconds:.0f}", f"{one.gigabytes:.1f}"] for model, one in passes.items()]
    return [f"## A pass over {SIZE} interactions", _PASSES, table(["model", "fit s", "peak GB"], rows)] if rows else []


def _section(case: Case, found: Mapping[str, Measured]) -> list[str]:
    reference = found.get(case.reference)
    rows = [
        [
            _label(model, one),
            interval(one.figures),
            interval(_difference(one, reference)) if model != case.reference else "–",
            f"{one.seconds:.1f}",
            f"{one.megabytes:,.0f}" if one.megabytes else "–",
            f"{one.size / 1e6:.1f}" if one.size else "–",
        ]
        for model, one in found.items()
        if one.figures
    ]
    left_out = [f"{model}: {one.note}" for model, one in found.items() if not one.figures]
    head = ["model", f"ndcg@{case.k}", f"over {case.reference}", "fit s", "peak MB", "kept MB"]
    n_users = max(len(one.values) for one in found.values())
    notes = [f"Not fitted: {'; '.join(left_out)}."] if left_out else []
    notes += [f"{model}: {found[model].note}." for model in CORNAC if model in found]
    return [f"## {case.title}: {n_users:,} users", table(head, rows), *notes]


def _label(model: str, one: Measured) -> str:
    if model == SEARCHED:
        return f"{one.note}, searched"
    return f"{model}, {one.seeds} seeds" if one.seeds > 1 else model


def _mean(values: Floats) -> tuple[float, float, float]:
    from nightschool.evaluation.intervals import mean_intervals

    ends = mean_intervals(values[:, None])
    return float(values.mean()), float(ends.low[0]), float(ends.high[0])


def _difference(one: Measured, reference: Measured | None) -> Sequence[float] | None:
    if reference is None or not one.values or len(one.values) != len(reference.values):
        return None
    return _mean(np.array(one.values) - np.array(reference.values))


def _verdict(case: Case, found: Mapping[str, Measured]) -> str:
    fitted = {model: one.figures[0] for model, one in found.items() if one.figures and model in NETWORKS}
    best = max(fitted, key=lambda model: fitted[model], default="")
    difference = _difference(found[best], found.get(case.reference)) if best else None
    return f"{case.title}: {best or 'none'} {interval(difference)} over {case.reference}"


def _draw(found: Mapping[str, Mapping[str, Measured]]) -> str:
    """Draw ndcg against seconds, one panel a split, and return the file's name."""
    rows = [
        {"split": title, "model": model, "seconds": max(one.seconds, 0.05), "ndcg": one.figures[0]}
        for title, models in found.items()
        for model, one in models.items()
        if one.figures
    ]
    file = RESULTS / "neural.svg"
    panels = [_panel(title, pl.DataFrame(rows).filter(pl.col("split") == title)) for title in found]
    styled(alt.concat(*panels, columns=2)).save(str(file))
    return file.name


def _panel(title: str, points: pl.DataFrame) -> Any:
    """Draw a split: dots, and their names beside the panel, a line from each to its own."""
    base = alt.Chart(_with_places(points), title=title, width=_WIDTH, height=260).encode(
        x=alt.X("seconds:Q", title="seconds of a fit").scale(type="log"),
        y=alt.Y("ndcg:Q", title="ndcg").scale(zero=False),
    )
    lines = base.mark_rule(strokeWidth=0.5, opacity=0.5).encode(x2=alt.value(_WIDTH + 4), y2="place:Q")
    names = base.mark_text(align="left", dx=6).encode(x=alt.value(_WIDTH), y="place:Q", text="model:N")
    return lines + base.mark_circle(size=60, opacity=1) + names


def _with_places(points: pl.DataFrame) -> pl.DataFrame:
    """Add where the names stand, from the highest ndcg down, so that none covers another."""
    points = points.sort("ndcg", descending=True)
    values = points["ndcg"].to_numpy()
    gap, places = 0.055 * float(np.ptp(values)), [float(values[0])]
    for value in values[1:].tolist():
        places.append(min(value, places[-1] - gap))
    return points.with_columns(place=pl.Series(places))


if __name__ == "__main__":
    typer.run(main)
