"""How often learning paths keep the planted order of a simulation: declared, and learned from transitions alone."""

import tempfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import typer
from page import Page, table
from scipy.sparse import csr_array
from surroundings import in_fresh_process, ingested_home, temporary_home

ORDERED = (0.0, 0.5, 1.0)
USERS, GOALS = 100, 5
"""Users whose paths are planned, and goals drawn for each."""


def main() -> None:
    """Simulate the default platform with growing shares of users who keep to the planted order."""
    found = [in_fresh_process(_measure, share) for share in ORDERED]
    declared = sum(each["declared_kept"] for each in found), sum(each["declared"] for each in found)
    columns = ["users in order", "transitions within a topic", "along the order", "paths", "declared pairs", "kept",
               "planned without declarations: pairs", "along the order"]  # fmt: skip
    rows = [
        [f"{share:.0%}", f"{each['edges']:,}", _rate(each["edges_kept"], each["edges"]), f"{each['paths']:,}",
         f"{each['declared']:,}", _rate(each["declared_kept"], each["declared"]),
         f"{each['hidden']:,}", _rate(each["hidden_kept"], each["hidden"])]
        for share, each in zip(ORDERED, found, strict=True)
    ]  # fmt: skip
    learned = "; ".join(f"{row[0]} of the users in order: {row[2]}" for row in rows)
    Page(
        name="learning_paths",
        title="Learning paths and the planted order",
        claim="Every learning path keeps the declared order; learned transitions follow the planted one as users do",
        command="python benchmarks/learning_paths.py",
        result=f"declared pairs kept: {declared[0]:,} of {declared[1]:,}; transitions along the order, {learned}",
        body=[
            "Simulations of the default size, seed 42, that differ in `--ordered`: the share of users who take the"
            f" items of a topic in its planted order. {GOALS} goals are drawn for each of {USERS} users. A declared"
            " pair is a step and a prerequisite that it declares, kept where the prerequisite is completed or comes"
            " before. Without declarations only levels and transitions (`next_items`) order a path, and its pairs of"
            " steps of one topic are compared with the planted order. Intervals are Wilson's, 95 %, over pairs.",
            table(columns, rows),
        ],
    ).write()


def _measure(share: float) -> dict[str, int]:
    """Simulate, ingest, learn the transitions, plan paths with and without the declared prerequisites."""
    with tempfile.TemporaryDirectory(prefix="nightschool-") as folder, temporary_home():
        from nightschool.data.manifest.manifest import load_manifest
        from nightschool.night.config import NightConfig
        from nightschool.night.prepare import event_log
        from nightschool.simulator.config import SimulatorConfig
        from nightschool.simulator.simulate import simulate
        from nightschool.simulator.truth import Truth

        simulate(SimulatorConfig(ordered=share), Path(folder))
        home = ingested_home("learning", Path(folder))
        dataset = event_log(home.lake, load_manifest("learning"), datetime.now(UTC), NightConfig()).dataset()
        places = Truth.read(Path(folder) / "truth.parquet").places
        assert places is not None
        return _count(dataset, places[dataset.item_ids.to_numpy() - 1])


def _count(dataset: Any, places: Any) -> dict[str, int]:
    from nightschool.ranking.paths import Block, path_to_item

    curriculum, topics = _curriculum(dataset), _topics(dataset.items)
    free = replace(curriculum, requires=csr_array(curriculum.requires.shape, dtype=bool))
    edges = curriculum.follows.tocoo()
    within = topics[edges.row] == topics[edges.col]
    counts = {"edges": int(within.sum()), "edges_kept": int((places[edges.row] < places[edges.col])[within].sum())}
    counts |= dict.fromkeys(("paths", "declared", "declared_kept", "hidden", "hidden_kept"), 0)
    rng, likes = np.random.default_rng(1), dataset.positives()
    for user in rng.choice(dataset.n_users, USERS, replace=False):
        done = np.zeros(dataset.n_items, dtype=bool)
        done[likes[[user]].indices] = True
        for goal in rng.choice(np.flatnonzero(dataset.available & ~done), GOALS, replace=False).tolist():
            path = path_to_item(curriculum, done, goal)
            assert not isinstance(path, Block)
            before = [done | np.isin(np.arange(len(done)), path[:place]) for place in range(len(path))]
            kept = [met[each] for item, met in zip(path, before, strict=True) for each in curriculum.direct(item)]
            hidden = path_to_item(free, done, goal)
            pairs = [(a, b) for at, a in enumerate(hidden) for b in hidden[at + 1 :] if topics[a] == topics[b]]
            counts["paths"] += 1
            counts["declared"] += len(kept)
            counts["declared_kept"] += sum(kept)
            counts["hidden"] += len(pairs)
            counts["hidden_kept"] += sum(places[a] < places[b] for a, b in pairs)
    return {name: int(count) for name, count in counts.items()}


def _curriculum(dataset: Any) -> Any:
    from nightschool.data.labels import one_hot
    from nightschool.data.prerequisites import prerequisite_matrix, prerequisite_pairs
    from nightschool.night.release.next_items import next_items
    from nightschool.ranking.paths import Curriculum

    items, (levels,) = dataset.items, dataset.item_columns.ordinals.values()
    places = items.select("item_id").with_row_index("place")
    pairs = next_items(dataset).join(places, on="item_id", maintain_order="left")
    pairs = pairs.join(places.rename({"item_id": "neighbor_id", "place": "target"}), on="neighbor_id")
    cells = (pairs["place"].to_numpy().astype(np.int32), pairs["target"].to_numpy().astype(np.int32))
    return Curriculum(
        prerequisite_matrix(items, prerequisite_pairs(items, "prerequisites")),
        items["difficulty"].cast(pl.Enum(levels)).to_physical().to_numpy().astype(np.int32),
        dataset.available,
        csr_array((pairs["share"].to_numpy(), cells), shape=(items.height, items.height)),
        one_hot(items, ["skills"]).astype(bool),
    )


def _topics(items: pl.DataFrame) -> Any:
    return items.select(pl.struct("domain", "subtopic").rank("dense")).to_series().to_numpy()


def _rate(kept: int, n: int) -> str:
    from nightschool.experiments.intervals import wilson

    found = wilson(kept, n)
    return "–" if found is None else f"{found.value:.4f} [{found.low:.4f}, {found.high:.4f}]"


if __name__ == "__main__":
    typer.run(main)
