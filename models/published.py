"""A fitted recipe together with its fallbacks: what a release publishes, computed anew."""

import shutil
from pathlib import Path
from typing import Self

import numpy as np
import polars as pl

from models.catalog import load
from models.files import read_arrays, write_arrays
from models.hybrid import Hybrid
from nightschool.columns import ITEM_ID, RANK, SCORE, USER_ID, USER_INDEX
from nightschool.contract import Float32s, Indices
from nightschool.ranking.blend import blend
from nightschool.ranking.fallback import Fallback
from nightschool.ranking.topk import block_users, top_k

_MEGABYTES = 64
_DENSE_BLOCKS = 4  # the blended scores, their sort keys (twice the width) and the masks of one block


def write_audiences(file: Path, scores: Float32s, of_user: Indices) -> None:
    """Writes what users get whom no component knows anything about.

    Args:
        file: Where to.
        scores: float32 [n_audiences, n_items]; the first row is everyone's.
        of_user: int32 [n_users], the row of each user's audience.
    """
    write_arrays(file, {"scores": scores, "of_user": of_user})


def forget_user(model: Path, audiences: Path, user_id: int | str) -> bool:
    """Whether what `Hybrid.save` and `write_audiences` wrote knew the user; if so, it is written anew without them.

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

    A user is quiet when every component scores all items alike.
    """

    def __init__(self, model: Hybrid, audience_scores: Float32s, audience_of_user: Indices) -> None:
        self._model = model
        known = model.known
        self._fallback = Fallback(audience_scores, audience_of_user, known.strangers, known.history, known.available)
        self._weights = np.array([component.weight for component in model.recipe.components], dtype=np.float32)

    @classmethod
    def load(cls, model: Path, audiences: Path) -> Self:
        """The recommender from a folder of `Hybrid.save` and a file of `write_audiences`.

        Raises:
            NotFound: The folder holds no model.
            ConfigurationError: Its files are damaged, or name a model that no longer exists.
        """
        arrays = read_arrays(audiences)
        return cls(load(model), arrays["scores"], arrays["of_user"])

    def recommend(self, user_ids: pl.Series, k: int) -> pl.DataFrame:
        """The lists of these users in the order asked for: user_id, item_id, rank (from 1), score; best first."""
        known = self._model.known
        places = pl.DataFrame({USER_ID: known.user_ids}).with_row_index(USER_INDEX)
        asked = pl.DataFrame({USER_ID: user_ids.cast(known.user_ids.dtype)})
        found = asked.join(places, on=USER_ID, how="left", maintain_order="left")[USER_INDEX]
        users = found.cast(pl.Int32).fill_null(-1).to_numpy()
        size = block_users(len(known.item_ids), _MEGABYTES, components=len(self._weights) + _DENSE_BLOCKS)
        blocks = [top_k(self._scores(users[start : start + size]), k) for start in range(0, max(len(users), 1), size)]
        items = np.concatenate([block.items for block in blocks])
        rows, ranks = np.nonzero(items >= 0)
        return pl.DataFrame(
            {
                USER_ID: asked[USER_ID][rows],
                ITEM_ID: known.item_ids[items[rows, ranks]],
                RANK: (ranks + 1).astype(np.int32),
                SCORE: np.concatenate([block.scores for block in blocks])[rows, ranks],
            }
        )

    def _scores(self, users: Indices) -> Float32s:
        """What the lists are ranked by, float32 [n_block, n_items]; -inf is never ranked, -1 is an unknown user."""
        available = self._model.known.available
        unknown = np.where(available, self._fallback.scores[0], np.float32(-np.inf))
        scores = np.repeat(unknown[None, :], len(users), axis=0)
        scores[users >= 0] = self._scores_of_known(users[users >= 0])
        return scores

    def _scores_of_known(self, users: Indices) -> Float32s:
        standardised, pool = self._model.component_scores(users)
        scores = blend(standardised, self._weights, pool)
        self._fallback.replace_quiet(scores, standardised, users)
        return scores
