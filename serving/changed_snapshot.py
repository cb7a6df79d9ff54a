"""A release with the changes since: other items and users, over the same lists, weights and networks."""

from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from typing import Any, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.sparse import csr_array

from nightschool.columns import AVAILABLE_AT, ITEM_ID
from nightschool.contract import Mask
from nightschool.ranking.paths import Curriculum
from serving.catalogue import Catalogue
from serving.item_activity import ItemActivity
from serving.item_search import ItemSearch
from serving.schemas.common import ExternalId
from serving.snapshot import Snapshot


@dataclass(frozen=True, eq=False)
class ChangedSnapshot(Snapshot):
    """A release over a catalogue that changed; the release's items keep their positions, and new ones follow.

    No model knows a new item: its weights are none, and its score is that of an item that nothing speaks for.

    Attributes:
        base: The release as it was published.
        changed: The items that differ, one row each.
    """

    base: Snapshot = field(kw_only=True)
    changed: pl.DataFrame = field(kw_only=True)

    @classmethod
    def over(cls, base: Snapshot, before: Snapshot, fresh: pl.DataFrame, users: pl.DataFrame) -> Self:
        """Lay items and users over a release.

        Args:
            base: The release.
            before: The release with the changes that lie over it already; the release itself without any.
            fresh: Items that are otherwise than before, with the columns of the catalogue.
            users: All users.
        """
        catalogue = Catalogue(fresh, before.catalogue.columns, before.catalogue) if fresh.height else before.catalogue
        changed = before.changed if isinstance(before, ChangedSnapshot) else fresh.clear()
        changed = pl.concat([changed.join(fresh, on=ITEM_ID, how="anti"), fresh])
        n = len(catalogue)
        parts = {each.name: getattr(base, each.name) for each in fields(base)}
        parts |= {
            "catalogue": catalogue,
            "users": users,
            "sentences": {},
            "weights": {name: replace(each, matrix=_enlarged(each.matrix, n)) for name, each in base.weights.items()},
            "networks": {name: replace(each, items=_padded(each.items, n, -1)) for name, each in base.networks.items()},
            "gone": _gone(base, catalogue),
        }
        return cls(**parts, base=base, changed=changed)

    @cached_property
    def popularity(self) -> NDArray[np.int64]:
        """Return how many users liked each item; nobody is known to like a new one."""
        return _padded(self.base.popularity, len(self.catalogue), 0)

    @cached_property
    def activity(self) -> ItemActivity:
        """Return the release's activity; a new item is known since it came."""
        before = self.base.activity
        fresh = self.catalogue.frame[AVAILABLE_AT][len(before.known_since) :].dt.replace_time_zone(None)
        n, trends = len(self.catalogue), before.trends
        if trends is not None:
            trends = trends._replace(recent=_padded(trends.recent, n, 0), scores=_padded(trends.scores, n, 0.0))
        return ItemActivity(np.concatenate([before.known_since, fresh.to_numpy()]), before.has_times, trends)

    @cached_property
    def search(self) -> ItemSearch:
        """Return the search of the items as they are now."""
        return self.base.search.with_changes(self.changed, self.catalogue)

    @cached_property
    def curriculum(self) -> Curriculum:
        """Return what learning paths are planned over; what users take after an item is as the release knows it."""
        catalogue = self.catalogue
        follows = _enlarged(self.base.curriculum.follows, len(catalogue))
        return Curriculum(catalogue.prerequisites, catalogue.levels, self.available, follows, catalogue.skills)


def _gone(base: Snapshot, catalogue: Catalogue) -> frozenset[ExternalId]:
    """Return the items that were available in the release, and no longer are."""
    was: Mask = base.available
    return frozenset(catalogue.ids[place] for place in np.flatnonzero(was & ~catalogue.current[: len(was)]).tolist())


def _padded(values: NDArray[Any], n: int, filler: float) -> NDArray[Any]:
    return np.concatenate([values, np.full(n - len(values), filler, dtype=values.dtype)])


def _enlarged(matrix: csr_array, n: int) -> csr_array:
    """Return a matrix with empty rows and columns for new items, over the same numbers."""
    if matrix.shape[0] == n:
        return matrix
    starts = _padded(matrix.indptr, n + 1, matrix.nnz)
    return csr_array((matrix.data, matrix.indices, starts), shape=(n, n))
