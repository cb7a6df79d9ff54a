"""How far models come from popularity to the true probabilities of latent simulations."""

import tempfile
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from page import Page, goal_reached, interval, settings, table
from surroundings import SEARCH, in_fresh_process, ingested_home, temporary_home

GOAL = 0.70
SEEDS = (1, 2, 3, 4, 5)
_HALF_OF_95 = 2.776
"""Student's t for the 95 % interval of a mean of five."""

Models = Annotated[str, typer.Option(help="Names in the catalogue, separated by commas.")]


def main(models: Models = "ease,dlae,ials,gfcf,content,reranker") -> None:
    """Simulate the default platform with five seeds and measure each in a process of its own."""
    documents = {seed: in_fresh_process(_measure, seed, tuple(models.split(","))) for seed in SEEDS}
    best = {seed: next(m for m in document["models"] if m["chosen"]) for seed, document in documents.items()}
    shares = np.array([model["share_of_way"][0] for model in best.values()])
    half = _HALF_OF_95 * shares.std(ddof=1) / np.sqrt(len(shares))
    mean = [float(shares.mean()), float(shares.mean() - half), float(shares.mean() + half)]
    Page(
        name="latent",
        title="The way to the oracle",
        claim=f"Models come {GOAL:.0%} of the way from popularity to the true probabilities of a latent simulation",
        command="python benchmarks/latent.py",
        result=f"{goal_reached(mean[0], GOAL, 'mean share')}; its interval is {mean[1]:.3f} to {mean[2]:.3f}",
        body=[*_body(documents, best)],
    ).write()


def _measure(seed: int, models: tuple[str, ...]) -> dict[str, Any]:
    """Run `simulate`, `ingest` and `oracle` with one seed."""
    with tempfile.TemporaryDirectory(prefix="nightschool-") as folder, temporary_home():
        from nightschool.simulator.config import SimulatorConfig
        from nightschool.simulator.simulate import simulate

        simulate(SimulatorConfig(seed=seed), Path(folder))
        home = ingested_home("learning", Path(folder))
        from nightschool.application.oracle import measure_way
        from nightschool.night.config import NightConfig

        return measure_way(home, None, NightConfig(models=models, seed=seed, **SEARCH), 10)


def _body(documents: dict[int, dict[str, Any]], best: dict[int, dict[str, Any]]) -> list[str]:
    columns = ["seed", "users", "popularity", "oracle, expected", "oracle, realised", "chosen", "ndcg@10", "of the way"]
    chosen = [
        [
            str(seed),
            f"{document['n_users']:,}",
            *(interval(document[name]) for name in ("popularity", "oracle", "oracle_realised")),
            best[seed]["name"],
            interval(best[seed]["ndcg"]),
            interval(best[seed]["share_of_way"]),
        ]
        for seed, document in documents.items()
    ]
    every = [
        [str(seed), model["name"], interval(model["ndcg"]), interval(model["share_of_way"]), settings(model)]
        for seed, document in documents.items()
        for model in document["models"]
    ]
    return [
        "Five simulations of the default size, cut at one instant (`temporal`); ndcg@10 on the test, seen items "
        "excluded. The oracle ranks by the true probabilities of the test's time. Its expected ndcg@10 is the mean of "
        "200 tests drawn anew from them, with as many events for each user as the real one, and that is what the share "
        "of the way is measured by; the realised one is on the test that was drawn. `Chosen` is the recipe that "
        "validation chose, refitted on train and validation. Intervals are 95 % over users; that of the "
        "mean share is over the seeds.",
        table(columns, chosen),
        table(["seed", "model", "ndcg@10", "of the way", "settings"], every),
    ]


if __name__ == "__main__":
    typer.run(main)
