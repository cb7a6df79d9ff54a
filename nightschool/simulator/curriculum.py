"""The curriculum of the simulated content: an order within each topic, prerequisites along it, and skills."""

from typing import Final, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from nightschool.columns import USER_ID
from nightschool.contract import Indices
from nightschool.simulator.sampling import codes, labels
from nightschool.simulator.vocabulary import (
    CONTENT_ID,
    DIFFICULTIES,
    DIFFICULTY,
    DOMAIN,
    DOMAINS,
    SUBTOPIC,
    SUBTOPIC_WORDS,
    SUBTOPICS,
)

PREREQUISITES: Final = "prerequisites"
SKILLS: Final = "skills"
LIST_SEPARATOR: Final = ";"
REQUIRES: Final = 0.6
"""Share of the items that are not the first of their topic and declare a prerequisite."""
REQUIRES_TWO: Final = 0.25
"""Share of these that declare a second one."""
REACH: Final = 3
"""How far before an item in its topic a prerequisite lies at most."""
TWO_SKILLS: Final = 0.5


class Curriculum(NamedTuple):
    """What is planted about the order of content.

    Attributes:
        declared: prerequisites (ids) and skills of each item, several of each between semicolons.
        topics: The topic of each item, domain × subtopic, int32 [n_items].
        places: How many items of its topic come before it, int32 [n_items]: the hidden order, which no file shows.
    """

    declared: pl.DataFrame
    topics: Indices
    places: Indices


def draw_curriculum(content: pl.DataFrame, rng: np.random.Generator) -> Curriculum:
    """Draw an order within each topic, from easy to hard; prerequisites among the items shortly before; skills."""
    for_order, for_prerequisites, for_skills = rng.spawn(3)
    subtopics = codes(content[SUBTOPIC], SUBTOPICS)
    topics = codes(content[DOMAIN], DOMAINS) * len(SUBTOPICS) + subtopics
    order = np.lexsort((for_order.random(content.height), codes(content[DIFFICULTY], DIFFICULTIES), topics))
    places = np.empty(content.height, dtype=np.int32)
    places[order] = np.arange(content.height) - np.searchsorted(topics[order], topics[order])
    before = _prerequisites(order, places, for_prerequisites)
    ids = content[CONTENT_ID].cast(pl.String)
    return Curriculum(
        pl.DataFrame(
            {
                PREREQUISITES: _joined([ids.gather(pl.Series(each).replace(-1, None)) for each in before]),
                SKILLS: _joined(_skills(subtopics, for_skills)),
            }
        ),
        topics.astype(np.int32),
        places,
    )


def in_order(log: pl.DataFrame, curriculum: Curriculum, share: float, rng: np.random.Generator) -> pl.DataFrame:
    """Let a share of the users take the items of each topic in its order: their items change places, and no times do.

    Args:
        log: The engagements in the order of time.
        curriculum: The order.
        share: The share of the users.
        rng: What draws them.
    """
    users, items = log[USER_ID].to_numpy(), log[CONTENT_ID].to_numpy().copy()
    orderly = rng.random(int(users.max(initial=0)) + 1) < share
    rows = np.flatnonzero(orderly[users])
    topics, places = curriculum.topics[items[rows] - 1], curriculum.places[items[rows] - 1]
    by_time, by_place = np.lexsort((rows, topics, users[rows])), np.lexsort((places, topics, users[rows]))
    items[rows[by_time]] = items[rows[by_place]]
    return log.with_columns(pl.Series(CONTENT_ID, items))


def _prerequisites(order: NDArray[np.intp], places: Indices, rng: np.random.Generator) -> list[Indices]:
    """Draw up to two items before each one in its topic, two arrays int32 [n_items]; -1 for none."""
    n = len(places)
    at = np.empty(n, dtype=np.int32)
    at[order] = np.arange(n)
    reach = np.minimum(places, REACH)
    first = rng.integers(np.maximum(reach, 1))
    second = (first + 1 + rng.integers(np.maximum(reach - 1, 1))) % np.maximum(reach, 1)
    some = (rng.random(n) < REQUIRES) & (reach > 0)
    two = some & (rng.random(n) < REQUIRES_TWO) & (reach > 1)
    drawn = ((first, some), (second, two))
    return [np.where(where, order[np.maximum(at - 1 - steps, 0)], -1).astype(np.int32) for steps, where in drawn]


def _skills(subtopics: Indices, rng: np.random.Generator) -> list[pl.Series]:
    """Draw one or two skills of its subtopic for each item, two columns of labels."""
    words = [word for subtopic in SUBTOPICS for word in SUBTOPIC_WORDS[subtopic]]
    n_words = len(words) // len(SUBTOPICS)
    first = rng.integers(n_words, size=len(subtopics))
    second = (first + rng.integers(1, n_words, size=len(subtopics))) % n_words
    two = pl.Series(rng.random(len(subtopics)) < TWO_SKILLS)
    named = [labels(words, (subtopics * n_words + each).astype(np.int32)) for each in (first, second)]
    return [named[0], named[1].set(~two, None)]


def _joined(columns: list[pl.Series]) -> pl.Series:
    """Join the labels of each row, null where it has none."""
    named = pl.DataFrame([column.alias(str(place)) for place, column in enumerate(columns)])
    joined = named.select(pl.concat_str(pl.all(), separator=LIST_SEPARATOR, ignore_nulls=True)).to_series()
    return joined.set(joined == "", None)
