import numpy as np
import polars as pl
from scipy.stats import chisquare

from nightschool.columns import TITLE
from nightschool.simulator.content import draw_content, with_topic_titles
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

N = 3_000


def test_labels_keep_their_margins() -> None:
    content = draw_content(N, np.random.default_rng(2))
    margins = {
        DOMAIN: dict.fromkeys(DOMAINS, 1 / 7),
        SUBTOPIC: dict.fromkeys(SUBTOPICS, 1 / 9),
        DIFFICULTY: dict(zip(DIFFICULTIES, DIFFICULTY_WEIGHTS, strict=True)),
        TYPE: dict(zip(TYPES, TYPE_WEIGHTS, strict=True)),
    }
    for column, shares in margins.items():
        counts = [int((content[column] == name).sum()) for name in shares]
        assert chisquare(counts, [N * share for share in shares.values()]).pvalue > 1e-4
    assert content[CONTENT_ID].to_list() == list(range(1, N + 1))


def test_topic_titles_carry_two_words_of_the_subtopic_and_one_of_the_domain() -> None:
    plain = draw_content(300, np.random.default_rng(2))
    titled = with_topic_titles(plain, np.random.default_rng(3))
    assert titled.drop(TITLE).equals(plain.drop(TITLE))
    for row, phrase in zip(titled.iter_rows(named=True), plain[TITLE], strict=True):
        catch_phrase, _, topic = row[TITLE].rpartition(": ")
        words, _, audience = topic.partition(" for ")
        first, _, second = words.partition(" and ")
        assert catch_phrase == phrase
        assert {first, second} <= set(SUBTOPIC_WORDS[row[SUBTOPIC]])
        assert first != second
        assert audience in DOMAIN_WORDS[row[DOMAIN]]


def test_the_same_seed_gives_the_same_content() -> None:
    first, again, other = (draw_content(50, np.random.default_rng(seed)) for seed in (4, 4, 5))
    assert first.equals(again)
    assert not first.select(pl.col(TITLE)).equals(other.select(pl.col(TITLE)))
