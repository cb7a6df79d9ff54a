"""Prerequisites on their way in: cycles are refused by name, and ids that match no item are counted."""

from typing import Final

import numpy as np
import polars as pl
from scipy.sparse import csr_array

from nightschool.columns import ITEM_ID, REASON, WITHDRAWN
from nightschool.contract import Indices
from nightschool.data.manifest.manifest import Items, Users
from nightschool.data.prerequisites import NAMED, PREREQUISITE, prerequisite_matrix, prerequisite_pairs
from nightschool.data.readers.source_format import Names
from nightschool.data.readers.sources import SourceFile
from nightschool.ingest.batch import mark
from nightschool.ingest.vectors import UNFIT
from nightschool.ranking.cycles import cyclic_components, shortest_cycle

CYCLE: Final = "prerequisite_cycle"
_WORDS: Final = "cycle"
_SHOWN: Final = 3
_LONGEST: Final = 5
"""Items after which a cycle is cut short in its name."""


def without_lacking(part: Users | Items, file: SourceFile) -> tuple[Users | Items, list[str]]:
    """Take out of a part what it says of prerequisites, skills and vectors that a file has no column for; note it.

    A catalogue may have been written before the manifest named them.

    Raises:
        NotFound: The file is gone.
        DataRefused: Its header cannot be read.
    """
    if not isinstance(part, Items):
        return part, []
    named = {key: each.column for key in ("prerequisites", "skills") if (each := getattr(part, key))}
    columns = [column for column in named.values() if column not in part.lists]
    columns += [column for column, file_name in part.vectors.items() if not file_name]
    lacking = part.format.lacking(file, tuple(columns))
    gone = {key: column for key, column in named.items() if column in lacking}
    vectors = {name: file_name for name, file_name in part.vectors.items() if name not in lacking}
    lost = [*gone.items(), *(("vectors", name) for name in part.vectors if name in lacking)]
    notes = [f"{file.name} has no column {column}: its items have no {key}" for key, column in lost]
    return part.model_copy(update={**dict.fromkeys(gone), "vectors": vectors}), notes


def mark_cycles(frame: pl.DataFrame, newest: pl.DataFrame, part: Users | Items) -> pl.DataFrame:
    """Give good rows whose prerequisites lead back to their own item the reason `prerequisite_cycle`, with its items.

    The other items of the table count too. A cycle among rows that came in before is left as it is.

    Args:
        frame: Normalised rows of a file, each good id once.
        newest: The newest row of each item of the table.
        part: What the manifest says of the items.
    """
    column = _column(part)
    if column is None or column not in frame.columns:
        return frame
    while (found := _cycles(frame, newest, column)).height:
        named = frame.join(found, on=ITEM_ID, how="left", maintain_order="left")
        frame = mark(named, pl.col(_WORDS).is_not_null(), CYCLE, _WORDS).drop(_WORDS)
    return frame


def without_cycles(frame: pl.DataFrame, part: Users | Items) -> pl.DataFrame:
    """Return the rows that lie on a cycle without their prerequisites, for the items to come in all the same."""
    column = _column(part)
    cyclic = frame.filter(pl.col(REASON) == CYCLE)
    if column is None or cyclic.is_empty():
        return cyclic
    return cyclic.with_columns(pl.col(column).list.head(0), pl.lit(None, pl.String).alias(REASON))


def with_newest_values(frame: pl.DataFrame, newest: pl.DataFrame, own: Names) -> pl.DataFrame:
    """Return repaired rows with some values of their own and all else as the newest row of their item says.

    Their other values came in with their delivery, and later ones may have come since.

    Args:
        frame: Rows of items that lay in quarantine for these values alone.
        newest: The newest row of each item of the table.
        own: The columns of these values.
    """
    if not own or frame.is_empty():
        return frame
    others = [name for name in frame.columns if name in newest.columns and name not in (ITEM_ID, *own)]
    known = newest.select(ITEM_ID, *others)
    theirs = frame.drop(others).join(known, on=ITEM_ID, how="inner", maintain_order="left").select(frame.columns)
    return pl.concat([theirs, frame.join(known, on=ITEM_ID, how="anti", maintain_order="left")])


def own_values(part: Users | Items) -> dict[str, Names]:
    """Map each reason for which values are set aside, while their item comes in, to the columns of these values."""
    column = _column(part)
    vectors = (*part.vectors,) if isinstance(part, Items) else ()
    return {CYCLE: () if column is None else (column,), UNFIT: vectors}


def count_unmatched(newest: pl.DataFrame, part: Users | Items) -> list[str]:
    """Return a note of how many ids among the prerequisites match no item, with some of them; none where all do."""
    column = _column(part)
    if column is None or column not in newest.columns:
        return []
    pairs = prerequisite_pairs(_present(newest), column)
    lost = pairs.filter(pl.col(PREREQUISITE).is_null())
    if lost.is_empty():
        return []
    named = lost[NAMED].value_counts(sort=True).sort("count", NAMED, descending=[True, False])[NAMED].head(_SHOWN)
    such = ", ".join(repr(text[:40]) for text in named)
    return [f"items: {lost.height:,} of {pairs.height:,} prerequisites match no item, such as {such}; none is guessed"]


def _column(part: Users | Items) -> str | None:
    return part.prerequisites.column if isinstance(part, Items) and part.prerequisites else None


def _cycles(frame: pl.DataFrame, newest: pl.DataFrame, column: str) -> pl.DataFrame:
    """Return the good rows' items that lie on a cycle, item_id, and the cycle of their component in words, cycle."""
    good = frame.filter(pl.col(REASON).is_null()).select(ITEM_ID, column)
    given = frame.filter(pl.col(REASON).is_null() | (pl.col(REASON) == CYCLE))
    before = _present(newest).join(given, on=ITEM_ID, how="anti")
    items = pl.concat([good, before.select(ITEM_ID, column)]) if column in newest.columns else good
    graph = prerequisite_matrix(items, prerequisite_pairs(items, column))
    components = cyclic_components(graph)
    words = {number: _words(items, cycle) for number, cycle in _shortest(graph, components, good.height).items()}
    numbers = pl.Series(_WORDS, components[: good.height])
    return good.select(ITEM_ID, numbers.replace_strict(words, default=None, return_dtype=pl.String)).drop_nulls(_WORDS)


def _shortest(graph: csr_array, components: Indices, n_new: int) -> dict[int, list[int]]:
    """Return a shortest cycle of each component that holds one of the first n_new items, through its first one."""
    order = np.argsort(components, kind="stable").astype(np.int32)
    numbers, starts = np.unique(components[order], return_index=True)
    ends = [*starts[1:].tolist(), len(order)]
    members = {number: order[start:end] for number, start, end in zip(numbers.tolist(), starts, ends, strict=False)}
    return {
        number: shortest_cycle(graph, int(items[0]), items)
        for number, items in members.items()
        if number >= 0 and items[0] < n_new
    }


def _words(items: pl.DataFrame, cycle: list[int]) -> str:
    ids = [str(items[ITEM_ID][place]) for place in cycle]
    shown = ids if len(ids) <= _LONGEST else [*ids[: _LONGEST - 1], f"… ({len(ids)} items)"]
    return " → ".join([*shown, ids[0]])


def _present(newest: pl.DataFrame) -> pl.DataFrame:
    return newest.filter(~pl.col(WITHDRAWN).fill_null(value=False))
