"""How far models come, in a simulated home, from popularity to the probabilities that it was drawn from."""

from pathlib import Path
from typing import Any

from models.catalog import build, create
from nightschool.data.simulator.truth import Truth
from nightschool.data.simulator.vocabulary import TRUTH_FILE
from nightschool.data.splitting import TEST, Window, named_cut, test_split, validation_split
from nightschool.errors import NotFound
from nightschool.night.as_of import newest_known
from nightschool.night.config import NightConfig
from nightschool.night.offline import compare_models
from nightschool.night.oracle import describe_oracle, measure_oracle
from nightschool.night.prepare import event_log
from nightschool.night.run import Home
from tasks.home import manifest_of
from tasks.select import search_for


def measure_way(home: Home, truth: Path | None, config: NightConfig, k: int) -> dict[str, Any]:
    """The way from popularity to the oracle on the temporal test, and how much of it each model covers.

    Args:
        home: A home that holds a latent simulation.
        truth: truth.parquet; None for the one among the home's source files.
        config: The models, the seed and the rest.
        k: The k of the ndcg.

    Raises:
        NotFound: There is no such file.
    """
    file = truth or home.binding.source_root / TRUTH_FILE
    if not file.is_file():
        raise NotFound("no truth of a simulation", seen=str(file), do="simulate --mode latent, or give --truth FILE")
    log = event_log(home.lake, manifest_of(home), newest_known(home.lake), config)
    window = Window(config.window_days, config.min_users, config.max_test_share)
    cut = named_cut(log, "temporal", seed=config.seed, window=window)
    test = test_split(log, cut)
    oracle = measure_oracle(log, cut.part(TEST), test, Truth.read(file), k, seed=config.seed)
    models = tuple(dict.fromkeys(["popularity", *config.models]))
    cutoffs = tuple(sorted({*config.cutoffs, k}))
    search = search_for(config.model_copy(update={"models": models, "cutoffs": cutoffs}), decisive_k=k)
    rows, failures = compare_models(validation_split(log, cut), test, search, create, build)
    document = describe_oracle(oracle, rows)
    return {"dataset": home.binding.dataset, "protocol": cut.protocol, **document, "failures": dict(failures)}
