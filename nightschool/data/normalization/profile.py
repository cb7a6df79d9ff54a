"""How the values of a batch are distributed, counted in bins, and how far that moved since another batch."""

from collections.abc import Iterable, Mapping
from typing import Final

import polars as pl

from nightschool.columns import BIN, COLUMN, DURATION, EVENT, LIKED, RATING, ROWS, TIMESTAMP
from nightschool.data.manifest.manifest import Items, Users
from nightschool.data.manifest.sections import Interactions
from nightschool.hashing import hash_ids

HOUR: Final = "hour of day"
"""The profiled hour of the day of an interaction's time, UTC."""

PROFILE: Final = pl.Schema({COLUMN: pl.String, BIN: pl.String, ROWS: pl.Int64})

_RATING_BINS: Final = 10
_LABEL_BINS: Final = 32
_HOUR_MICROSECONDS: Final = 3_600_000_000
_PRIOR: Final = 0.5
"""Values added to each bin, so that an empty one does not make the index infinite."""
_Z95: Final = 1.645
_SIDES: Final = ("before", "after")


def profile(part: Interactions | Items | Users, frame: pl.DataFrame) -> pl.DataFrame:
    """Count the values of the frame in each bin: column, bin (null: no value), rows.

    Ratings have ten bins over their scale, durations and other numbers one for each power of two, times one for each
    hour of the day. Labels are spread over 32 bins by their hash: a bin says nothing about anyone. The profiles of two
    blocks, put below each other by `add_up`, are the profile of both.
    """
    counts = [_counted(name, frame.select(place.alias(BIN))[BIN]) for name, place in _places(part).items()]
    labels = [
        _labelled(frame[name].explode(empty_as_null=True) if name in _lists(part) else frame[name])
        for name in _labels(part)
    ]
    return add_up([*counts, *labels])


def add_up(profiles: Iterable[pl.DataFrame]) -> pl.DataFrame:
    """Sum the profiles of several batches."""
    rows = pl.concat([PROFILE.to_frame(), *profiles])
    return rows.group_by(COLUMN, BIN).agg(pl.col(ROWS).sum()).sort(COLUMN, BIN)


def population_stability(before: pl.DataFrame, after: pl.DataFrame) -> pl.DataFrame:
    """Measure how far each column that both profiles have moved from one batch to the other, one row per column.

    The index is the sum of (p - q) ln(p / q) over the bins, p and q being the shares of the values before and after
    that lie in a bin. Siddiqi (2006), "Credit Risk Scorecards": from 0.25 on the shift is large.

    Returns:
        column; psi; noise, which 95 of 100 indices of two samples from one distribution stay below (the index over
        1 / values_before + 1 / values_after is chi-squared with a degree of freedom less than there are bins: Yurdakul
        (2018), "Statistical Properties of Population Stability Index"); rows_, values_ (rows that have one) and
        missing_ (share of the rows that have none) before and after.
    """
    counts = [each.rename({ROWS: name}) for name, each in (("before", before), ("after", after))]
    bins = counts[0].join(counts[1], on=[COLUMN, BIN], how="full", coalesce=True, nulls_equal=True)
    has_value = pl.col(BIN).is_not_null()
    columns = (
        bins.with_columns(pl.col(_SIDES).fill_null(0))
        .group_by(COLUMN)
        .agg(
            *(pl.col(name).sum().alias(f"rows_{name}") for name in _SIDES),
            *(pl.col(name).filter(has_value).sum().alias(f"values_{name}") for name in _SIDES),
            _index(*(_shares(pl.col(name).filter(has_value)) for name in _SIDES)).alias("psi"),
            (has_value.sum() - 1.0).alias("freedom"),
        )
    )
    known = columns.filter((pl.col("rows_before") > 0) & (pl.col("rows_after") > 0)).sort(COLUMN)
    compared = (pl.col("values_before") > 0) & (pl.col("values_after") > 0)
    scale = 1 / pl.col("values_before") + 1 / pl.col("values_after")
    spread = pl.col("freedom") + _Z95 * (2 * pl.col("freedom")).sqrt()
    return known.with_columns(
        pl.when(compared).then("psi").otherwise(0.0).alias("psi"),
        pl.when(compared).then(scale * spread).otherwise(0.0).alias("noise"),
        *((1 - pl.col(f"values_{name}") / pl.col(f"rows_{name}")).alias(f"missing_{name}") for name in _SIDES),
    ).drop("freedom")


def _index(before: pl.Expr, after: pl.Expr) -> pl.Expr:
    return ((before - after) * (before / after).log()).sum()


def _shares(values: pl.Expr) -> pl.Expr:
    return (values + _PRIOR) / (values + _PRIOR).sum()


def _places(part: Interactions | Items | Users) -> Mapping[str, pl.Expr]:
    """Return the number of the bin that each value lies in, for values that are no labels."""
    if not isinstance(part, Interactions):
        return {name: _power_of_two(name) for name in part.numbers}
    places = {HOUR: pl.col(TIMESTAMP).to_physical() // _HOUR_MICROSECONDS % 24, LIKED: pl.col(LIKED)}
    places[DURATION] = _power_of_two(DURATION)
    if part.rating:
        low, high = part.rating.min, part.rating.max
        tenth = ((pl.col(RATING) - low) / (high - low) * _RATING_BINS).floor()
        places[RATING] = tenth.clip(0, _RATING_BINS - 1)
    return places


def _power_of_two(column: str) -> pl.Expr:
    return (pl.col(column).clip(lower_bound=0.0) + 1).log(2).floor()


def _labels(part: Interactions | Items | Users) -> tuple[str, ...]:
    if isinstance(part, Interactions):
        return (EVENT,)
    single = part.attributes if isinstance(part, Users) else (*part.categories, *part.ordinals)
    return (*single, *_lists(part))


def _lists(part: Interactions | Items | Users) -> tuple[str, ...]:
    if isinstance(part, Interactions):
        return ()
    return (*part.lists, *(part.flags if isinstance(part, Items) else ()))


def _counted(name: str, places: pl.Series) -> pl.DataFrame:
    counts = places.cast(pl.Int8).alias(BIN).value_counts(name=ROWS)
    return counts.select(pl.lit(name).alias(COLUMN), pl.col(BIN).cast(pl.String), pl.col(ROWS).cast(pl.Int64))


def _labelled(labels: pl.Series) -> pl.DataFrame:
    counts = labels.alias(BIN).value_counts(name=ROWS)
    found = counts.filter(pl.col(BIN).is_not_null())
    bins = pl.Series(BIN, hash_ids(found[BIN]) % _LABEL_BINS).cast(pl.String)
    binned = pl.concat([found.with_columns(bins), counts.filter(pl.col(BIN).is_null())])
    return binned.select(pl.lit(labels.name).alias(COLUMN), BIN, pl.col(ROWS).cast(pl.Int64))
