"""Search of a release's items: every word and what is related, else any word, else titles with similar words."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from difflib import SequenceMatcher
from itertools import pairwise
from pathlib import Path
from typing import Final, NamedTuple, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from nightschool.columns import ITEM_ID
from nightschool.contract import Indices, Mask
from nightschool.storage.component_files import file_hash
from nightschool.storage.release import Release
from nightschool.storage.search_index import (
    SEARCH_INDEX,
    Hits,
    SearchIndex,
    index_words,
    plain_words,
    published_search_index,
)
from serving.catalogue import Catalogue
from serving.schemas.catalogue import Matched

logger = logging.getLogger("nightschool.serving")

_MOST_TERMS: Final = 32
"""Words of a query that count, the first ones: each of them may be in every item."""

_MOST_TYPOS: Final = 8
"""Words of a query that titles are compared with."""

_MOST_TRIGRAMS: Final = 64
_MOST_TITLES: Final = 200
"""Titles with the most trigrams in common that are compared."""

_SIMILAR: Final = 0.7
"""The share of two words' letters that both have, in order, for which they are taken for each other."""

_LEAST: Final = 1 / 3
"""How similar all words of a query together must be to a title's."""


Scores = NDArray[np.float64]
_NOTHING: Final = (np.empty(0, dtype=np.int32), np.empty(0, dtype=np.float64))


class Found(NamedTuple):
    """What a query found.

    Attributes:
        items: int32 [n], positions in the catalogue, ascending.
        scores: float64 [n], higher is better.
        matched: How the items match; None where there are none.
        n_related: Those that lack the words and are related to items that have them, with the least scores.
    """

    items: Indices
    scores: Scores
    matched: Matched | None
    n_related: int = 0


class ItemSearch:
    """The index of a release over the positions of its catalogue."""

    def __init__(self, index: SearchIndex, catalogue: Catalogue) -> None:
        """Read which items the index holds.

        Raises:
            Unreachable: The index is missing or damaged.
        """
        self._index = index
        self._catalogue = catalogue
        places = (catalogue.position(item_id) for item_id in index.item_ids())
        self._places = np.array([-1, *(-1 if place is None else place for place in places)], dtype=np.int32)

    @classmethod
    def of(cls, release: Release, folder: Path, catalogue: Catalogue) -> Self:
        """Open the index of a release, or make it in memory where the release has none or its file is damaged.

        Args:
            release: The release.
            folder: Its serving files.
            catalogue: Its items.

        Raises:
            Unavailable: An index is to be made, and SQLite cannot.
        """
        for path in published_search_index(release, folder):
            if path.is_file() and file_hash(path) == release.content_hashes[SEARCH_INDEX]:
                return cls(SearchIndex(path), catalogue)
            logger.warning("the search index of release %s is missing or damaged: made anew", release.release_id)
        return cls(SearchIndex.build(catalogue.frame, catalogue.columns), catalogue)

    def with_changes(self, changed: pl.DataFrame, catalogue: Catalogue) -> Self:
        """Return the search of a catalogue in which some items differ.

        Args:
            changed: The items that differ.
            catalogue: All items.

        Raises:
            Unreachable: The index is missing or damaged.
        """
        made = type(self)(self._index.with_items(changed, catalogue.columns), catalogue)
        before = made._places[: len(self._places)]
        before[np.isin(before, catalogue.positions(changed[ITEM_ID]))] = -1
        return made

    def find(self, query: str, allowed: Mask, related: bool = False) -> Found:
        """Find the allowed items with every word of a query, the last one as a beginning.

        Without any, find those with some of the words, and without these, those whose titles have similar words.

        Args:
            query: Anything.
            allowed: bool [n_items].
            related: Whether items follow that are related to items with every word.

        Raises:
            Unreachable: The index is missing or damaged.
        """
        clean = "".join(letter if letter.isprintable() else " " for letter in query)
        words = _words(clean)
        if words:
            whole = " ".join(_all_terms(words))
            found = Found(*self._allowed(self._index.by_words(whole), allowed), "all")
            if related:
                found = _followed(found, *self._allowed(self._index.by_related_words(whole), allowed))
            if len(found.items):
                return found
            items, scores = self._allowed(self._index.by_words(" OR ".join(_some_terms(words))), allowed)
            if len(items):
                return Found(items, scores, "some")
        items, scores = self._similar(clean, allowed)
        return Found(items, scores, "similar" if len(items) else None)

    def _allowed(self, hits: Hits, allowed: Mask) -> tuple[Indices, Scores]:
        """Return the positions of the allowed hits, ascending, with their scores."""
        items = self._places[hits["place"]]
        kept = allowed[items] & (items >= 0)
        return items[kept], hits["score"][kept]

    def _similar(self, query: str, allowed: Mask) -> tuple[Indices, Scores]:
        """Return the items with a title in which a word is similar to one of the query, by how similar they all are."""
        words = list(dict.fromkeys(_plain([query])[0]))[:_MOST_TYPOS]
        trigrams = list(dict.fromkeys(each for word in words for each in _trigrams(word)))[:_MOST_TRIGRAMS]
        if not trigrams:
            return _NOTHING
        hits = self._index.by_trigrams(" OR ".join(f'"{each}"' for each in trigrams))
        items, scores = self._allowed(hits, allowed)
        items = np.sort(items[np.argsort(-scores, kind="stable")[:_MOST_TITLES]])
        ids = self._catalogue.ids
        titles = _plain([self._catalogue.describe(ids[item])["title"] for item in items])
        known = {each for title in titles for each in title}
        similar = [_similar_words(word, known) for word in words]
        shares = [
            sum(max((alike.get(each, 0.0) for each in title), default=0.0) for alike in similar) / len(words)
            for title in titles
        ]
        found = np.array(shares)
        return items[found >= _LEAST], found[found >= _LEAST]


def _followed(found: Found, items: Indices, scores: Scores) -> Found:
    """Add further items after those that were found."""
    new = ~np.isin(items, found.items)
    items, scores = items[new], scores[new]
    if not len(items):
        return found
    if len(found.items):
        scores = scores / scores.max() * found.scores.min() / 2
    both = np.concatenate([found.items, items])
    order = np.argsort(both)
    matched: Matched = "all" if len(found.items) else "related"
    return Found(both[order], np.concatenate([found.scores, scores])[order], matched, len(items))


def _words(query: str) -> list[list[str]]:
    """Return the words of a query as the index holds them; letters of unspaced scripts apart."""
    # What has neither letter nor digit is in no index.
    words = [word for word in query.split() if any(letter.isalnum() for letter in word)]
    frame = pl.DataFrame({"word": words}, schema={"word": pl.String})
    return [word.split() for word in frame.select(index_words(pl.col("word"))).to_series()]


def _all_terms(words: Sequence[Sequence[str]]) -> list[str]:
    """Return one term a word; the last word is a beginning."""
    terms = [_phrase(word) for word in words]
    return _distinct([*terms[:-1], *(_beginning(words[-1]) for _ in terms[-1:])])


def _some_terms(words: Sequence[Sequence[str]]) -> list[str]:
    """Return the terms of which an item needs one: words, and pairs of letters of unspaced scripts."""
    terms = [term for word in words[:-1] for term in _parts(word)]
    if words:
        last = words[-1]
        terms += _parts(last) if len(last) > 1 else [_beginning(last)]
    return _distinct(terms)


def _parts(word: Sequence[str]) -> list[str]:
    return [_phrase(pair) for pair in pairwise(word)] or [_phrase(word)]


def _beginning(word: Sequence[str]) -> str:
    """Return the term of a word that may go on; after a sign, as in C++, it does not."""
    return f"{_phrase(word)}*" if word[-1][-1].isalnum() else _phrase(word)


def _phrase(words: Sequence[str]) -> str:
    quoted = " ".join(words).replace('"', '""')
    return f'"{quoted}"'


def _distinct(terms: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(terms))[:_MOST_TERMS]


def _plain(texts: Sequence[str]) -> list[list[str]]:
    frame = pl.DataFrame({"text": texts}, schema={"text": pl.String})
    words: list[list[str]] = frame.select(plain_words(pl.col("text"))).to_series().to_list()
    return words


def _trigrams(word: str) -> list[str]:
    padded = f" {word} "
    return [padded[start : start + 3] for start in range(len(padded) - 2)]


def _similar_words(word: str, known: Iterable[str]) -> Mapping[str, float]:
    """Return the known words that are similar to a word, with the share of letters that both have in order."""
    matcher = SequenceMatcher(b=word, autojunk=False)
    shares = {}
    for other in known:
        matcher.set_seq1(other)
        # Each is an upper bound of the next, and faster.
        if all(bound() >= _SIMILAR for bound in (matcher.real_quick_ratio, matcher.quick_ratio, matcher.ratio)):
            shares[other] = matcher.ratio()
    return shares
