"""Networks in `auto`: from how many minutes they are tried on each data set, and what that gains there."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import typer
from leave_one_out import SOURCES, hold_out, read_sequences
from network_cases import NETWORKS, SEED
from page import Page, interval, table
from priors import DATASETS
from surroundings import DATA, DataOption, in_fresh_process, ingested_home, leave_out_priors, source_of, temporary_home

MINUTES = {"movielens-100k": 12.0, "oulad": 15.0}
"""Data sets that are searched with networks and without, for as long."""
_K = 10
_LONGEST = 2**12  # minutes beyond which nobody waits


class Tried(NamedTuple):
    """From when networks are tried on a data set.

    Attributes:
        users: Users with a like.
        items: Items with a like.
        likes: How many.
        minutes: Network to the minutes from which `auto` tries it; `_LONGEST` where it needs more.
    """

    users: int
    items: int
    likes: int
    minutes: Mapping[str, int]


class Gain(NamedTuple):
    """What networks gain on the test in as many minutes.

    Attributes:
        protocol: How the test was cut.
        n_users: Of the test.
        without: What was chosen without networks.
        figures: Its ndcg and the interval.
        beside: What was chosen with them.
        gained: Its ndcg over the other's and the interval, paired.
        networks: Those that were tried, with their ndcg on the test.
    """

    protocol: str
    n_users: int
    without: str
    figures: tuple[float, float, float]
    beside: str
    gained: tuple[float, float, float]
    networks: Mapping[str, float]


def main(data: DataOption = DATA) -> None:
    """Look up the minutes of every data set, then search some with networks and without."""
    tried = {name: Tried(*in_fresh_process(when_tried, name, source_of(name, data))) for name in DATASETS}
    for name, source in SOURCES.items():
        tried[f"{name}, histories"] = Tried(*in_fresh_process(when_tried, name, source_of(source.folder, data), True))
    gains: dict[str, Gain] = {}
    for name, minutes in MINUTES.items():
        gains[name] = Gain(*in_fresh_process(gain, name, source_of(name, data), minutes))
        print(json.dumps(gains[name]), flush=True)
    _write(tried, gains)


def when_tried(name: str, source: Path, histories: bool = False) -> Tried:
    """Find the fewest minutes from which `auto` tries each network on a data set."""
    with temporary_home():
        if histories:
            fitted = hold_out(read_sequences(source / SOURCES[name].file), 1, read_from=2, learned_from=3).fitted
        else:
            home = ingested_home(name, source)
            from nightschool.application.evaluate import events_of
            from nightschool.data.splits.rotating import ValidationCuts
            from nightschool.data.splits.splitting import choose_cut
            from nightschool.night.config import NightConfig as Config

            log = events_of(home, Config())
            fitted = ValidationCuts(log, choose_cut(log, seed=SEED), SEED)[0].fitted
        from nightschool.application.search import search_for
        from nightschool.data.shape import Shape
        from nightschool.night.config import NightConfig

        def tries(network: str, minutes: int) -> bool:
            search = search_for(NightConfig(minutes=minutes), fitted)
            return network in (one.model for one in search.tunables)

        shape = Shape.of(fitted)
        return Tried(shape.users, shape.items, shape.pairs, {one: _fewest(one, tries) for one in NETWORKS})


def _fewest(network: str, tries: Callable[[str, int], bool]) -> int:
    """Return the fewest minutes from which a network is tried, a power of two at first and then between."""
    most = 1
    while most < _LONGEST and not tries(network, most):
        most *= 2
    least = most // 2
    while most - least > max(1, most // 20):
        middle = (least + most) // 2
        least, most = (least, middle) if tries(network, middle) else (middle, most)
    return most


def gain(name: str, source: Path, minutes: float) -> Gain:
    """Search a data set without networks and with them, and compare what was chosen on the test."""
    with temporary_home():
        home = ingested_home(name, source)
        leave_out_priors(*DATASETS)
        from models.catalog import build, create
        from nightschool.application import search as searching
        from nightschool.application.evaluate import events_of
        from nightschool.data.splits.rotating import ValidationCuts
        from nightschool.data.splits.splitting import choose_cut, test_split
        from nightschool.evaluation.compare import compare
        from nightschool.night.config import NightConfig
        from nightschool.offline.compare import compare_models

        config = NightConfig(minutes=minutes)
        log = events_of(home, config)
        cut = choose_cut(log, seed=SEED)
        test, everything, found = test_split(log, cut), searching.CANDIDATES, []
        for candidates in (tuple(one for one in everything if one not in NETWORKS), everything):
            searching.CANDIDATES = candidates  # type: ignore[assignment]  # for this process
            cuts = ValidationCuts(log, cut, SEED)
            rows, _ = compare_models(cuts, test, searching.search_for(config, cuts[0].fitted), create, build)
            found.append(rows)
        without, beside = (next(row for row in rows if row.chosen) for rows in found)
        difference = compare(beside.evaluation, without.evaluation)
        return Gain(
            cut.protocol,
            beside.evaluation.n_users,
            without.name,
            (without.evaluation.mean("ndcg", _K), *without.evaluation.interval("ndcg", _K)),
            beside.name,
            (difference.difference, difference.ci_low, difference.ci_high),
            {row.name: row.evaluation.mean("ndcg", _K) for row in found[1] if row.name in NETWORKS},
        )


_HOW = (
    "`auto` tries a network where the first fits of all models up to it take a twentieth of the minutes, by their "
    "estimates for two cores, since cuts, blends and a reranker fit every model again. A night of half a minute, the "
    "default, tries none on any of these data sets, and so gains nothing by them; its report gives the seconds."
)

_GAINS = (
    "The same search twice on the night's own cut, without networks and with them, in as many minutes; what won on "
    "these data sets before is unknown to both. What validation chose is measured on the test once, and the difference "
    "is paired."
)


def _write(tried: Mapping[str, Tried], gains: Mapping[str, Gain]) -> None:
    minutes = [
        [name, f"{one.users:,}", f"{one.items:,}", f"{one.likes:,}", *(_minutes(one.minutes[n]) for n in NETWORKS)]
        for name, one in tried.items()
    ]
    rows = [
        [
            f"{name}, {one.protocol}",
            f"{one.n_users:,}",
            f"{MINUTES[name]:g}",
            ", ".join(f"{network} {value:.4f}" for network, value in one.networks.items()) or "none",
            f"{one.without} {interval(one.figures)}",
            one.beside,
            interval(one.gained),
        ]
        for name, one in gains.items()
    ]
    head = ["data set", "users", "minutes", "networks tried", "without networks", "with networks", "gained"]
    Page(
        name="auto_networks",
        title="Networks in auto",
        claim="`auto` takes a network only where the minutes hold it and validation shows a gain",
        command="python benchmarks/auto_networks.py",
        result="; ".join(f"{name} in {MINUTES[name]:g} minutes {interval(one.gained)}" for name, one in gains.items()),
        body=[
            "## From how many minutes",
            _HOW,
            table(["minutes from which it is tried", "users", "items", "likes", *NETWORKS], minutes),
            f"## What they gain: ndcg@{_K}",
            _GAINS,
            table(head, rows),
        ],
    ).write()


def _minutes(number: int) -> str:
    return f"{number}" if number < _LONGEST else f"over {_LONGEST}"


if __name__ == "__main__":
    typer.run(main)
