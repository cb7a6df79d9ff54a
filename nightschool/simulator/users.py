"""The learners: a title each, what follows from it, and a learning style."""

import numpy as np
import polars as pl

from nightschool.columns import TITLE, USER_ID
from nightschool.simulator.sampling import draw_indices, labels
from nightschool.simulator.vocabulary import DEPARTMENT, LEARNING_STYLE, LEARNING_STYLES, SENIORITY, TITLES


def draw_users(n: int, rng: np.random.Generator) -> pl.DataFrame:
    """Draw users 1…n: user_id, title by its weight, the title's seniority and department, a uniform learning_style."""
    titles = draw_indices([title.weight for title in TITLES], n, rng)
    styles = rng.integers(len(LEARNING_STYLES), size=n, dtype=np.int32)
    return pl.DataFrame(
        {
            USER_ID: np.arange(1, n + 1, dtype=np.int64),
            TITLE: labels([title.name for title in TITLES], titles),
            SENIORITY: labels([title.seniority for title in TITLES], titles),
            DEPARTMENT: labels([title.department for title in TITLES], titles),
            LEARNING_STYLE: labels(LEARNING_STYLES, styles),
        }
    )
