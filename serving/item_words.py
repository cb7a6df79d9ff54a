"""The words of items' titles and texts, and how many items have them: rare ones tell what two items are about."""

import re
from collections.abc import Mapping
from functools import cached_property
from typing import Final

import polars as pl

from nightschool.columns import TEXT, TITLE

_SAMPLE: Final = 5_000
"""Items that tell how common a word is, evenly spread."""

_COMMON: Final = 0.05
"""The share of the items above which a word tells nothing."""

_FEW: Final = 3
"""A word of so few sampled items is not common, however small the catalogue."""

_WORD: Final = re.compile(r"[^\W\d_][^\W_]{3,}")
_WORD_IN_POLARS: Final = r"\p{L}[\p{L}\p{N}]{3,}"
"""The same: on whole columns polars is quicker, and Python on one text."""

_WORDS: Final = "words"


class ItemWords:
    """The words of the items by their positions."""

    def __init__(self, items: pl.DataFrame) -> None:
        """Keep the titles and texts.

        Args:
            items: The items by position, with title and text.
        """
        self._texts = items.select(TITLE, TEXT)

    def shared(self, one: int, other: int) -> list[str]:
        """Return the words of two items that few others have, the rarest first.

        Args:
            one: The position of an item.
            other: That of another one.
        """
        first, second = self._of(one), self._of(other)
        rare = [word for word in first & second if self._counts.get(word, 0) <= self._most]
        return sorted(rare, key=lambda word: (self._counts.get(word, 0), -len(word), word))

    def _of(self, place: int) -> set[str]:
        """Return the words of an item."""
        return set(_WORD.findall(" ".join(text or "" for text in self._texts.row(place)).lower()))

    @cached_property
    def _sample(self) -> pl.DataFrame:
        return self._texts.gather_every(max(self._texts.height // _SAMPLE, 1))

    @property
    def _most(self) -> float:
        return max(_COMMON * self._sample.height, _FEW)

    @cached_property
    def _counts(self) -> Mapping[str, int]:
        """Return how many of the sampled items have a word."""
        joined = pl.concat_str(pl.col(TITLE, TEXT), separator=" ", ignore_nulls=True).str.to_lowercase()
        words = joined.str.extract_all(_WORD_IN_POLARS).list.unique().alias(_WORDS)
        counted = self._sample.select(words.explode()).to_series().drop_nulls().value_counts()
        return dict(counted.iter_rows())
