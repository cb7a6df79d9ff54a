"""The item weights of a release at the positions of a catalogue."""

from collections.abc import Mapping

import numpy as np
import polars as pl
from scipy.sparse import csr_array

from nightschool.columns import COMPONENT, ITEM_ID, ITEM_WEIGHTS, NEIGHBOR_ID, RECENCY, WEIGHT
from nightschool.ranking.components import component_names
from nightschool.ranking.foldin import ItemWeights, stand_in_order
from nightschool.recipe import Recipe
from nightschool.storage.release_reader import Reader
from nightschool.storage.serving_weights import WeightsFile
from serving.catalogue import Catalogue


def read_item_weights(reader: Reader, catalogue: Catalogue, files: Mapping[str, WeightsFile]) -> dict[str, ItemWeights]:
    """Read each component's item weights at the catalogue's positions; empty where the release has none."""
    ids = catalogue.frame[ITEM_ID]
    weights = {name: file.of(ids) for name, file in files.items()} or _tabled_weights(reader, catalogue)
    names = component_names(Recipe.model_validate(reader.release.recipe))
    return {name: weights[name] for name in stand_in_order(weights, names)}


def _tabled_weights(reader: Reader, catalogue: Catalogue) -> dict[str, ItemWeights]:
    """Read the weights from their table, as in a release made before there were files of them."""
    table, n = reader.table(ITEM_WEIGHTS), len(catalogue)
    weights = {}
    for name in table.select(pl.col(COMPONENT).unique()).collect()[COMPONENT].sort():
        part = placed_pairs(table.filter(pl.col(COMPONENT) == name).drop(COMPONENT).collect(), catalogue)
        if not part.is_empty():
            cells = (part["place"].to_numpy(), part["target"].to_numpy())
            matrix = csr_array((part[WEIGHT].to_numpy(), cells), shape=(n, n), dtype=np.float32)
            weights[name] = ItemWeights(matrix, part[RECENCY][0])
    return weights


def placed_pairs(pairs: pl.DataFrame, catalogue: Catalogue) -> pl.DataFrame:
    """Add the positions of item_id and neighbor_id, `place` and `target`; pairs of items it lacks are left out."""
    ids = pl.Series(ITEM_ID, catalogue.ids, dtype=pairs.schema[ITEM_ID])
    places = ids.to_frame().with_row_index("place")
    targets = places.rename({ITEM_ID: NEIGHBOR_ID, "place": "target"})
    return pairs.join(places, on=ITEM_ID).join(targets, on=NEIGHBOR_ID, maintain_order="left")
