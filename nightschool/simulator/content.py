"""The catalogue: what each item of content is about, how hard it is, and what it is called."""

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl
from faker import Faker

from nightschool.columns import TITLE
from nightschool.contract import Indices
from nightschool.simulator.sampling import codes, draw_indices, labels
from nightschool.simulator.vocabulary import (
    CONTENT_ID,
    DIFFICULTIES,
    DIFFICULTY,
    DIFFICULTY_WEIGHTS,
    DOMAIN,
    DOMAIN_WORDS,
    DOMAINS,
    SUBTOPIC,
    SUBTOPIC_WORDS,
    SUBTOPICS,
    TYPE,
    TYPE_WEIGHTS,
    TYPES,
)


def draw_content(n: int, rng: np.random.Generator) -> pl.DataFrame:
    """Draw content 1…n: content_id, title (a catch phrase), domain, subtopic, difficulty, type, independently."""
    phrases = Faker("en_US")
    phrases.seed_instance(int(rng.integers(2**32)))
    return pl.DataFrame(
        {
            CONTENT_ID: np.arange(1, n + 1, dtype=np.int64),
            TITLE: [phrases.catch_phrase() for _ in range(n)],
            DOMAIN: labels(DOMAINS, rng.integers(len(DOMAINS), size=n, dtype=np.int32)),
            SUBTOPIC: labels(SUBTOPICS, rng.integers(len(SUBTOPICS), size=n, dtype=np.int32)),
            DIFFICULTY: labels(DIFFICULTIES, draw_indices(DIFFICULTY_WEIGHTS, n, rng)),
            TYPE: labels(TYPES, draw_indices(TYPE_WEIGHTS, n, rng)),
        }
    )


def with_topic_titles(content: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """Extend each title by two words of its subtopic and one of its domain."""
    n = content.height
    subtopics = codes(content[SUBTOPIC], SUBTOPICS)
    n_words = len(SUBTOPIC_WORDS[SUBTOPICS[0]])
    first = rng.integers(n_words, size=n)
    second = (first + rng.integers(1, n_words, size=n)) % n_words
    domain_word = rng.integers(len(DOMAIN_WORDS[DOMAINS[0]]), size=n)
    return content.with_columns(
        pl.format(
            "{}: {} and {} for {}",
            TITLE,
            _words(SUBTOPIC_WORDS, subtopics, first),
            _words(SUBTOPIC_WORDS, subtopics, second),
            _words(DOMAIN_WORDS, codes(content[DOMAIN], DOMAINS), domain_word),
        ).alias(TITLE)
    )


def _words(vocabulary: Mapping[str, Sequence[str]], topics: Indices, positions: np.ndarray) -> pl.Series:
    n_words = len(next(iter(vocabulary.values())))
    every = [word for words in vocabulary.values() for word in words]
    return labels(every, (topics * n_words + positions).astype(np.int32))
