import numpy as np
import polars as pl
import pytest

from nightschool.contract import Dataset, Split


@pytest.fixture
def dataset() -> Dataset:
    """Three users and four items; item 3 is not available, user 2 has seen nothing."""
    pairs = [(0, 0, 5.0), (0, 1, 1.0), (1, 1, 2.0)]
    return Dataset(
        user_ids=pl.Series([30, 10, 20]),
        item_ids=pl.Series([7, 5, 9, 1]),
        interactions=pl.DataFrame(
            pairs,
            schema={"user_index": pl.Int32, "item_index": pl.Int32, "score": pl.Float32},
            orient="row",
        ).with_columns(timestamp=pl.lit(None, dtype=pl.Datetime("us", "UTC"))),
        users=pl.DataFrame({"user_id": [30, 10, 20], "role": ["a", "b", "a"]}),
        items=pl.DataFrame({"item_id": [7, 5, 9, 1], "title": list("wxyz"), "text": [None] * 4}),
        available=np.array([True, True, True, False]),
        score_range=(0.0, 10.0),
        audience="role",
    )


@pytest.fixture
def split() -> Split:
    """400 users who have seen item 0 and will meet item 1 or, every tenth of them, item 2."""
    n_users = 400
    users = np.arange(n_users, dtype=np.int32)
    seen = pl.DataFrame({"user_index": users, "item_index": np.zeros(n_users, np.int32)})
    met = np.where(users % 10 == 0, 2, 1).astype(np.int32)
    fitted = Dataset(
        user_ids=pl.Series(users),
        item_ids=pl.Series([0, 1, 2, 3]),
        interactions=seen.with_columns(score=pl.lit(1.0, pl.Float32), timestamp=pl.lit(None, pl.Datetime("us", "UTC"))),
        users=pl.DataFrame({"user_id": users}),
        items=pl.DataFrame({"item_id": [0, 1, 2, 3], "title": list("abcd"), "text": [None] * 4}),
        available=np.ones(4, dtype=bool),
    )
    held_out = pl.DataFrame({"user_index": users, "item_index": met}).with_columns(
        score=pl.lit(1.0, pl.Float32), relevant=pl.lit(True)
    )
    return Split("validation", "temporal", fitted, held_out)


class Fixed:
    """A recommender that scores every user with the same numbers, given as such or in one text."""

    note = None

    def __init__(self, scores: list[float] | str) -> None:
        self.scores = np.array(scores.split() if isinstance(scores, str) else scores, dtype=np.float32)

    def fit(self, dataset: Dataset, *, seed: int) -> "Fixed":
        return self

    def score(self, user_indices: np.ndarray) -> np.ndarray:
        return np.tile(self.scores, (len(user_indices), 1))


@pytest.fixture
def fixed() -> type[Fixed]:
    return Fixed
