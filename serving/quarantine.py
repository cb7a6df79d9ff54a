"""Quarantined rows as operators look at them, correct them and download them."""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import polars as pl

from nightschool.columns import DETAIL, INTERACTIONS, ITEMS, QUARANTINE, QUARANTINED_AT, REASON, ROW, USERS
from nightschool.data.manifest.manifest import Manifest
from nightschool.errors import NotFound
from nightschool.storage.lake import Lake
from nightschool.storage.quarantine.repair_files import csv_cells
from nightschool.storage.quarantine.repairs import Place
from nightschool.storage.quarantine.table import PLACE, own_columns, quarantined
from serving.downloads import row_blocks


class QuarantinedRow(NamedTuple):
    """A quarantined row.

    Attributes:
        row: The source row, one JSON object; None for rows of users who were erased.
    """

    place: Place
    reason: str
    detail: str | None
    row: str | None
    quarantined_at: datetime

    @property
    def cells(self) -> dict[str, str]:
        """Return the source row's own columns as texts; without any where it was not kept."""
        values: dict[str, Any] = json.loads(self.row, parse_float=str) if self.row else {}
        return {name: _text(value) for name, value in values.items()}


class Choice(NamedTuple):
    """What a filter of the list offers."""

    reasons: Sequence[str]
    files: Sequence[str]


def filter_choice(lake: Lake) -> Choice:
    """Return the reasons and files of quarantined rows, those that have left the list too."""
    rows = lake.scan(QUARANTINE)
    reasons, files = (rows.select(pl.col(name).unique().sort()).collect().to_series() for name in (REASON, PLACE[1]))
    return Choice(reasons.to_list(), files.to_list())


def count_rows(lake: Lake, reason: str | None, file: str | None) -> int:
    """Count quarantined rows.

    Args:
        lake: The tables.
        reason: Only those with it; None: all that have not left the list.
        file: Only those of this source file; None: of all.
    """
    return int(quarantined(lake, reason, file).select(pl.len()).collect().item())


def list_rows(lake: Lake, reason: str | None, file: str | None, start: int, n: int) -> list[QuarantinedRow]:
    """Return quarantined rows, the newest first, those of one instant in the order of their files.

    Args:
        lake: The tables.
        reason: Only those with it; None: all that have not left the list.
        file: Only those of this source file; None: of all.
        start: How many to skip.
        n: How many to return at most.
    """
    rows = quarantined(lake, reason, file)
    order = [QUARANTINED_AT, *PLACE]
    newest_first = [True, *(False for _ in PLACE)]
    places = rows.select(order).sort(order, descending=newest_first).slice(start, n).collect()
    # The rows themselves are read for those that are shown alone.
    shown = rows.join(places.lazy(), on=PLACE, how="semi").collect().sort(order, descending=newest_first)
    return [_row(row) for row in shown.iter_rows(named=True)]


def find_row(lake: Lake, place: Place) -> QuarantinedRow:
    """Return the quarantined row at a place.

    Raises:
        NotFound: There is none.
    """
    where = [pl.col(name) == value for name, value in zip(PLACE, place, strict=True)]
    found = lake.scan(QUARANTINE).filter(*where).head(1).collect()
    if found.is_empty():
        seen = f"{place.table} {place.source_file} row {place.source_row}"
        raise NotFound("no such row is in quarantine", seen=seen, do="it may have come in; see the list")
    return _row(found.row(0, named=True))


def form_columns(row: QuarantinedRow, manifest: Manifest) -> dict[str, str]:
    """Return the columns that a correction may fill with their present texts: the row's own, then the manifest's.

    Args:
        row: The quarantined row.
        manifest: The home's; a line that could not be split is corrected as a whole, whatever it names.
    """
    cells = row.cells
    if cells.keys() == {"line"}:
        return cells
    parts = {
        INTERACTIONS.name: manifest.interactions,
        USERS.name: [manifest.users] if manifest.users else [],
        ITEMS.name: [manifest.items] if manifest.items else [],
    }[row.place.table]
    lacking = (name for part in parts for name in part.source_columns if name not in cells)
    return {**cells, **dict.fromkeys(lacking, "")}


def corrected(row: str, texts: Mapping[str, str]) -> str:
    """Return a source row with the values that a form changed; the others stay exactly as they are.

    Args:
        row: The source row, one JSON object.
        texts: Column to its text in the form; an emptied one becomes a missing value.
    """
    values: dict[str, Any] = json.loads(row, parse_float=str)
    changed = {
        name: _value(values.get(name), text)
        for name, text in ((name, text.replace("\r\n", "\n")) for name, text in texts.items())
        if text != _text(values.get(name)).replace("\r\n", "\n")
    }
    return json.dumps({**values, **changed}, ensure_ascii=False, separators=(",", ":")) if changed else row


def csv_blocks(lake: Lake, manifest: Manifest, reason: str | None, file: str | None) -> Iterator[bytes]:
    """Yield quarantined rows as the CSV that `nightschool quarantine retry` reads, a block at a time.

    Rows that were not kept, those of erased users, are left out.

    Args:
        lake: The tables.
        manifest: The home's, which names the source rows' columns.
        reason: Only those with it; None: all that have not left the list.
        file: Only those of this source file; None: of all.
    """
    columns = own_columns(manifest)
    rows = quarantined(lake, reason, file).filter(pl.col(ROW).is_not_null())
    yield csv_cells(rows.head(0).collect(), columns).write_csv().encode()
    for block in row_blocks(rows):
        yield csv_cells(block, columns).write_csv(include_header=False).encode()


def _row(row: Mapping[str, Any]) -> QuarantinedRow:
    place = Place(*(row[name] for name in PLACE))
    return QuarantinedRow(place, row[REASON], row[DETAIL], row[ROW], row[QUARANTINED_AT])


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _value(was: Any, text: str) -> Any:
    """Return what a form's text stands for: a list or an object where there was one, else the text itself."""
    if isinstance(was, list | dict):
        try:
            return json.loads(text, parse_float=str)
        except ValueError:
            return text
    return text or None
