"""The oracle of a simulated home: how far models get from popularity to the true probabilities."""

from pathlib import Path
from typing import Any

from models.catalog import build, create
from nightschool.application.evaluate import Offline
from nightschool.data.splits.rotating import ValidationCuts
from nightschool.data.splits.splitting import TEST, named_cut, test_split
from nightschool.errors import NotFound
from nightschool.night.config import NightConfig
from nightschool.offline.compare import compare_models
from nightschool.offline.oracle import describe_oracle, measure_oracle
from nightschool.simulator.truth import Truth
from nightschool.simulator.vocabulary import TRUTH_FILE
from nightschool.storage.home import Home


def measure_way(home: Home, truth: Path | None, config: NightConfig, k: int) -> dict[str, Any]:
    """Measure the gap between popularity and the oracle on the temporal test, and the share that each model closes.

    Args:
        home: A home that holds a latent simulation.
        truth: truth.parquet; None for the one among the home's source files.
        config: The models, the seed and the rest.
        k: The k of the ndcg.

    Raises:
        NotFound: There is no such file, or the home holds no interactions.
    """
    file = truth or home.binding.source_root / TRUTH_FILE
    if not file.is_file():
        raise NotFound("no truth of a simulation", seen=str(file), do="simulate --mode latent, or give --truth FILE")
    asked = Offline(config.models, "temporal", k, config.seed, "manifest", config)
    log = asked.events(home)
    cut = named_cut(log, asked.protocol, seed=asked.seed, window=asked.window)
    test, cuts = test_split(log, cut), ValidationCuts(log, cut, asked.seed)
    oracle = measure_oracle(log, cut.part(TEST), test, Truth.read(file), k, seed=asked.seed)
    rows, failures = compare_models(cuts, test, asked.search_on(cuts[0].fitted), create, build)
    document = describe_oracle(oracle, rows)
    return {"dataset": home.binding.dataset, "protocol": cut.protocol, **document, "failures": dict(failures)}
