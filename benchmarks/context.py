"""Whether lists in a context are better than lists without, beside the same with the contexts of other choices."""

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import typer
from page import Page, table
from surroundings import DATA, DataOption, in_fresh_process, ingested_home, source_of, temporary_home

SIMULATED = "learning-devices"
SIZE = {"users": 3_000, "items": 300, "interactions": 150_000, "seed": 42, "devices": True}
REAL = ("movielens-100k", "movielens-1m")
_NAMES = {SIMULATED: "simulated", "movielens-1m": "movielens-1m (the first 2,999 users)"}
_RECIPE = {"components": [{"model": "ease"}]}


def main(data: DataOption = DATA) -> None:
    """Measure each context alone on the simulated platform and on the films."""
    documents = {SIMULATED: in_fresh_process(_simulated)}
    documents |= {name: in_fresh_process(_measure, name, source_of(name, data)) for name in REAL}
    rows = [row for name, document in documents.items() for row in _rows(name, document)]
    device = documents[SIMULATED]["contexts"]["device"]
    Page(
        name="context",
        title="Lists in a context",
        claim="A context orders lists better where choices follow it, and is switched off where they do not",
        command="python benchmarks/context.py",
        result=f"device on the simulated platform: {_ends(device['ahead'])} against without, "
        f"{_ends(device['control'])} against shuffled; hour and weekday are {_decided(documents)}",
        body=[
            "ndcg@10 of held-out choices, one relevant item each, ranked by `ease` in the context in which it was "
            "chosen: mean over users, paired differences with 95 % intervals over users. Strength and weight are "
            "learned on validation, the test is read once. `Shuffled` deals the contexts of the test's choices out at "
            "random. `On` is what a night decides on validation: whether the interval of what the context adds there, "
            "on users that its setting was not learned on, is above zero. A weight of 0 is what validation chose.",
            "The simulated platform plants what suits a device (`simulate --devices`), and hours and weekdays only in "
            "how much is learned, not in what: those two have to be off. The hour of a film's rating, in UTC, says "
            "when somebody sat down to rate, and little of what they rate then.",
            table(
                ["data", "context", "on", "weight", "without", "with", "shuffled", "ahead of without", "of shuffled"],
                rows,
            ),
            _described(documents),
        ],
    ).write()


def _simulated() -> dict[str, Any]:
    from nightschool.simulator.config import SimulatorConfig
    from nightschool.simulator.simulate import simulate

    with tempfile.TemporaryDirectory(prefix="nightschool-") as folder:
        simulate(SimulatorConfig.model_validate(SIZE), Path(folder))
        return _measure(SIMULATED, Path(folder))


def _measure(dataset: str, source: Path) -> dict[str, Any]:
    """Ingest a data set and measure each of its contexts alone, on the test."""
    with temporary_home():
        home = ingested_home(dataset, source)
        from nightschool.application.home import manifest_of
        from nightschool.data.splits.splitting import test_split, validation_split
        from nightschool.night.config import NightConfig
        from nightschool.night.prepare import cut_of, event_log
        from nightschool.storage.as_of import newest_known

        config = NightConfig()
        log = event_log(home.lake, manifest_of(home), newest_known(home.lake), config)
        cut = cut_of(log, config)
        validation, test = _evaluated(log, validation_split(log, cut)), _evaluated(log, test_split(log, cut))
    return {
        "protocol": cut.protocol,
        "n_users": test["evaluator"].n_users,
        "contexts": {name: _alone(name, validation, test) for name in test["names"] if name in validation["names"]},
    }


def _evaluated(log: Any, split: Any) -> dict[str, Any]:
    from models.catalog import build
    from nightschool.night.selection.context_ranking import ContextData, ContextEvaluator
    from nightschool.night.selection.contexts import choose_contexts
    from nightschool.recipe import Recipe

    data = ContextData(split.fitted, log.contexts, log.timezone)
    contexts, held_out = choose_contexts(split, data, seed=42)
    names = [context.name for context in contexts if context.values]
    fitted = build(Recipe.model_validate(_RECIPE)).fit(split.fitted, seed=42)
    return {
        "names": names,
        "contexts": contexts,
        "evaluator": ContextEvaluator(fitted, data, held_out, names, megabytes=64),
    }


def _alone(name: str, validation: dict[str, Any], test: dict[str, Any]) -> dict[str, Any]:
    """Learn one context's setting on validation and measure it on the test."""
    from nightschool.night.selection.contexts import learn_contexts, learn_settings

    tuned, evaluator = validation["evaluator"], test["evaluator"]
    settings = learn_settings(tuned, [name], np.ones(tuned.n_users, dtype=bool))
    night = learn_contexts(tuned, [each for each in validation["contexts"] if each.name == name], seed=42)
    everyone = np.ones(evaluator.n_users, dtype=bool)
    order = np.random.default_rng(42).permutation(len(evaluator.codes[name]))
    values = [
        evaluator.ndcg(*each)
        for each in (
            ({}, everyone),
            (settings, everyone),
            (settings, everyone, {name: evaluator.codes[name][order]}),
        )
    ]
    return {
        "on": any(context.setting for context in night.contexts),
        "weight": settings[name].weight * tuned.scale if name in settings else 0.0,
        "ndcg": [float(each.mean()) for each in values],
        "ahead": _difference(values[1] - values[0]),
        "control": _difference(values[1] - values[2]),
    }


def _difference(values: Any) -> list[float]:
    from nightschool.evaluation.intervals import mean_intervals

    ends = mean_intervals(values[:, None])
    return [float(values.mean()), float(ends.low[0]), float(ends.high[0])]


def _rows(dataset: str, document: dict[str, Any]) -> list[list[str]]:
    return [
        [
            _NAMES.get(dataset, dataset),
            name,
            "yes" if found["on"] else "no",
            f"{found['weight']:.1f}",
            *(f"{value:.4f}" for value in found["ndcg"]),
            _ends(found["ahead"]),
            _ends(found["control"]),
        ]
        for name, found in document["contexts"].items()
    ]


def _ends(ends: list[float]) -> str:
    return f"{ends[0]:+.4f} [{ends[1]:+.4f}, {ends[2]:+.4f}]"


def _decided(documents: dict[str, dict[str, Any]]) -> str:
    on = [
        f"{name} of {_NAMES.get(dataset, dataset)}"
        for dataset, document in documents.items()
        for name, found in document["contexts"].items()
        if found["on"] and name != "device"
    ]
    return f"on only for {', '.join(on)}" if on else "off everywhere"


def _described(documents: dict[str, dict[str, Any]]) -> str:
    parts = [
        f"{_NAMES.get(name, name)}: `{each['protocol']}`, {each['n_users']:,} users" for name, each in documents.items()
    ]
    size = f"{SIZE['users']:,} users, {SIZE['items']} items, {SIZE['interactions']:,} rows"
    return f"Tests: {'; '.join(parts)}. Simulated: {size}."


if __name__ == "__main__":
    typer.run(main)
