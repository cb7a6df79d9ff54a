"""The search that a night's configuration describes: models, hyper-parameters and the seconds that they share."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from models.catalog import MODELS, create, reranker_config, space
from models.neural.jax_model import JaxModel
from models.reranker.config import RerankerConfig
from nightschool.contract import Dataset
from nightschool.data.shape import Shape
from nightschool.errors import ConfigurationError, Unavailable
from nightschool.night.config import AUTO, ON_SPARK, NightConfig
from nightschool.night.selection.priors import settings_of_similar_data
from nightschool.night.selection.reranking import OBJECTIVES
from nightschool.night.selection.search import Search, Tunable
from nightschool.night.selection.tuning import LEAST_SECONDS
from nightschool.recipe import RERANKER, Recipe
from nightschool.settings import Settings
from nightschool.vocabulary import CONTENT, POPULARITY

CANDIDATES = (
    "popularity",
    "dlae",
    "ials",
    "gfcf",
    "next_ridge",
    "transitions",
    "content",
    "itemknn",
    "ease",
    "rp3beta",
    "recent_popularity",
    "next_neighbours",
    "userknn",
    "svd",
    "lightgcn",
    "multvae",
    "neural_hybrid",
    "neumf",
    "sasrec",
    RERANKER,
)
"""What `auto` tries: popularity, then the models that gain most first; at the end networks, which take longest."""

_FIRST_ROUND = 0.4  # of the search, which the first try of every model may take
_WITH_NETWORKS = 0.05  # likewise, where there are networks: cuts, blends and a reranker fit every model again
_RERANKED = 0.5  # of the search, which a reranker may take
_MOST_RERANKED = 4  # validation cuts that it is compared on


def check_models(config: NightConfig) -> None:
    """Check that the models and hyper-parameters of a configuration exist.

    Raises:
        ConfigurationError: A model or hyper-parameter does not exist, or a value is out of range.
    """
    for model, params in config.params.items():
        reranker_config(params) if model == RERANKER else create(model, params)
    asked = () if config.models == AUTO else config.models
    for model in asked:
        reranker_config({}) if model == RERANKER else create(model, {})
    others = [model for model in asked if model not in ON_SPARK]
    if config.engine == "spark" and others:
        raise ConfigurationError(
            "Spark does not fit this model", seen=others[0], do=f"use models of {', '.join(ON_SPARK)}, or engine=local"
        )


def search_for(config: NightConfig, dataset: Dataset, decisive_k: int = 10) -> Search:
    """Build the search that a configuration describes: each model, its fixed hyper-parameters, the shared seconds.

    With `auto` those models are tried whose first fit the budget allows, judged by the shape of the data.

    Args:
        config: The configuration.
        dataset: What the first validation cut leaves to learn from.
        decisive_k: The k of the ndcg that decides.

    Raises:
        ConfigurationError: A model or hyper-parameter does not exist, or a value is out of range.
    """
    check_models(config)
    shape, seconds = Shape.of(dataset), 60 * config.minutes
    on_auto = ON_SPARK if config.engine == "spark" else CANDIDATES
    names = on_auto if config.models == AUTO else config.models
    tunables = [_tunable(name, config, shape) for name in names if name != RERANKER]
    left_out: dict[str, str] = {}
    reranker = config.params.get(RERANKER, {}) if RERANKER in names else None
    if config.models == AUTO:
        tunables, unsuited = _suited(tunables, dataset)
        tunables, too_long = _affordable(tunables, seconds)
        left_out = {**unsuited, **too_long}
    reranked_cuts = 1
    if reranker is not None:
        once, share = _reranker_seconds(tunables, shape), _RERANKED * seconds
        needed = len(OBJECTIVES) * once
        if needed <= share:
            reranked_cuts += min(int((share - needed) / once), _MOST_RERANKED - 1) if once else 0
            seconds -= needed + (reranked_cuts - 1) * once
        elif config.models == AUTO:
            reranker = None
            left_out[RERANKER] = _too_long(needed, share, seconds)
    return Search(
        tuple(tunables),
        seconds,
        alphas=config.alphas,
        cutoffs=config.cutoffs,
        seed=config.seed,
        megabytes=Settings().block_megabytes,
        max_users=config.max_validation_users,
        decisive_k=decisive_k,
        reranker=reranker,
        reranked_cuts=reranked_cuts,
        reranker_defaults=reranker_config({}).model_dump(mode="json"),
        left_out=left_out,
    )


def _tunable(model: str, config: NightConfig, shape: Shape) -> Tunable:
    fixed = config.params.get(model, {})
    free = {name: values for name, values in space(model).items() if name not in fixed}
    unfitted = create(model, fixed)
    n_users = min(shape.users, config.max_validation_users)

    def seconds(params: Mapping[str, Any]) -> float:
        """Estimate the seconds to fit and to measure a setting; zero for data without likes."""
        one = create(model, {**fixed, **params})
        return one.fit_seconds(shape) + one.score_seconds(shape, n_users) if shape.pairs else 0.0

    return Tunable(
        model,
        fixed,
        free,
        unfitted.config.model_dump(mode="json"),
        unfitted.personal,
        starts=settings_of_similar_data(shape, model),
        seconds=seconds,
    )


def _affordable(tunables: list[Tunable], seconds: float) -> tuple[list[Tunable], dict[str, str]]:
    """Return the models whose first tries together fit into the first round, and why the others do not."""
    most, taken = max(_FIRST_ROUND * seconds, LEAST_SECONDS), 0.0
    kept, left_out = [], {}
    for one in tunables:
        needed = one.seconds(one.fixed)
        left = (_WITH_NETWORKS * seconds if issubclass(MODELS[one.model], JaxModel) else most) - taken
        if needed <= left or one.model == POPULARITY:
            kept.append(replace(one, dispensable=one.model not in (POPULARITY, CONTENT)))
            taken += needed
        else:
            left_out[one.model] = _too_long(needed, left, seconds)
    return kept, left_out


def _suited(tunables: list[Tunable], dataset: Dataset) -> tuple[list[Tunable], dict[str, str]]:
    """Return the models that can learn from such data on this machine, and why the others cannot."""
    kept, left_out = [], {}
    for one in tunables:
        try:
            create(one.model, one.fixed).require_data(dataset)
        except (ConfigurationError, Unavailable) as error:
            left_out[one.model] = str(error)
        else:
            kept.append(one)
    return kept, left_out


def _reranker_seconds(tunables: list[Tunable], shape: Shape) -> float:
    """Estimate the seconds to try a reranker once: every model on each of its cuts, and its trees."""
    settings = RerankerConfig()
    models = sum(one.seconds(one.fixed) for one in tunables)
    rows = settings.folds * min(shape.users, settings.max_users) * settings.depth
    return (1 + settings.folds) * models + 2e-5 * rows


def _too_long(needed: float, left: float, seconds: float) -> str:
    minutes = f"minutes={seconds / 60:g}"
    return f"not tried: it takes about {needed:.0f} s, and of {minutes} {max(left, 0):.0f} s are left for it"


def settled_search(champion: Recipe, search: Search) -> Search:
    """Return the search of one setting a model, to show its figures: the champion's, else the defaults."""
    settled = {component.model: component.params for component in champion.components}
    fixed = {**{one.model: one.fixed for one in search.tunables}, **settled}
    tunables = tuple(Tunable(model, params, personal=create(model, params).personal) for model, params in fixed.items())
    return replace(search, tunables=tunables, seconds=0.0, reranker=None)
