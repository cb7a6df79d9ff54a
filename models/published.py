"""A fitted recipe with its fallbacks: recomputes the lists that a release published."""

import shutil
from pathlib import Path
from typing import Self

import numpy as np
import polars as pl

from models.catalog import load
from models.hybrid import Hybrid
from models.serialization import read_arrays, write_arrays
from nightschool.columns import ITEM_ID, RANK, SCORE, USER_ID, USER_INDEX
from nightschool.contract import Float32s, Indices
from nightschool.ranking.blocks import block_users, in_blocks
from nightschool.ranking.candidates import rank_pool
from nightschool.ranking.fallback import Fallback
from nightschool.ranking.topk import Ranking, join_rankings, top_k

_MEGABYTES = 64


def write_audiences(file: Path, scores: Float32s, of_user: Indices) -> None:
    """Write the audiences' scores, which cold users' lists are made of.

    Args:
        file: Where to.
        scores: float32 [n_audiences, n_items]; the first row is everyone's.
        of_user: int32 [n_users], the row of each user's audience.
    """
    write_arrays(file, {"scores": scores, "of_user": of_user})


def forget_user(model: Path, audiences: Path, user_id: int | str) -> bool:
    """Write a stored model and its audiences again without a user; return whether they held the user.

    Raises:
        NotFound: The folder holds no model.
        ConfigurationError: Its files are damaged, or name a model that no longer exists.
    """
    recommender = load(model)
    place = recommender.known.user_ids.index_of(user_id)
    if place is None:
        return False
    arrays = read_arrays(audiences)
    recommender.forget(place)
    shutil.rmtree(model)
    recommender.save(model)
    write_audiences(audiences, arrays["scores"], np.delete(arrays["of_user"], place))
    return True


class Published:
    """A release's recommender: the recipe's lists, the audience's for quiet users, everyone's for unknown ones.

    A user is quiet when every component scores all items the same.
    """

    def __init__(self, model: Hybrid, audience_scores: Float32s, audience_of_user: Indices) -> None:
        self._model = model
        known = model.known
        self._fallback = Fallback(audience_scores, audience_of_user, known.cold_users, known.history, known.available)

    @classmethod
    def load(cls, model: Path, audiences: Path) -> Self:
        """Load the recommender from a folder of `Hybrid.save` and a file of `write_audiences`.

        Raises:
            NotFound: The folder holds no model.
            ConfigurationError: Its files are damaged, or name a model that no longer exists.
        """
        arrays = read_arrays(audiences)
        return cls(load(model), arrays["scores"], arrays["of_user"])

    def recommend(self, user_ids: pl.Series, k: int) -> pl.DataFrame:
        """List the k best items of each user, in the order asked for: user_id, item_id, rank (from 1), score."""
        known = self._model.known
        places = pl.DataFrame({USER_ID: known.user_ids}).with_row_index(USER_INDEX)
        asked = pl.DataFrame({USER_ID: user_ids.cast(known.user_ids.dtype)})
        found = asked.join(places, on=USER_ID, how="left", maintain_order="left")[USER_INDEX]
        users = found.cast(pl.Int32).fill_null(-1).to_numpy()
        size = block_users(len(known.item_ids), _MEGABYTES, components=len(self._model.parts) + 1)
        items, scores = join_rankings(list(in_blocks(lambda block: self._rank(block, k), users, size)))
        rows, ranks = np.nonzero(items >= 0)
        return pl.DataFrame(
            {
                USER_ID: asked[USER_ID][rows],
                ITEM_ID: known.item_ids[items[rows, ranks]],
                RANK: (ranks + 1).astype(np.int32),
                SCORE: scores[rows, ranks],
            }
        )

    def _rank(self, users: Indices, k: int) -> Ranking:
        """Rank the items of some users, -1 being an unknown one."""
        known = self._model.known
        everyones = np.where(known.available, self._fallback.scores[0], np.float32(-np.inf))
        ranking = top_k(np.repeat(everyones[None, :], len(users), axis=0), k)
        present = users[users >= 0]
        pool = self._model.pool(present)
        theirs, _ = rank_pool(pool, self._model.combine(pool, present), k)
        self._fallback.replace_quiet(theirs, pool, present)
        ranking.items[users >= 0], ranking.scores[users >= 0] = theirs
        return ranking
