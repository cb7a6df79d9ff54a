"""How many users liked each item lately: popularity that fades with time."""

from typing import ClassVar

import numpy as np
import polars as pl
from pydantic import Field

from models.base import Model, ModelConfig
from nightschool.columns import ITEM_INDEX, SCORE, TIMESTAMP
from nightschool.contract import Dataset, Float32s, Indices, Space, Span
from nightschool.errors import ConfigurationError
from nightschool.histories import Histories

_SECONDS_A_DAY = 86_400


class RecentPopularityConfig(ModelConfig):
    """How fast a like fades."""

    half_life_days: float = Field(default=30.0, gt=0, le=36_500, description="Days after which a like counts half.")

    space: ClassVar[Space] = {"half_life_days": Span(1.0, 1000.0, log=True)}


class RecentPopularity(Model):
    """Recent popularity: items by their likes, each worth half as much after every half-life.

    Formula:
        score(i) = Σ ½^(age / half-life) over the likes of i; ages count from the newest like, and a like without a
        time counts nothing.

    Good for:
        Catalogues whose items come and go, such as news; as a component that a blend may weigh.

    Refuses:
        Data without timestamps.

    Memory:
        One float an item.

    Examples:
        >>> model = RecentPopularity(RecentPopularityConfig(half_life_days=1.0)).fit(dataset, seed=0)
        >>> model.recommend(dataset.user_ids[:1], k=2)["rank"].to_list()
        [1, 2]

    Reference:
        Ji, Sun, Zhang and Li, "A Re-visit of the Popularity Baseline in Recommender Systems", SIGIR 2020.
    """

    name = "recent_popularity"
    config_type = RecentPopularityConfig
    learned = ("counts",)
    personal = False
    explains = False
    needs_times = True

    config: RecentPopularityConfig
    counts: Float32s
    """Likes by item, the old ones by what is left of them, float32 [n_items]."""

    def fold_in(self, histories: Histories) -> Float32s:
        """Return the same scores for any histories, float32 [n_block, n_items]."""
        return np.repeat(self.counts[None, :], histories.scores.shape[0], axis=0)

    def _learn(self, dataset: Dataset, _seed: int) -> None:
        liked = dataset.pairs.filter(pl.col(SCORE) > 0)
        timed = liked.drop_nulls(TIMESTAMP)
        if timed.is_empty() and not liked.is_empty():
            raise ConfigurationError(
                "recent_popularity needs the times of likes, and none has one", do="leave it out of the models"
            )
        ages = timed.select((pl.col(TIMESTAMP).max() - pl.col(TIMESTAMP)).dt.total_seconds()).to_series().to_numpy()
        left = 0.5 ** (ages / (_SECONDS_A_DAY * self.config.half_life_days))
        counts = np.bincount(timed[ITEM_INDEX].to_numpy(), weights=left, minlength=dataset.n_items)
        self.counts = counts.astype(np.float32)

    def _score(self, user_indices: Indices) -> Float32s:
        return np.repeat(self.counts[None, :], len(user_indices), axis=0)
