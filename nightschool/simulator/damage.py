"""Damage on purpose: a share of the simulated rows is damaged as real files are, with a record of which."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from nightschool.columns import DURATION, EVENT, FILE, KIND, LIKED, REASON, SOURCE_ROW, TIMESTAMP, TITLE, USER_ID
from nightschool.simulator.vocabulary import (
    CONTENT_FILE,
    CONTENT_ID,
    DEPARTMENT,
    DIFFICULTY,
    DOMAIN,
    ENGAGEMENTS_FILE,
    TYPE,
    USERS_FILE,
)

DAMAGE_FILE: Final = "damage.parquet"

USER_GONE: Final = "user went missing"
ITEM_GONE: Final = "item went missing"

_ABOVE: Final = "above_"
_LINE: Final = "line"
_SEPARATOR: Final = ","

Rows = NDArray[np.int64]
"""Rows of a file as the ingest counts them: from 1, the header not counted."""


@dataclass(frozen=True)
class Fault:
    """One way to spoil a row.

    Attributes:
        kind: What was done to it.
        reason: The code with which the ingest puts it aside; None where the row is legal all the same.
        cells: What cells become, as text; a null leaves its field out. `above_<column>` is the cell of the nearest row
            above that is as it was, with its user and its item in their files.
    """

    kind: str
    reason: str | None
    cells: tuple[pl.Expr, ...]


def _cell(kind: str, reason: str | None, column: str, value: str | pl.Expr | None) -> Fault:
    expression = value if isinstance(value, pl.Expr) else pl.lit(value, pl.String)
    return Fault(kind, reason, (expression.alias(column),))


def _above(kind: str, reason: str | None, columns: Sequence[str]) -> Fault:
    return Fault(kind, reason, tuple(pl.col(_ABOVE + column).alias(column) for column in columns))


_FORMULA: Final = "=1+cmd|' /C calc'!A0"
_RIGHT_TO_LEFT: Final = "שלום 🎓 مرحبا"
_OVERLONG: Final = pl.when(pl.int_range(pl.len()) < 50).then(pl.lit("7" * 10_000)).otherwise(pl.lit("7" * 600))
"""Fifty ids of 10 kB are enough: more of them would only make the file large."""

USER_FAULTS: Final = (
    _cell("missing user", "missing_user", USER_ID, ""),
    _cell("formula in a label", None, TITLE, _FORMULA),
    _cell("too few fields", "wrong_field_count", DEPARTMENT, None),
    _cell("missing label", None, DEPARTMENT, ""),
    _above("repeated id", "duplicate_id", [USER_ID]),
    _cell("label from right to left", None, TITLE, _RIGHT_TO_LEFT),
    _cell("unpaired quote", "bad_quoting", TITLE, '"' + pl.col(TITLE)),
    _cell("too many fields", "wrong_field_count", DEPARTMENT, pl.col(DEPARTMENT) + ",,"),
)
CONTENT_FAULTS: Final = (
    _cell("formula in a title", None, TITLE, _FORMULA),
    _cell("unknown level", "bad_difficulty", DIFFICULTY, "Impossible"),
    _cell("title from right to left", None, TITLE, _RIGHT_TO_LEFT),
    _cell("missing item", "missing_item", CONTENT_ID, ""),
    _cell("title of control characters", "control_character_in_text", TITLE, "\x01\x07\x1b[2J"),
    _cell("unpaired quote", "bad_quoting", TITLE, '"' + pl.col(TITLE)),
    _cell("missing title", None, TITLE, ""),
    _above("repeated id", "duplicate_id", [CONTENT_ID]),
    _cell("too few fields", "wrong_field_count", DOMAIN, None),
    _cell("too many fields", "wrong_field_count", TYPE, pl.col(TYPE) + ",,"),
)
ENGAGEMENT_FAULTS: Final = (
    _cell("missing user", "missing_user", USER_ID, ""),
    _cell("missing item", "missing_item", CONTENT_ID, ""),
    _cell("unknown user", "unknown_user", USER_ID, "-" + pl.col(USER_ID)),
    _cell("unknown item", "unknown_item", CONTENT_ID, "-" + pl.col(CONTENT_ID)),
    _cell("leading zeros", "bad_user", USER_ID, "00" + pl.col(USER_ID)),
    _cell("full-width digits", "bad_item", CONTENT_ID, "１２"),
    _cell("id beyond 64 bits", "bad_item", CONTENT_ID, "9" * 20),
    _cell("control characters in an id", "bad_user", USER_ID, pl.col(USER_ID) + "\x07"),
    _cell("overlong id", "bad_user", USER_ID, _OVERLONG),
    _cell("unreadable time", "bad_timestamp", TIMESTAMP, "yesterday"),
    _cell("day of no calendar", "bad_timestamp", TIMESTAMP, "2025-02-30T10:00:00Z"),
    _cell("time in the future", "timestamp_in_future", TIMESTAMP, "2999-01-01T00:00:00Z"),
    _cell("epoch zero", "epoch_zero", TIMESTAMP, "1970-01-01T00:00:00Z"),
    _cell("time before computers", "timestamp_too_early", TIMESTAMP, "1900-01-01T00:00:00Z"),
    _cell("seconds read as milliseconds", "wrong_time_unit", TIMESTAMP, "1970-01-21T02:08:45.600Z"),
    _cell("milliseconds for a time", "bad_timestamp", TIMESTAMP, "1735725600000"),
    _cell("negative duration", "negative_duration", DURATION, "-" + pl.col(DURATION)),
    _cell("endless duration", "duration_too_long", DURATION, "1e12"),
    _cell("words for a number", "bad_duration", DURATION, "ten minutes"),
    _cell("not a number", None, DURATION, "NaN"),
    _cell("infinite number", "bad_duration", DURATION, "inf"),
    _cell("like that is no flag", "bad_liked", LIKED, "maybe"),
    _cell("too many fields", "wrong_field_count", LIKED, pl.col(LIKED) + ",,"),
    _cell("too few fields", "wrong_field_count", TIMESTAMP, None),
    _cell("unpaired quote", "bad_quoting", USER_ID, '"' + pl.col(USER_ID)),
    _above("repeated row", None, [USER_ID, CONTENT_ID, TIMESTAMP, EVENT, DURATION, LIKED]),
    _cell("missing time", None, TIMESTAMP, ""),
    _cell("time with a zone", None, TIMESTAMP, "2025-01-05T12:00:00+02:00"),
    _cell("missing duration", None, DURATION, ""),
)


def damage_files(folder: Path, share: float, rng: np.random.Generator) -> pl.DataFrame:
    """Damage a share of the folder's three files; return file, source_row, kind and reason (null if legal).

    Written to damage.parquet too. A share of each file's rows is spoilt, each fault as often as the others. An
    engagement whose user or item is refused is listed too; it stays as it was, even where too few others are
    left for the share.
    """
    for_users, for_content, for_log = rng.spawn(3)
    users, lost_users = _damage_entities(folder / USERS_FILE, USER_FAULTS, share, for_users)
    content, lost_content = _damage_entities(folder / CONTENT_FILE, CONTENT_FAULTS, share, for_content)
    file = folder / ENGAGEMENTS_FILE
    lines = _read(file)
    orphans = _orphans(pl.read_csv(file, glob=False, columns=[USER_ID, CONTENT_ID]), lost_users, lost_content)
    intact = np.setdiff1d(np.arange(1, len(lines)), orphans[SOURCE_ROW], assume_unique=True)
    lines, spoilt = _spoil(lines, ENGAGEMENT_FAULTS, share, intact, for_log)
    _write(lines, file)
    log = pl.concat([spoilt, orphans])
    named = ((USERS_FILE, users), (CONTENT_FILE, content), (ENGAGEMENTS_FILE, log))
    record = pl.concat(rows.select(pl.lit(name).alias(FILE), pl.all()).sort(SOURCE_ROW) for name, rows in named)
    record.write_parquet(folder / DAMAGE_FILE)
    return record


def _damage_entities(
    file: Path, faults: Sequence[Fault], share: float, rng: np.random.Generator
) -> tuple[pl.DataFrame, pl.Series]:
    """Damage a file of users or content; return what was damaged, and the ids that are refused with their rows."""
    ids = pl.read_csv(file, glob=False, columns=[0]).to_series()
    lines, spoilt = _spoil(_read(file), faults, share, np.arange(1, len(ids) + 1), rng)
    _write(lines, file)
    refused = spoilt.filter(pl.col(REASON).is_not_null())[SOURCE_ROW]
    return spoilt, ids.gather(refused - 1)


def _orphans(log: pl.DataFrame, lost_users: pl.Series, lost_content: pl.Series) -> pl.DataFrame:
    """Return the engagements of lost users or items: source_row, kind and reason."""
    no_user, no_item = log[USER_ID].is_in(lost_users.implode()), log[CONTENT_ID].is_in(lost_content.implode())
    kind = pl.when(no_user).then(pl.lit(USER_GONE)).otherwise(pl.lit(ITEM_GONE))
    reason = pl.when(no_user).then(pl.lit("unknown_user")).otherwise(pl.lit("unknown_item"))
    row = pl.int_range(1, log.height + 1, dtype=pl.Int64).alias(SOURCE_ROW)
    return pl.select(row, kind.alias(KIND), reason.alias(REASON)).filter(no_user | no_item)


def _spoil(
    lines: pl.Series, faults: Sequence[Fault], share: float, rows: Rows, rng: np.random.Generator
) -> tuple[pl.Series, pl.DataFrame]:
    """Damage a share of the lines, drawn from these rows; return the lines, and source_row, kind, reason.

    The first of the rows stays as it is, so that every other has an intact one above it.
    """
    n = min(round(share * (len(lines) - 1)), max(len(rows) - 1, 0))
    chosen = rng.choice(rows[1:], n, replace=False)
    above = _intact_above(chosen, np.setdiff1d(rows, chosen, assume_unique=True))
    columns = lines[0].split(_SEPARATOR)
    cells = _cells(lines.gather(chosen), columns).with_columns(pl.Series(SOURCE_ROW, chosen, pl.Int64))
    cells = cells.hstack(_cells(lines.gather(above), [_ABOVE + column for column in columns]))
    ends = pairwise(np.linspace(0, n, len(faults) + 1).astype(int))
    spoilt = pl.concat(
        cells[start:end]
        .with_columns(*fault.cells)
        .select(
            SOURCE_ROW,
            pl.lit(fault.kind).alias(KIND),
            pl.lit(fault.reason, pl.String).alias(REASON),
            pl.concat_str(columns, separator=_SEPARATOR, ignore_nulls=True).alias(_LINE),
        )
        for fault, (start, end) in zip(faults, ends, strict=True)
    )
    return lines.scatter(spoilt[SOURCE_ROW], spoilt[_LINE]), spoilt.drop(_LINE)


def _intact_above(rows: Rows, intact: Rows) -> Rows:
    """Return the nearest intact row above each row; `intact` ascends."""
    return intact[np.searchsorted(intact, rows) - 1] if len(rows) else rows


def _cells(lines: pl.Series, columns: Sequence[str]) -> pl.DataFrame:
    """Split lines without quotes into cells of text."""
    return lines.str.split_exact(_SEPARATOR, len(columns) - 1).struct.rename_fields(list(columns)).struct.unnest()


def _read(file: Path) -> pl.Series:
    return pl.read_lines(file.read_bytes(), name=_LINE)[_LINE]


def _write(lines: pl.Series, file: Path) -> None:
    lines.to_frame().write_csv(file, include_header=False, quote_style="never")
