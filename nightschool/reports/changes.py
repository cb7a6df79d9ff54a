"""What changed since the release before: lists, items, and segments of users."""

import polars as pl

from nightschool.columns import CI_HIGH, CI_LOW, ITEM_ID, RANK, RECOMMENDATIONS, SEGMENT, TITLE, USER_ID, VALUE
from nightschool.night.reporting.metrics import number
from nightschool.reports.counts import SHARED
from nightschool.reports.document import Rows, Section
from nightschool.storage.lake import Lake

_TOP = 10
_SHOWN = 5


def changes_section(
    lake: Lake, release_id: str, before: str, titles: pl.DataFrame, now: pl.DataFrame, was: pl.DataFrame
) -> Section:
    """Compare the lists of two releases, and their figures by segment.

    Args:
        lake: The tables.
        release_id: The release.
        before: The one that was current before it.
        titles: item_id and title.
        now: segment, value, ci_low, ci_high of ndcg@10 of the release's recipe on the test.
        was: The same of the one before.
    """
    new, old = (_places(lake, one) for one in (release_id, before))
    kept = new.join(old, on=[USER_ID, ITEM_ID], how="semi").group_by(USER_ID).len(name="kept")
    sizes = new.group_by(USER_ID).len(name="n").join(old.select(USER_ID).unique(), on=USER_ID, how="semi")
    shared = sizes.join(kept, on=USER_ID, how="left").with_columns(pl.col("kept").fill_null(0))
    if shared.is_empty():
        return Section("What changed", [f"No user has a list in both this release and {before}."])
    overlap = float((shared["kept"] / shared["n"]).to_numpy().mean())
    changed = float((shared["kept"] < shared["n"]).to_numpy().mean())
    lead = [
        f"Since release {before}, {changed:.0%} of {len(shared):,} users have another item among their first {_TOP}; "
        f"on average {overlap:.0%} of the items stayed."
    ]
    tables = [Rows("ndcg@10 on the test by segment", ["segment", "now", "before"], _segments(now, was))]
    moved = _moved(new, old, titles)
    if moved:
        caption = f"Items that gained or lost most places among the first {_TOP}"
        tables.insert(0, Rows(caption, ["item", "lists now", "lists before"], moved))
    return Section("What changed", lead, tables=tables)


def _places(lake: Lake, release_id: str) -> pl.DataFrame:
    first = lake.scan(RECOMMENDATIONS, release_id).filter(pl.col(RANK) <= _TOP)
    return first.select(USER_ID, ITEM_ID).collect()


def _moved(new: pl.DataFrame, old: pl.DataFrame, titles: pl.DataFrame) -> list[tuple[str, str, str]]:
    counts = [one.group_by(ITEM_ID).len(name=name) for one, name in ((new, "now"), (old, "before"))]
    both = counts[0].join(counts[1], on=ITEM_ID, how="full", coalesce=True).fill_null(0)
    both = both.with_columns(moved=pl.col("now").cast(pl.Int64) - pl.col("before").cast(pl.Int64))
    ordered = both.sort("moved", ITEM_ID, descending=[True, False]).join(
        titles, on=ITEM_ID, how="left", maintain_order="left"
    )
    ends = pl.concat([ordered.head(_SHOWN), ordered.tail(_SHOWN)]).unique(maintain_order=True)
    shared = pl.max_horizontal("now", "before") >= SHARED
    shown = ends.filter(pl.col("moved") != 0, shared).select(
        pl.coalesce(TITLE, pl.col(ITEM_ID).cast(pl.String)), "now", "before"
    )
    return [(str(title), f"{now:,}", f"{was:,}") for title, now, was in shown.iter_rows()]


def _segments(now: pl.DataFrame, was: pl.DataFrame) -> list[tuple[str, str, str]]:
    new, old = (
        {segment: _figure(*figures) for segment, *figures in one.select(SEGMENT, VALUE, CI_LOW, CI_HIGH).iter_rows()}
        for one in (now, was)
    )
    return [(segment, figure, old.get(segment, number(None))) for segment, figure in new.items()]


def _figure(value: float, low: float | None, high: float | None) -> str:
    return f"{number(value)} [{number(low)}, {number(high)}]"
