import polars as pl

from nightschool.reports.counts import bars, shares


def test_a_share_has_its_interval() -> None:
    assert shares(50, 100) == "50.0% [40.4%, 59.6%]"
    assert shares(0, 0) == "none"


def test_the_most_frequent_value_is_named_and_rare_ones_are_counted() -> None:
    counts = pl.DataFrame({"kind": [f"k{n:02d}" for n in range(17)] + [None], "n": [90, *[1] * 16, 500]})
    sentence = bars(counts, "kind", "items by kind").sentence
    assert sentence.startswith("Items by kind: k00 comes first with 84.9% [")
    assert sentence.endswith("where even shares are 5.9%; 2 rarer values are not drawn.")
