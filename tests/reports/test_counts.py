import polars as pl

from nightschool.reports.counts import bars, shares


def test_a_share_has_its_interval() -> None:
    assert shares(50, 100) == "50.0% [40.4%, 59.6%]"
    assert shares(0, 0) == "none"


def test_the_most_frequent_value_is_named_and_rare_ones_are_one() -> None:
    counts = pl.DataFrame({"kind": [f"k{n:02d}" for n in range(17)] + [None], "n": [90, *[1] * 16, 500]})
    plot = bars(counts, "kind", "items by kind")
    assert plot.sentence.startswith("Items by kind: k00 comes first with 84.9% [")
    assert plot.sentence.endswith("where even shares are 5.9%; other (2 values): rarer.")
    assert "other (2 values)" in plot.drawing


def test_a_value_of_few_users_is_nowhere_named() -> None:
    counts = pl.DataFrame({"job": ["nurse", "astronaut"], "n": [300, 90], "users": [20, 19]})
    plot = bars(counts, "job", "users by job")
    assert "astronaut" not in plot.sentence + plot.drawing
    assert plot.sentence.endswith("; other (1 value): rarer, or shared by fewer than 20 users.")
    assert "other (1 value)" in plot.drawing
    assert bars(counts[1:], "job", "users by job") is None
