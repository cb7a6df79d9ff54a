"""Nights on a simulated platform, calm for weeks and then drifting: false alarms, and nights until a drift is found."""

import os
import shutil
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import numpy as np
import polars as pl
import typer
from page import Page, table
from surroundings import in_fresh_process, temporary_home

from nightschool.cli.environment import prepare_environment, prepare_flow_run
from nightschool.night.config import NightConfig
from nightschool.simulator.config import PERIOD_END, SimulatorConfig
from nightschool.simulator.simulate import simulate

PLATFORM = SimulatorConfig(users=1_500, items=300, interactions=90_000)
CONFIG = NightConfig(models=("ials", "content"), minutes=0, alpha_steps=1)
WARM, CALM, LONGEST = 30, 60, 14
"""Nights before a drift begins, calm nights that are judged, and the most nights that a drift is given."""
LEARNING = 10
"""First nights, on which nothing can be judged yet."""
TIME = "timestamp"

Kept = Annotated[Path, typer.Option(help="A folder for the figures; what is there is not measured again.")]


class Drift(NamedTuple):
    """A way in which a platform changes.

    Attributes:
        what: What happens, for people.
        within: Nights within which it must be found.
        change: Changes the events after its beginning: events, users, day from the beginning, rng.
    """

    what: str
    within: int
    change: Callable[[pl.DataFrame, pl.DataFrame, np.ndarray, np.random.Generator], pl.DataFrame]


def _tastes(events: pl.DataFrame, users: pl.DataFrame, _days: Any, rng: np.random.Generator) -> pl.DataFrame:
    half = users["user_id"].sample(fraction=0.5, seed=1)
    partners = dict(zip(half, rng.permutation(half.to_numpy()).tolist(), strict=True))
    return events.with_columns(pl.col("user_id").replace(partners))


def _catalogue(events: pl.DataFrame, _users: pl.DataFrame, _days: Any, rng: np.random.Generator) -> pl.DataFrame:
    items = np.unique(events["content_id"].to_numpy())
    left = rng.permutation(items)[: len(items) // 2]
    gone = ~events["content_id"].is_in(left.tolist())
    return events.with_columns(
        content_id=pl.when(gone).then(pl.Series(rng.choice(left, len(events)))).otherwise("content_id")
    )


def _loop(events: pl.DataFrame, _users: pl.DataFrame, days: np.ndarray, rng: np.random.Generator) -> pl.DataFrame:
    popular = events["content_id"].value_counts(sort=True)["content_id"].head(10).to_numpy()
    moved = rng.random(len(events)) < np.minimum(0.05 * (days + 1), 0.8)
    return events.with_columns(
        content_id=pl.Series(np.where(moved, rng.choice(popular, len(events)), events["content_id"]))
    )


def _segment(events: pl.DataFrame, users: pl.DataFrame, _days: Any, rng: np.random.Generator) -> pl.DataFrame:
    largest = users["seniority"].value_counts(sort=True)["seniority"][0]
    members = users.filter(pl.col("seniority") == largest)["user_id"].to_list()
    drawn = pl.Series(rng.choice(np.unique(events["content_id"].to_numpy()), len(events)))
    own = events["user_id"].is_in(members)
    return events.with_columns(content_id=pl.when(own).then(drawn).otherwise("content_id"))


def _sensor(events: pl.DataFrame, _users: pl.DataFrame, _days: Any, rng: np.random.Generator) -> pl.DataFrame:
    silent = pl.Series(rng.random(len(events)) < 0.4)
    return events.with_columns(duration_seconds=pl.when(silent).then(None).otherwise("duration_seconds"))


DRIFTS = {
    "tastes": Drift("half of the users change their tastes", 14, _tastes),
    "catalogue": Drift("what half of the catalogue offered is chosen no longer", 3, _catalogue),
    "loop": Drift("each day 5 % more of the events go to the ten most popular items", 7, _loop),
    "segment": Drift("the largest segment chooses at random", 14, _segment),
    "sensor": Drift("the durations of two events in five are no longer sent", 2, _sensor),
}


def main(kept: Kept) -> None:
    """Run the warm nights once, then from a copy of that home the calm ones and each drift."""
    kept.mkdir(parents=True, exist_ok=True)
    base = kept / "base"
    if not (base / "done").exists():
        shutil.rmtree(base, ignore_errors=True)
        in_fresh_process(_warm, base)
        (base / "done").touch()
    found = {name: _kept(kept / f"{name}.parquet", base, name) for name in ("calm", *DRIFTS)}
    _write(found)


def _kept(file: Path, base: Path, name: str) -> pl.DataFrame:
    if not file.exists():
        in_fresh_process(_branch, base, name, file)
    return pl.read_parquet(file)


def _warm(base: Path) -> None:
    simulate(PLATFORM, base / "whole")
    shutil.copytree(base / "whole", base / "source")
    _deliver(base / "whole", base / "source", None)
    _nights(base / "home", base / "source", range(WARM)).write_parquet(base / "shifts.parquet")


def _branch(base: Path, name: str, file: Path) -> None:
    with temporary_home() as home:
        shutil.rmtree(home)
        shutil.copytree(base / "home", home, symlinks=True)
        source = home.parent / "source"
        shutil.copytree(base / "source", source)
        _deliver(base / "whole", source, name)
        nights = range(WARM, WARM + (CALM + LEARNING - WARM if name == "calm" else LONGEST))
        _nights(home, source, nights, to_the_first=name != "calm").write_parquet(file)


def _deliver(whole: Path, source: Path, name: str | None) -> None:
    """Write the events up to the beginning of the drift, and after it those of the branch; None: none after it."""
    events = pl.read_csv(whole / "engagements.csv")
    times = events[TIME].str.to_datetime(time_zone="UTC")
    begin = _instant(WARM - 1)
    before, after = events.filter(times <= begin), events.filter(times > begin)
    parts = [before]
    if name is not None and name != "calm":
        days = ((times.filter(times > begin) - begin).dt.total_days()).to_numpy()
        users = pl.read_csv(whole / "users.csv")
        parts.append(DRIFTS[name].change(after, users, days, np.random.default_rng(7)).select(events.columns))
    elif name == "calm":
        parts.append(after)
    pl.concat(parts).write_csv(source / "engagements.csv")


def _instant(night: int) -> datetime:
    return PERIOD_END - timedelta(days=CALM + LEARNING - 1 - night)


def _nights(home: Path, source: Path, nights: range, *, to_the_first: bool = False) -> pl.DataFrame:
    """Run nights a day apart, or only to the first alarm; return night, series, nights outside, of each shift."""
    os.environ["NIGHTSCHOOL_HOME"] = str(home)
    home.mkdir(parents=True, exist_ok=True)
    prepare_environment()
    server = prepare_flow_run()
    server.start()
    from flows.retrain import retrain

    server.wait()
    from nightschool.night.entries import ShiftEntry
    from nightschool.night.monitoring.shifts import in_words
    from nightschool.settings import Settings
    from nightschool.storage.nights import Nights
    from nightschool.storage.release import SHIFTS
    from nightschool.storage.releases import Releases

    rows = []
    for night in nights:
        report = retrain("learning", source, as_of=_instant(night), config=CONFIG)
        release = Releases(Nights.of(Settings().paths).lake).get(report["release_id"])
        found = release.gates[SHIFTS]
        rows += [(night, f"{shift['words']} ({shift['segment']})", shift["nights"]) for shift in found]
        print(night, report["sentence"], [in_words(ShiftEntry.model_validate(shift)) for shift in found], flush=True)
        if to_the_first and any(shift["nights"] == 2 for shift in found):
            break
    return pl.DataFrame(rows, schema={"night": pl.Int64, "series": pl.String, "nights": pl.Int64}, orient="row")


def _write(found: dict[str, pl.DataFrame]) -> None:
    calm = found.pop("calm")
    begun = calm.filter(pl.col("nights") == 2)
    rows, late = [], []
    for name, drift in DRIFTS.items():
        warned = found[name].filter(pl.col("nights") == 2).sort("night")
        nights = int(warned["night"][0]) - WARM + 1 if warned.height else None
        late += [name] if nights is None or nights > drift.within else []
        first = warned.filter(pl.col("night") == warned["night"][0])["series"].to_list() if warned.height else []
        rows.append(
            [drift.what, str(drift.within), "not found" if nights is None else str(nights), "; ".join(first[:4])]
        )
    Page(
        name="monitoring",
        title="Drifts that are found, and calm nights",
        claim="five drifts are found within the nights stated, with at most one false alarm in 60 calm nights",
        command="python benchmarks/monitoring.py --kept FOLDER",
        result=f"{len(DRIFTS) - len(late)} of {len(DRIFTS)} found in time; {begun.height} false alarms",
        body=[
            f"A platform of {PLATFORM.users:,} users and {PLATFORM.interactions:,} events in a year, one night a day "
            "through the flow. An alarm is a figure outside of its limits for a second night. A drift begins after "
            f"{WARM} nights; the night on which it begins is the first.",
            table(["drift", "to be found within", "found on night", "first by"], rows),
            f"On {CALM} calm nights, notes: {calm.filter(pl.col('nights') == 1).height}; alarms: {begun.height}"
            + "".join(f"; {series} on night {night}" for night, series, _ in begun.rows()),
        ],
    ).write()


if __name__ == "__main__":
    typer.run(main)
