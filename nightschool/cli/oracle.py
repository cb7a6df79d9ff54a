"""The command that compares models with the true probabilities of a simulation."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from nightschool.cli import show
from nightschool.cli.night import Assignments, Json


def oracle(
    truth: Annotated[
        Path | None, typer.Option(help="The simulation's truth.parquet; the one in the source folder when left out.")
    ] = None,
    models: Annotated[str, typer.Option(help="Names of models, separated by commas.")] = "dlae,ials,gfcf,content",
    k: Annotated[int, typer.Option("-k", "--k", min=1, help="The k of ndcg@k.")] = 10,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the random numbers.")] = 42,
    assignments: Assignments = None,
    as_json: Json = False,
) -> None:
    """Measure how much of the way from popularity to the true probabilities models come, in a simulated home."""
    from nightschool.application.home import open_home
    from nightschool.application.oracle import measure_way
    from nightschool.night.config import NightConfig

    names = tuple(name.strip() for name in models.split(",") if name.strip())
    config = NightConfig.load(None, assignments or []).model_copy(update={"models": names, "seed": seed})
    document = measure_way(open_home(), truth, config, k)
    show.show_json(document) if as_json else _show(document)


def _show(document: Mapping[str, Any]) -> None:
    """Print the ndcg of each model and its share of the way."""
    rows = [
        ["popularity", _plus_minus(document["popularity"]), "0 %"],
        *(
            [m["name"] + " (chosen)" * m["chosen"], _plus_minus(m["ndcg"]), _percent(m["share_of_way"])]
            for m in document["models"]
        ),
        ["oracle, expected", _plus_minus(document["oracle"]), "100 %"],
        ["oracle, realised", _plus_minus(document["oracle_realised"]), ""],
    ]
    title = f"The true probabilities, protocol {document['protocol']}, {document['n_users']:,} users, 95 % intervals"
    show.show_table(title, ["model", f"ndcg@{document['k']}", "of the way from popularity"], rows)
    for model, reason in document["failures"].items():
        show.console.print(f"Left out: {model}: {reason}")


def _plus_minus(triple: Sequence[float]) -> str:
    value, low, high = triple
    return f"{value:.4f} ± {(high - low) / 2:.4f}"


def _percent(triple: Sequence[float]) -> str:
    value, low, high = triple
    return f"{value:.1%} ± {(high - low) / 2:.1%}"
