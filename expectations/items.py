"""Rules for items."""

from collections.abc import Mapping
from typing import Any, Final

import polars as pl

from expectations.engine import Column
from expectations.facts import ROWS, Known, count_repeated, one_row, share
from expectations.rules import between, filled
from expectations.text import id_measures, id_rules, misread, text_measures, text_rules
from nightschool.columns import AVAILABLE_AT, ITEM_ID, ITEMS, TEXT, TITLE
from nightschool.data.normalization.limits import Limits

TABLE: Final = ITEMS

FEW_MISREAD: Final = 0.001
MANY_MISREAD: Final = 0.2
"""Shares of the items whose title or text was decoded by the wrong encoding."""


def measures() -> Mapping[str, pl.Expr]:
    """Map the measures that row rules check, besides the columns themselves, to their expressions."""
    return id_measures(ITEM_ID) | text_measures(TITLE, TEXT)


def row_rules(_: Limits) -> list[Any]:
    """List the rules for single rows; the first one that a row breaks gives the reason."""
    return [filled(ITEM_ID, "missing_item"), *id_rules(ITEM_ID), *text_rules(TITLE), *text_rules(TEXT)]


def facts(frame: pl.LazyFrame, _: Known) -> pl.DataFrame:
    """Compute the figures that the batch rules check, in one row."""
    n_rows, n_misread = frame.select(pl.len(), misread(TITLE, TEXT).sum().alias("misread")).collect().row(0)
    return one_row(
        {
            ROWS: n_rows,
            "repeated": count_repeated(frame, ITEM_ID, AVAILABLE_AT),
            "misread": n_misread,
            "misread_share": share(n_misread, n_rows),
        }
    )


def batch_rules() -> list[Any]:
    """List the rules for the rows as a whole."""
    seen, few = "{misread} of {rows} items", Column("misread_share") <= MANY_MISREAD
    return [
        between("repeated", "duplicate_id", high=0, seen="{repeated} of {rows} rows"),
        between("misread_share", "wrong_encoding", high=MANY_MISREAD, seen=seen),
        between(
            "misread_share", "some_wrong_encoding", high=FEW_MISREAD, row_condition=few, severity="warning", seen=seen
        ),
    ]
