import numpy as np
import polars as pl
from scipy.stats import chisquare

from nightschool.columns import TITLE, USER_ID
from nightschool.simulator.users import draw_users
from nightschool.simulator.vocabulary import DEPARTMENT, LEARNING_STYLE, LEARNING_STYLES, SENIORITY, TITLES

N = 30_000


def counts(column: pl.Series, names: list[str]) -> list[int]:
    return [int((column == name).sum()) for name in names]


def test_titles_and_styles_keep_their_margins() -> None:
    users = draw_users(N, np.random.default_rng(1))
    weights = np.array([title.weight for title in TITLES])
    assert chisquare(counts(users[TITLE], [title.name for title in TITLES]), N * weights / weights.sum()).pvalue > 1e-4
    assert chisquare(counts(users[LEARNING_STYLE], list(LEARNING_STYLES))).pvalue > 1e-4


def test_seniority_and_department_follow_from_the_title() -> None:
    users = draw_users(2_000, np.random.default_rng(1))
    facts = {title.name: (title.seniority, title.department) for title in TITLES}
    assert all(facts[row[TITLE]] == (row[SENIORITY], row[DEPARTMENT]) for row in users.iter_rows(named=True))


def test_ids_count_from_one() -> None:
    assert draw_users(3, np.random.default_rng(1))[USER_ID].to_list() == [1, 2, 3]
