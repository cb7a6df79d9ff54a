"""Implicit ALS as Spark fits it, for interactions that outgrow one machine."""

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar, Final

import numpy as np
import polars as pl
from pydantic import Field

from models.base import Model, ModelConfig
from models.factorization.conjugate_gradient import principal_axes, solve
from models.factorization.leave_one_out import fall_without
from nightschool.columns import ITEM_INDEX, USER_INDEX
from nightschool.contract import Dataset, Float32s, Indices, Space, Span
from nightschool.data.shape import Shape
from nightschool.histories import Histories
from nightschool.spark_session import require_spark, spark_session, with_executors

_LIKED: Final = "liked"
_BLOCK_ROWS: Final = 128  # Spark's 4096 are several times as slow
_CHECKPOINT_EVERY: Final = 4


class AlsSparkConfig(ModelConfig):
    """How long the vectors are, and what holds them down."""

    factors: int = Field(default=64, ge=1, le=1000, description="Length of a user's and an item's vector.")
    iterations: int = Field(default=10, ge=1, le=100, description="Times that all users and all items are solved for.")
    regularisation: float = Field(default=0.1, gt=0, le=100, description="Shrinkage of a vector for each of its likes.")
    alpha: float = Field(default=10.0, gt=0, le=1e6, description="What a like weighs more than a pair without one.")
    blocks: int = Field(
        default=8, ge=1, le=1000, description="Blocks that users and items are divided into; they decide its rounding."
    )

    space: ClassVar[Space] = {
        "regularisation": Span(0.01, 1.0, log=True),
        "alpha": Span(1.0, 100.0, log=True),
        "factors": (32, 64, 128),
    }


class AlsSpark(Model):
    """Spark ALS: factors by alternating least squares over likes and all other pairs, computed by Spark.

    Formula:
        score(u, i) = x_u · y_i. In turn for all users and all items Spark solves
        (YᵀY + α Σ y·yᵀ + λ·n·I) x = (1 + α) Σ y over a row's n likes, α being `alpha` and λ `regularisation`. A user's
        vector is solved for anew from their likes when they are scored, which is Spark's own last step.

    Good for:
        Likes of more users than one machine can hold.

    Refuses:
        Nothing beyond a dataset without interactions; it needs Spark and Java (`make spark`).

    Memory:
        `factors` floats an item; users' vectors stay with Spark.

    Examples:
        >>> model = AlsSpark(AlsSparkConfig(factors=4, iterations=2, blocks=1)).fit(dataset, seed=0)
        >>> algebra = model.recommend(dataset.user_ids[:1], k=3)["item_id"]
        >>> sorted(algebra) == [item for item in range(100, 110) if item not in seen("user 0")]
        True

    References:
        Hu, Koren and Volinsky, "Collaborative Filtering for Implicit Feedback Datasets", ICDM 2008; Zhou, Wilkinson,
        Schreiber and Pan, "Large-Scale Parallel Collaborative Filtering for the Netflix Prize", AAIM 2008, for a
        regularisation in proportion to the likes.
    """

    name = "als_spark"
    config_type = AlsSparkConfig
    learned = ("item_factors", "floor")

    config: AlsSparkConfig
    item_factors: Float32s
    """float32 [n_items, factors]; YᵀY is diagonal."""
    floor: Float32s
    """What the equations of a user have on their diagonal before the first like, over α: float32 [factors]."""

    def require_data(self, dataset: Dataset) -> None:
        """Check that there is Spark, besides what every model checks."""
        require_spark()
        super().require_data(dataset)

    def fold_in(self, histories: Histories) -> Float32s:
        """Score histories of scores or of ones, float32 [n_block, n_items]."""
        users = solve(histories.likes, self.item_factors, self.floor, self._slope)
        users *= np.float32(1 + 1 / self.config.alpha)
        return users @ self.item_factors.T

    def contributions(self, histories: Histories, items: Indices) -> Float32s:
        """Return how far the scores of listed items fall without each like, float32 [n_likes, k]."""
        fall = fall_without(histories.likes, items, self.item_factors, self.floor, self._slope)
        fall *= np.float32(1 + 1 / self.config.alpha)
        return fall

    def fit_seconds(self, shape: Shape) -> float:
        """Estimate the seconds of a fit to data of this shape; most of a small one is Spark's own."""
        return 5 + self.config.iterations * (
            0.3 + 1e-8 * shape.pairs * self.config.factors + 3e-9 * (shape.users + shape.items) * self.config.factors**2
        )

    def take(self, factors: Float32s) -> None:
        """Take over the items' factors, float32 [n_items, factors], that Spark has found."""
        self.item_factors, spectrum = principal_axes(factors)
        self.floor = np.maximum(spectrum / self.config.alpha, np.finfo(np.float32).tiny).astype(np.float32)

    @property
    def _slope(self) -> float:
        return self.config.regularisation / self.config.alpha

    def _score(self, user_indices: Indices) -> Float32s:
        return self.fold_in(self.known.histories[user_indices])

    def _learn(self, dataset: Dataset, seed: int) -> None:
        likes = dataset.positives().tocoo()
        with TemporaryDirectory() as folder:
            file = Path(folder, "likes.parquet")
            write_likes(likes.row, likes.col, file)
            self.take(fit_item_factors([file], dataset.n_items, self.config, seed))


def write_likes(users: Indices, items: Indices, file: Path) -> None:
    """Write likes as Spark reads them, both int [n_likes]."""
    columns = {USER_INDEX: users.astype(np.int32), ITEM_INDEX: items.astype(np.int32)}
    pl.DataFrame(columns).with_columns(pl.lit(1.0, pl.Float32).alias(_LIKED)).write_parquet(file)


def fit_item_factors(files: Sequence[Path], n_items: int, config: AlsSparkConfig, seed: int) -> Float32s:
    """Fit ALS to likes in files of `write_likes`; return the items' factors, float32 [n_items, factors].

    Items without likes have zeros.

    Raises:
        Unavailable: Spark or Java is missing, or its master does not answer.
    """
    n_likes: int = pl.scan_parquet(list(files), glob=False, hive_partitioning=False).select(pl.len()).collect().item()
    if not n_likes:
        return np.zeros((n_items, config.factors), dtype=np.float32)
    session = spark_session()
    als: Any = import_module("pyspark.ml.recommendation").ALS(
        rank=config.factors,
        maxIter=config.iterations,
        regParam=config.regularisation,
        alpha=config.alpha,
        implicitPrefs=True,
        numUserBlocks=config.blocks,
        numItemBlocks=config.blocks,
        userCol=USER_INDEX,
        itemCol=ITEM_INDEX,
        ratingCol=_LIKED,
        seed=seed,
        checkpointInterval=_CHECKPOINT_EVERY,
        blockSize=_BLOCK_ROWS,
    )
    # What a long chain of steps goes back to lies beside the likes, where all workers reach it.
    with TemporaryDirectory(dir=files[0].parent) as checkpoints:
        session.sparkContext.setCheckpointDir(Path(checkpoints).as_uri())
        found = with_executors(lambda: _item_factors(als, files))
    factors = np.zeros((n_items, config.factors), dtype=np.float32)
    factors[found["id"].to_numpy()] = found["features"].explode().to_numpy().reshape(found.height, config.factors)
    return factors


def _item_factors(als: Any, files: Sequence[Path]) -> pl.DataFrame:
    """Fit, and return the factors of the liked items: id, features."""
    fitted = als.fit(spark_session().read.parquet(*(file.as_uri() for file in files)))
    found = pl.DataFrame(fitted.itemFactors.toArrow())
    # The users' factors are solved for again where they are needed.
    fitted.userFactors.unpersist()
    fitted.itemFactors.unpersist()
    return found
