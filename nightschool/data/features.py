"""Feature rows of items, whose dot products are similarities."""

from collections.abc import Iterator
from typing import NamedTuple, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.sparse import csr_array, hstack

from nightschool.columns import ITEM_INDEX, TEXT
from nightschool.contract import Dataset, Float32s, Mask
from nightschool.data.labels import label_rows
from nightschool.data.vectors import item_vectors
from nightschool.item_columns import TEXT_VECTOR, ItemColumns

TERM = "term"

_UNSPACED = r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]"
_UNSPACED_SHARE = 0.2  # of all letters; a Chinese catalogue with many English names stays well above
_WORD = r"[\p{L}\p{N}]{2,}"
_LONGEST_NGRAM = 3
_RAREST = 2  # items a term must occur in: one item's own words tie it to no other


class ItemFeatures(NamedTuple):
    """Features of items in two parts, for products of matrices; a row of both together has unit length, or is zero.

    Attributes:
        sparse: CSR float32 [n_items, n_features], of text, categories, ordinals and lists.
        dense: float32 [n_items, d], of vectors.
    """

    sparse: csr_array
    dense: Float32s

    @classmethod
    def none(cls, n_items: int) -> Self:
        """Return the features of items that nothing describes."""
        return cls(csr_array((n_items, 0), dtype=np.float32), np.empty((n_items, 0), dtype=np.float32))

    def counts(self) -> NDArray[np.int64]:
        """Count the features of each item that are not zero, int64 [n_items]."""
        counts: NDArray[np.int64] = np.diff(self.sparse.indptr) + np.count_nonzero(self.dense, axis=1)
        return counts

    def joined(self) -> csr_array:
        """Return both parts side by side, CSR float32 [n_items, n_features + d]."""
        return hstack([self.sparse, csr_array(self.dense)], format="csr") if self.dense.shape[1] else self.sparse


def features_of(dataset: Dataset, text_length: float = 1.0) -> csr_array:
    """Return the feature rows of a dataset's items, those that ended by its instant included."""
    return feature_parts(dataset, text_length).joined()


def feature_parts(dataset: Dataset, text_length: float = 1.0, vector_length: float = 1.0) -> ItemFeatures:
    """Return the features of a dataset's items in two parts; as `features_of`, with a length of each vector column."""
    known = dataset.available if dataset.ended is None else dataset.available | dataset.ended
    return _parts(dataset.items, dataset.item_columns, known, (text_length, vector_length))


def item_features(items: pl.DataFrame, columns: ItemColumns, fitted: Mask, text_length: float = 1.0) -> csr_array:
    """Build unit-length feature rows, CSR float32 [n_items, n_features]; zeros for items without a description.

    Text, each category, each ordinal, each list and each vector are groups: every group is scaled to unit length before
    they are joined, so that a long text does not drown a category. Where an encoder made vectors of the texts, these
    stand for their words. Terms and their weights are learned from the fitted items, and the others get no features.

    Args:
        items: The items frame in the order of the item index.
        columns: Which of its columns describe an item.
        fitted: bool [n_items], the items of the catalogue at the instant of the fit.
        text_length: Length of the text's group, where that of each other group is 1.
    """
    return _parts(items, columns, fitted, (text_length, 1.0)).joined()


def _parts(items: pl.DataFrame, columns: ItemColumns, fitted: Mask, lengths: tuple[float, float]) -> ItemFeatures:
    """Build the features in two parts; `lengths` are those of the text's group and of each vector column."""
    text_length, vector_length = map(np.float32, lengths)
    encoded = item_vectors(items, [name for name in columns.vectors if name == TEXT_VECTOR]).values
    others = item_vectors(items, [name for name in columns.vectors if name != TEXT_VECTOR]).values
    dense = np.hstack([encoded * text_length, others * vector_length])
    text, *labels = (_unit_rows(group) for group in _groups(items, columns, fitted))
    words = [] if encoded.shape[1] else [text * text_length]
    groups = [group for group in (*words, *labels) if group.shape[1]]
    sparse = hstack(groups, format="csr") if groups else csr_array((len(items), 0), dtype=np.float32)
    if not dense.shape[1]:
        return ItemFeatures(_unit_rows(sparse), dense)
    return ItemFeatures(*_of_unit_length(sparse, dense * fitted[:, None].astype(np.float32)))


def _of_unit_length(sparse: csr_array, dense: Float32s) -> tuple[csr_array, Float32s]:
    """Scale the rows of two matrices side by side to unit length."""
    squares = np.asarray(sparse.multiply(sparse).sum(axis=1)) + np.sum(dense**2, axis=1)
    scale = np.divide(1, np.sqrt(squares), out=np.zeros(len(dense)), where=squares > 0).astype(np.float32)
    scaled = sparse.copy()
    scaled.data *= np.repeat(scale, np.diff(sparse.indptr))
    scaled.sort_indices()
    return scaled, dense * scale[:, None]


def _groups(items: pl.DataFrame, columns: ItemColumns, fitted: Mask) -> Iterator[csr_array]:
    catalogue = items.with_row_index(ITEM_INDEX).filter(pl.Series(fitted))
    yield _tf_idf(_text_terms(catalogue), len(items), rarest=_RAREST)
    for column in (*columns.categories, *columns.lists):
        labels = label_rows(catalogue.select(ITEM_INDEX, pl.col(column).alias(TERM)), TERM)
        yield _tf_idf(labels, len(items), rarest=1)
    for column, levels in columns.ordinals.items():
        yield _thermometer(catalogue, column, levels, len(items))


def _text_terms(catalogue: pl.DataFrame) -> pl.DataFrame:
    """Return one row per term occurrence: item_index, term."""
    texts = catalogue.select(ITEM_INDEX, pl.col(TEXT).cast(pl.String).str.to_lowercase()).drop_nulls()
    if is_spaced(texts[TEXT]):
        return texts.select(ITEM_INDEX, pl.col(TEXT).str.extract_all(_WORD).alias(TERM)).explode(TERM).drop_nulls()
    return _character_ngrams(texts)


def is_spaced(texts: pl.Series) -> bool:
    """Return whether the texts separate words by spaces, judged by the share of letters from scripts that do not."""
    unspaced = int(texts.str.count_matches(_UNSPACED).sum())
    letters = int(texts.str.count_matches(r"\p{L}").sum())
    return unspaced <= _UNSPACED_SHARE * letters


def _character_ngrams(texts: pl.DataFrame) -> pl.DataFrame:
    """Return runs of one to three characters within words, one row per occurrence: item_index, term."""
    words = texts.select(ITEM_INDEX, pl.col(TEXT).str.extract_all(r"[\p{L}\p{N}]+").alias("word")).explode("word")
    letters = (
        words.drop_nulls()
        .with_row_index("run")
        .with_columns(pl.col("word").str.extract_all(r"."))
        .explode("word")
        .with_columns(
            pl.col("word").shift(-ahead).over("run").alias(f"ahead_{ahead}") for ahead in range(1, _LONGEST_NGRAM)
        )
    )
    parts = ["word", *(f"ahead_{ahead}" for ahead in range(1, _LONGEST_NGRAM))]
    return pl.concat(
        letters.select(ITEM_INDEX, pl.concat_str(parts[:length]).alias(TERM)).drop_nulls()
        for length in range(1, _LONGEST_NGRAM + 1)
    )


def _tf_idf(occurrences: pl.DataFrame, n_items: int, *, rarest: int) -> csr_array:
    """Weigh terms by (1 + ln tf) · (ln((1 + n) / (1 + df)) + 1), CSR float32 [n_items, n_terms], terms sorted.

    n counts the items that have any term, df those that have this one. Terms of fewer than `rarest` items are dropped.

    Reference:
        Salton and Buckley, "Term-weighting approaches in automatic text retrieval", 1988.
    """
    counts = occurrences.group_by(ITEM_INDEX, TERM).agg(pl.len().alias("tf"))
    n_described = counts[ITEM_INDEX].n_unique()
    common = (
        counts.with_columns(pl.len().over(TERM).alias("df"))
        .filter(pl.col("df") >= rarest)
        .with_columns(pl.col(TERM).rank("dense").cast(pl.Int64) - 1)
        # A fixed order of the entries is a fixed order of all sums over them.
        .sort(ITEM_INDEX, TERM)
    )
    n_terms = common[TERM].n_unique()
    rarity = np.log((1 + n_described) / (1 + common["df"].to_numpy())) + 1
    weights = ((1 + np.log(common["tf"].to_numpy())) * rarity).astype(np.float32)
    return csr_array((weights, (common[ITEM_INDEX].to_numpy(), common[TERM].to_numpy())), shape=(n_items, n_terms))


def _thermometer(catalogue: pl.DataFrame, column: str, levels: tuple[str, ...], n_items: int) -> csr_array:
    """Encode levels as ones up to the item's own, CSR float32 [n_items, n_levels]: close levels are similar."""
    places = {level: place for place, level in enumerate(levels)}
    known = catalogue.select(
        ITEM_INDEX, pl.col(column).cast(pl.String).replace_strict(places, default=None, return_dtype=pl.Int64)
    ).drop_nulls()
    reached = known.with_columns(pl.int_ranges(0, pl.col(column) + 1).alias(column)).explode(column)
    rows, columns = reached[ITEM_INDEX].to_numpy(), reached[column].to_numpy()
    return csr_array((np.ones(len(rows), dtype=np.float32), (rows, columns)), shape=(n_items, len(levels)))


def _unit_rows(matrix: csr_array) -> csr_array:
    lengths = np.sqrt(np.asarray(matrix.multiply(matrix).sum(axis=1)))
    scale: NDArray[np.float32] = np.where(lengths > 0, 1 / np.where(lengths > 0, lengths, 1), 0).astype(np.float32)
    scaled = matrix.copy()
    scaled.data *= np.repeat(scale, np.diff(matrix.indptr))
    scaled.sort_indices()
    return scaled
