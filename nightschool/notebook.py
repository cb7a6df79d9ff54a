"""The door for notebooks: a release opened with its dataset, splits, recipe and lists."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import polars as pl

from nightschool.application.home import home_at, manifest_of
from nightschool.columns import (
    AUDIENCE_RECOMMENDATIONS,
    METRICS,
    NEXT_ITEMS,
    RECOMMENDATIONS,
    RELEASE_TABLES,
    SIMILAR_ITEMS,
    SIMILAR_USERS,
)
from nightschool.contract import Dataset, Split
from nightschool.data.dataset import EventLog
from nightschool.data.splits.splitting import Cut, test_split, validation_split
from nightschool.errors import NotFound
from nightschool.night.config import NightConfig
from nightschool.night.prepare import cut_of, event_log
from nightschool.night.text_vectors import Encodings
from nightschool.recipe import Recipe
from nightschool.settings import HomePaths
from nightschool.storage.release_reader import Reader

__all__ = ["Dataset", "OpenRelease", "open_release"]


@dataclass(frozen=True, eq=False)
class OpenRelease:
    """A release of a home, and the data as its night saw them; everything is read when it is first asked for.

    What was erased since (`nightschool forget`) is gone from the data too.

    Attributes:
        reader: The reader of the release's tables; the command line uses the same.
    """

    reader: Reader

    def __repr__(self) -> str:
        release = self.reader.release
        return f"OpenRelease({release.release_id}, T = {release.as_of:%Y-%m-%d %H:%M}, {self.recipe.name})"

    @property
    def release_id(self) -> str:
        """The release's id."""
        return self.reader.release.release_id

    @property
    def recipe(self) -> Recipe:
        """The models, hyper-parameters and weights that made the lists; `models.catalog.build` fits them again."""
        return Recipe.model_validate(self.reader.release.recipe)

    @cached_property
    def config(self) -> NightConfig:
        """The night's parameters; those that no longer exist are left out."""
        known = NightConfig.model_fields
        return NightConfig.model_validate({k: v for k, v in self.reader.release.config.items() if k in known})

    @cached_property
    def dataset(self) -> Dataset:
        """Everything that was known at T: what the published lists were made from."""
        return self._log.dataset()

    @cached_property
    def validation(self) -> Split:
        """Train to fit on, and the validation pairs held out: where the night chose its recipe."""
        return validation_split(self._log, self._cut)

    @cached_property
    def test(self) -> Split:
        """Train and validation to fit on, and the test pairs held out: where the night judged its recipe."""
        return test_split(self._log, self._cut)

    @property
    def lists(self) -> pl.DataFrame:
        """Each user's list: user_id, item_id, rank from 1, score, and why."""
        return self.table(RECOMMENDATIONS.name)

    @property
    def fallback_lists(self) -> pl.DataFrame:
        """The lists for cold-start users: the most popular items of each audience."""
        return self.table(AUDIENCE_RECOMMENDATIONS.name)

    @property
    def similar_items(self) -> pl.DataFrame:
        """Each item's nearest neighbours."""
        return self.table(SIMILAR_ITEMS.name)

    @property
    def next_items(self) -> pl.DataFrame:
        """What users take soon after each item; empty where the data have no order."""
        return self.table(NEXT_ITEMS.name)

    @property
    def similar_users(self) -> pl.DataFrame:
        """Each user's nearest neighbours, by method."""
        return self.table(SIMILAR_USERS.name)

    @property
    def metrics(self) -> pl.DataFrame:
        """What the night measured of each candidate, on validation and test, by segment."""
        return self.table(METRICS.name)

    def table(self, name: str) -> pl.DataFrame:
        """Read a table of the release, sorted by its key, with external ids.

        Raises:
            NotFound: A release has no table of that name.
        """
        tables = {table.name: table for table in RELEASE_TABLES}
        if name not in tables:
            raise NotFound("no such table of a release", seen=name, do=f"use one of {', '.join(tables)}")
        rows = self.reader.table(tables[name])
        return rows.sort([key for key in tables[name].key if key in rows.collect_schema()]).collect()

    @cached_property
    def _log(self) -> EventLog:
        home, as_of = self.reader.home, self.reader.release.as_of
        encodings = Encodings(home.paths.encodings, encodes=False)
        return event_log(home.lake, manifest_of(home), as_of, self.config, encodings=encodings)

    @cached_property
    def _cut(self) -> Cut:
        return cut_of(self._log, self.config)


def open_release(home: Path | str, release_id: str | None = None) -> OpenRelease:
    """Open a release of a home, for reading only: nothing in the home is changed.

    ```python
    from models.catalog import build
    from nightschool.notebook import open_release

    release = open_release("my-home")
    release.lists.filter(pl.col("user_id") == 14)
    model = build(release.recipe).fit(release.validation.fitted, seed=42)
    ```

    Args:
        home: The home's folder.
        release_id: The release's id; None for the current one.

    Raises:
        NotFound: The folder holds no data, or no such release.
    """
    return OpenRelease(Reader.of(home_at(HomePaths(Path(home))), release_id))
