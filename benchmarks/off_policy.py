"""Off-policy estimates of lists where the truth is known: bias, width and coverage of their intervals."""

import os
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import repeat
from multiprocessing import get_context
from pathlib import Path
from typing import Annotated, NamedTuple

import numpy as np
import polars as pl
import typer
import view_weights
from click_world import (
    EXAMINATION,
    LOGGED_MIX,
    PLACES,
    POOL,
    Lists,
    Tastes,
    lists_of,
    mixed,
    shown_lists,
    swapped,
    users,
    value_of,
)
from page import Page, table

from nightschool.evaluation.off_policy.estimate import Estimate, OffPolicy, compare_lists, estimate
from nightschool.evaluation.off_policy.estimators import DEFAULT, ESTIMATORS
from nightschool.evaluation.off_policy.examination import examination_by_place
from nightschool.evaluation.off_policy.logs import UNCLIPPED, read_logs

Kept = Annotated[Path, typer.Option(help="A folder for the figures; what is there is not measured again.")]

RUNS, WEIGHED_RUNS = 300, 20
LISTS_A_USER = 4
LEAST, MOST, _ROUNDED = 0.93, 0.97, 0.0005
"""Between these the coverage of a 95 % interval is to be."""


class Study(NamedTuple):
    """What is simulated, and which lists are estimated.

    Attributes:
        challenger: Its name among `CHALLENGERS`.
        n_users: Users of the logs.
        explore: The chance that a slot is explored.
        cascade: Whether users look from the first place on until they leave, which no estimator assumes.
        most_weight: Where weights are clipped.
    """

    challenger: str
    n_users: int = 1_000
    explore: float = 0.2
    cascade: bool = False
    most_weight: float = UNCLIPPED

    @property
    def name(self) -> str:
        """The study in words."""
        clipped = "" if self.most_weight == UNCLIPPED else f", weights clipped at {self.most_weight:g}"
        clicks = ", clicks as a cascade" if self.cascade else ""
        return f"{self.challenger}; {self.n_users:,} users, {self.explore:.0%} explored{clipped}{clicks}"


CHALLENGERS: Mapping[str, Callable[[Tastes], Lists]] = {
    "two places of ten from the pool": swapped(2),
    "six places of ten from the pool": swapped(6),
    "all ranked a little differently": mixed(0.45),
    "all ranked very differently": mixed(0.2),
}
STUDIES = (
    *(Study(name) for name in CHALLENGERS),
    Study("all ranked very differently", n_users=400, explore=0.1),
    Study("six places of ten from the pool", most_weight=100),
    Study("all ranked very differently", cascade=True),
)


def simulate(study: Study, run: int) -> pl.DataFrame:
    """Estimate the challenger and its difference to the logged lists once, by every estimator."""
    rng = np.random.default_rng(1_000 + run)
    of = users(rng, study.n_users)
    shown = shown_lists(rng, of, LISTS_A_USER, study.explore, cascade=study.cascade)
    policy = OffPolicy(read_logs(shown, most_weight=study.most_weight))
    challenger = policy.lists(lists_of(of, CHALLENGERS[study.challenger]))
    logged = policy.lists(lists_of(of, mixed(LOGGED_MIX)))
    rows = []
    for name in ESTIMATORS:
        rows.append((name, "value", *_figures(estimate(challenger, name))))
        rows.append((name, "difference", *_figures(compare_lists(challenger, logged, name))))
    columns = ("estimator", "of", "value", "low", "high", "ess", "support", "clipped")
    return pl.DataFrame(rows, schema=columns, orient="row")


def _figures(found: Estimate) -> tuple[float, ...]:
    return found.value, found.ci_low, found.ci_high, found.ess, found.support, found.clipped


def truth(study: Study) -> pl.DataFrame:
    """Return the true figures: of, truth."""
    value = value_of(CHALLENGERS[study.challenger], cascade=study.cascade)
    logged = value_of(mixed(LOGGED_MIX), cascade=study.cascade)
    return pl.DataFrame({"of": ["value", "difference"], "truth": [value, value - logged]})


def summary(study: Study, runs: int) -> pl.DataFrame:
    """Summarise the runs of a study: bias, width, coverage and what they rest on, by estimator and figure."""
    found = pl.concat([simulate(study, run) for run in range(runs)]).join(truth(study), on="of")
    covered = (pl.col("low") <= pl.col("truth")) & (pl.col("truth") <= pl.col("high"))
    return found.group_by("estimator", "of", maintain_order=True).agg(
        pl.col("truth").first(),
        (pl.col("value") - pl.col("truth")).mean().alias("bias"),
        pl.col("value").std().alias("deviation"),
        (pl.col("high") - pl.col("low")).median().alias("width"),
        covered.mean().alias("coverage"),
        pl.col("ess").median(),
        pl.col("support").mean(),
        pl.col("clipped").mean(),
    )


def places(runs: int) -> pl.DataFrame:
    """Estimate the examination of each place in the lists of the first study: place, truth, mean, coverage, width."""
    values, covered, widths = [], [], []
    true = EXAMINATION / EXAMINATION[0]
    for run in range(runs):
        rng = np.random.default_rng(5_000 + run)
        logs = read_logs(shown_lists(rng, users(rng, STUDIES[0].n_users), LISTS_A_USER, STUDIES[0].explore))
        value, ends = examination_by_place(logs)
        values.append(value)
        covered.append((ends.low <= true) & (true <= ends.high))
        widths.append(ends.high - ends.low)
    return pl.DataFrame(
        {
            "place": np.arange(1, PLACES + 1),
            "truth": true,
            "mean": np.mean(values, axis=0),
            "coverage": np.mean(covered, axis=0),
            "width": np.median(widths, axis=0),
        }
    ).slice(1)


def main(kept: Kept, runs: Annotated[int, typer.Option(help="Simulations of each study.")] = RUNS) -> None:
    """Run the studies in two processes."""
    os.environ["POLARS_MAX_THREADS"] = "1"
    kept.mkdir(parents=True, exist_ok=True)
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        looked = pool.submit(_kept, kept / "places.parquet", places, runs)
        weighed = pool.submit(_kept, kept / "views.parquet", view_weights.measure, WEIGHED_RUNS)
        files = [kept / f"{number}.parquet" for number in range(len(STUDIES))]
        work = [partial(summary, study) for study in STUDIES]
        found = dict(zip(STUDIES, pool.map(_kept, files, work, repeat(runs)), strict=True))
        _page(found, looked.result(), weighed.result(), runs).write()


def _kept(file: Path, measure: Callable[[int], pl.DataFrame], runs: int) -> pl.DataFrame:
    if not file.exists():
        measure(runs).write_parquet(file)
    return pl.read_parquet(file)


def _page(found: Mapping[Study, pl.DataFrame], looked: pl.DataFrame, weighed: pl.DataFrame, runs: int) -> Page:
    fair = pl.concat(rows for study, rows in found.items() if not study.cascade and study.most_weight == UNCLIPPED)
    covered = fair.group_by("estimator", maintain_order=True).agg(
        pl.col("coverage").is_between(LEAST - _ROUNDED, MOST + _ROUNDED).sum().alias("held"),
        (pl.col("coverage") < LEAST - _ROUNDED).sum().alias("below"),
        pl.len().alias("of"),
        pl.col("coverage").min().alias("least"),
        pl.col("coverage").max().alias("most"),
    )
    held = covered.row(by_predicate=pl.col("estimator") == DEFAULT, named=True)
    body = [
        f"Each run draws users, shows each about {LISTS_A_USER} lists of {PLACES} places, explores slots with items of "
        f"a pool of {POOL} below the list, and draws clicks: attraction x examination, which falls as place^-0.6. "
        "Attraction differs by user, so that lists of one user depend on each other. Estimated are a challenger's "
        "clicks per list, and how many more they are than those of the logged lists without exploration; "
        f"{runs} runs, 95 % intervals.",
        "`ips`, `snips` and `dr` use items at the same place; `pbm-…` use items at any place, weighed by examination, "
        "which is estimated from the explored slots. Support is the share of the challenger's lists that the logs can "
        "show at all: a chosen item stands at one place alone, so that lists that reorder it lie outside of what "
        "`ips`, `snips` and `dr` can tell, whatever their intervals say.",
    ]
    body += [
        f"Figures of the first {len(fair) // (2 * len(ESTIMATORS))} studies by estimator. A coverage of 95 % is "
        f"measured as {LEAST:.0%} to {MOST:.0%} in nine of ten series of {runs} runs. Those that undercover do so "
        "where lists are reordered, so the default is one that does not.",
        table(
            ["estimator", "within", "below", "of", "lowest coverage", "highest"],
            [
                [f"`{name}`", str(held), str(below), str(of), f"{least:.1%}", f"{most:.1%}"]
                for name, held, below, of, least, most in covered.iter_rows()
            ],
        ),
    ]
    for study, rows in found.items():
        body += [f"## {study.name[0].upper()}{study.name[1:]}", _table(rows)]
    body += [
        "## Examination by place, relative to the first",
        table(
            ["place", "truth", "mean estimate", "median width", "coverage"],
            [
                [str(place), f"{true:.3f}", f"{mean:.3f}", f"{width:.3f}", f"{coverage:.1%}"]
                for place, true, mean, coverage, width in looked.iter_rows()
            ],
        ),
        "## Views weighed by 1 / examination",
        f"Models fitted on the views of {view_weights.N_USERS:,} users, {view_weights.LISTS_A_USER} lists each: the "
        f"true clicks per list of the best items that users have not viewed; {WEIGHED_RUNS} draws, paired. The night "
        "does not weigh views by their place, since nothing is gained.",
        table(
            ["model", "weights", "true clicks per list", "against none"],
            [
                [f"`{model}`", weights, f"{clicks:.4f}", f"{diff:+.4f} [{diff - reach:+.4f}, {diff + reach:+.4f}]"]
                for model, weights, clicks, diff, reach in weighed.iter_rows()
            ],
        ),
    ]
    return Page(
        name="off_policy",
        title="Off-policy estimates",
        claim="95 % intervals of a challenger's clicks, from lists of another policy, cover the truth in 93 to 97 %",
        command="python benchmarks/off_policy.py --kept FOLDER",
        result=f"{DEFAULT}, the default: {held['held']} of {held['of']} figures within, {held['below']} below, "
        f"{held['least']:.1%} to {held['most']:.1%}; ips, snips and dr undercover where lists are reordered",
        body=body,
    )


def _table(rows: pl.DataFrame) -> str:
    columns = ["estimator", "of", "truth", "bias", "deviation", "median width", "coverage", "ESS", "support", "clipped"]
    return table(
        columns,
        [
            [
                f"`{row['estimator']}`",
                row["of"],
                f"{row['truth']:.4f}",
                f"{row['bias']:+.4f}",
                f"{row['deviation']:.4f}",
                f"{row['width']:.4f}",
                f"{row['coverage']:.1%}",
                f"{row['ess']:,.0f}",
                f"{row['support']:.2f}",
                f"{row['clipped']:.1%}",
            ]
            for row in rows.iter_rows(named=True)
        ],
    )


if __name__ == "__main__":
    typer.run(main)
