"""The closed loop: people who see what is served and choose by a planted truth, and nights that learn from it."""

import json
import tempfile
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import altair as alt
import numpy as np
import polars as pl
import typer
from numpy.typing import NDArray
from page import RESULTS, Page, table
from surroundings import in_fresh_process, temporary_home

from nightschool.charts.theme import styled
from nightschool.simulator.config import SimulatorConfig

USERS, ITEMS, INTERACTIONS = 1_000, 300, 20_000
NIGHTS, VISITS, NEW_ITEMS = 8, 300, 0.15
FATIGUE = "fatigue = { shown = 2, factor = 0.5, days = 14 }"
EXPLORE = "explore = 0.1"

Kept = Annotated[Path | None, typer.Option(help="A folder for the figures; what is there is not played again.")]
Seeds = Annotated[int, typer.Option(min=1, help="How many worlds; each is played under every policy.")]


class Policy(NamedTuple):
    """How lists are made.

    Attributes:
        name: For people.
        rules: The home's rules.toml.
        retrains: Whether every day ends with a night; the first one always runs.
    """

    name: str
    rules: str = ""
    retrains: bool = True


STATIC, NIGHTLY = Policy("one night, then none", retrains=False), Policy("a night a day")
POLICIES = (
    STATIC,
    NIGHTLY,
    Policy("with exploration", EXPLORE),
    Policy("with fatigue", FATIGUE),
    Policy("with both", f"{EXPLORE}\n{FATIGUE}"),
)
FIGURES = {
    "satisfaction": "of the best lists",
    "last_week": "the last 7 days",
    "opened_per_list": "opened a list",
    "coverage": "items shown, last 7 days",
    "gini": "Gini of what was shown",
    "new_found": "new items found",
    "new_opened": "new items opened",
}


def main(seeds: Seeds = 3, kept: Kept = None) -> None:
    """Play every world under every policy, and write the page."""
    played = {(policy, seed): _kept(policy, seed, kept) for seed in range(seeds) for policy in POLICIES}
    curves = [
        (policy.name, day["day"], day["satisfaction"]) for (policy, _), run in played.items() for day in run["days"]
    ]
    Page(
        name="closed_loop",
        title="The closed loop",
        claim="Nights that learn from what people did with the lists keep them as good as they were; exploration lets "
        "people find new items, and fatigue lets lists change",
        command=f"python benchmarks/closed_loop.py --seeds {seeds}",
        result=_result(played, seeds),
        body=[
            f"{seeds} simulated platforms of {USERS:,} people, {ITEMS} items and {INTERACTIONS:,} engagements before "
            f"the first day; {NEW_ITEMS:.0%} of the items come in over {NIGHTS} days, on each of which {VISITS} people "
            "come. Somebody looks at place p of the list with probability p^-0.7 and opens what appeals by the planted "
            "truth, less for each time that it was looked at in vain; nobody opens an item twice. The service is told "
            "of impressions and events, and each night is a whole one, without a search for hyper-parameters. Of the "
            "best lists: items that were to be opened by the truth, as a share of those of the lists that the truth "
            "puts first that day. A new item is found once people looked at it ten times. Intervals are of the mean "
            "difference to `a night a day` over worlds.",
            table(["", *FIGURES.values()], [_row(policy, played, seeds) for policy in POLICIES]),
            f"![Share of the best lists by day]({_draw(curves)})",
            f"Exploration: `{EXPLORE}`. Fatigue: `{FATIGUE}`.",
        ],
    ).write()


def _kept(policy: Policy, seed: int, kept: Path | None) -> Mapping[str, Any]:
    """Return the figures of one world under one policy, played now unless they are there."""
    file = None if kept is None else kept / f"{POLICIES.index(policy)}-{seed}.json"
    if file is not None and file.exists():
        found: Mapping[str, Any] = json.loads(file.read_text())
        return found
    with tempfile.TemporaryDirectory(prefix="nightschool-") as folder, temporary_home() as home:
        (home / "rules.toml").write_text(policy.rules)
        run = in_fresh_process(_play, policy.retrains, seed, Path(folder))
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(run))
    return run


def _play(retrains: bool, seed: int, folder: Path) -> dict[str, Any]:
    """Play one world in the home that NIGHTSCHOOL_HOME names; call it in a process of its own."""
    from dataclasses import asdict

    from nightschool.cli.environment import prepare_environment, prepare_flow_run

    prepare_environment()
    server = prepare_flow_run()
    server.start()
    from flows.retrain import retrain
    from nightschool.closed_loop.figures import summarise
    from nightschool.closed_loop.play import play
    from nightschool.closed_loop.source import SourceFiles
    from nightschool.night.config import NightConfig
    from nightschool.settings import Settings

    server.wait()
    config = SimulatorConfig(users=USERS, items=ITEMS, interactions=INTERACTIONS, seed=seed)
    files, nights = SourceFiles(folder, config, NEW_ITEMS, NIGHTS), 0

    def night(instant: datetime) -> None:
        nonlocal nights
        nights += 1
        if nights == 1 or retrains:
            retrain(dataset="learning", source_root=folder, as_of=instant, config=NightConfig(minutes=0))

    days = [*play(files, Settings(), night, nights=NIGHTS, visits=VISITS, seed=seed)]
    return {"days": [day.to_dict() for day in days], "played": asdict(summarise(days, files.world.arrives))}


def _row(policy: Policy, played: Mapping[tuple[Policy, int], Mapping[str, Any]], seeds: int) -> list[str]:
    cells = [policy.name]
    for figure in FIGURES:
        values = _values(policy, figure, played, seeds)
        told = f"{values.mean():.3f}" if values.mean() < 10 else f"{values.mean():.0f}"
        if policy is not NIGHTLY and seeds > 1:
            low, high = _interval(values - _values(NIGHTLY, figure, played, seeds))
            told += f" ({low:+.3f} to {high:+.3f})" if abs(high) < 10 else f" ({low:+.0f} to {high:+.0f})"
        cells.append(told)
    return cells


def _values(
    policy: Policy, figure: str, played: Mapping[tuple[Policy, int], Mapping[str, Any]], seeds: int
) -> NDArray[np.float64]:
    return np.array([played[policy, seed]["played"][figure] for seed in range(seeds)], dtype=np.float64)


def _interval(differences: NDArray[np.float64]) -> tuple[float, float]:
    """Compute the 95 % interval of the mean over worlds, by Student's t."""
    from scipy.stats import t

    n = len(differences)
    half = float(t.ppf(0.975, n - 1)) * float(differences.std(ddof=1)) / n**0.5
    return float(differences.mean()) - half, float(differences.mean()) + half


def _result(played: Mapping[tuple[Policy, int], Mapping[str, Any]], seeds: int) -> str:
    def told(figure: str, chosen: Sequence[Policy]) -> str:
        return ", ".join(f"{policy.name} {_values(policy, figure, played, seeds).mean():.3f}" for policy in chosen)

    return (
        f"of the best lists in the last 7 days: {told('last_week', POLICIES)}; new items found: "
        f"{told('new_found', POLICIES)}"
    )


def _draw(curves: Sequence[tuple[str, int, float]]) -> str:
    """Draw the share of the best lists by day, the mean over worlds, and return the file's name."""
    file = RESULTS / "closed_loop.svg"
    days = pl.DataFrame(curves, ["policy", "day", "share"], orient="row")
    means = days.group_by("policy", "day").agg(pl.col("share").mean())
    chart = alt.Chart(means).mark_line(point=True)
    encoded = chart.encode(
        x=alt.X("day:Q", title="day", axis=alt.Axis(tickMinStep=1)),
        y=alt.Y("share:Q", title="of the best lists", scale=alt.Scale(zero=False), axis=alt.Axis(format="%")),
        color=alt.Color("policy:N", title="", sort=[policy.name for policy in POLICIES]),
    )
    styled(encoded.properties(width=560, height=260)).save(str(file))
    return file.name


if __name__ == "__main__":
    typer.run(main)
