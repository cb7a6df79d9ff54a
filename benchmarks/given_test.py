"""Models on the test that a data set is given: settings and weights from a cut of its training pairs made like it."""

import resource
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from page import Page, chosen_of, interval, label_of, notes, settings, table
from surroundings import in_fresh_process, ingested_home, source_of, temporary_home

METRICS = ("recall@20", "ndcg@20")
GFCF = {"rank": 384, "weight": 2.0, "user_exponent": 0.3, "item_exponent": 0.3, "sharpening": 0.4}
"""Settings of gfcf that a few trials by hand found on cuts of gowalla and of yelp2018."""


class GivenTest(NamedTuple):
    """A data set, what is tried on it, and what was published on its test.

    Attributes:
        protocol: The protocol's letter.
        dataset: The data set.
        models: The models.
        settings: The configuration that is searched with.
        goals: Metric to the published value to be ahead of.
        known: What was known before this run: earlier readings of the test, hyper-parameters found by hand.
        references: Model, its two figures, and where they are from.
    """

    protocol: str
    dataset: str
    models: Sequence[str]
    settings: Mapping[str, Any]
    goals: Mapping[str, float]
    known: str
    references: Sequence[tuple[str, str, str, str]]


def measure_and_write(asked: GivenTest, data: Path) -> None:
    """Measure the models and the blend that validation learns of them, in a process of its own, and write the page."""
    document = in_fresh_process(_measure, asked, source_of(asked.dataset, data))
    best = chosen_of(document["models"])
    parts = [_standing(best["metrics"][metric], goal, metric) for metric, goal in asked.goals.items()]
    goals = ", ".join(f"{metric} {goal}" for metric, goal in asked.goals.items())
    name = f"protocol_{asked.protocol.lower()}"
    Page(
        name=name,
        title=f"Protocol {asked.protocol}: {asked.dataset} on its given test",
        claim=f"{asked.dataset}: ahead of {goals}, the best published figures",
        command=f"python benchmarks/{name}.py",
        result=f"{best['name']}: {'; '.join(parts)}; peak {document['gigabytes']:.1f} GB",
        body=[
            f"Full ranking, seen items excluded, {document['n_users']:,} users, intervals of 95 % over users; ahead is "
            "whose interval lies above the published value. Settings and weights were chosen on cuts of the training "
            f"pairs made like the test; then each was refitted on all of them and measured. {asked.known}",
            table(["ours", *METRICS, "settings", "fit s"], [_row(model) for model in document["models"]]),
            *notes(document["models"]),
            table(["reference", *METRICS, "source"], asked.references),
        ],
    ).write()


def _measure(asked: GivenTest, source: Path) -> dict[str, Any]:
    """Run `nightschool evaluate --protocol given -k 20`, and add the peak memory of the process in GB."""
    with temporary_home():
        home = ingested_home(asked.dataset, source)
        from nightschool.application.evaluate import Offline, evaluate_models
        from nightschool.night.config import NightConfig

        document = evaluate_models(home, Offline(asked.models, "given", 20, 42, "all", NightConfig(**asked.settings)))
    return {**document, "gigabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6}


def _standing(figure: Sequence[float], goal: float, metric: str) -> str:
    standing = "ahead of" if figure[1] > goal else "above" if figure[0] > goal else "behind"
    return f"{metric} {interval(figure)}, {standing} {goal}"


def _row(model: Mapping[str, Any]) -> list[str]:
    figures = [interval(model["metrics"][metric]) for metric in METRICS]
    return [label_of(model), *figures, settings(model), f"{model['fit_seconds']:.1f}"]
