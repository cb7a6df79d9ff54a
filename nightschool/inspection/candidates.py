"""The files of a folder that could be its interactions, the likeliest first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

import polars as pl

from nightschool.data.normalization.parse_values import to_text
from nightschool.inspection.logs import Log, guess_log
from nightschool.inspection.looks import Family, Look
from nightschool.inspection.profiles import Kind, Profile
from nightschool.inspection.samples import take_sample
from nightschool.inspection.scales import time_unit

_COPIED_TIMES: Final = 0.01
_COPIED: Final = 0.2
"""The share of equal rows from which two files count as copies; with a time, rows are hardly ever equal by chance."""

_HOLDOUT_PENALTY: Final = 3


@dataclass(frozen=True)
class Candidate:
    """Files that hold interactions.

    Attributes:
        family: The files that are read.
        log: Their columns.
        left_out: File of the same form and nearly the same name to why it is not read with them.
    """

    family: Family
    log: Log
    left_out: Mapping[str, str]

    @property
    def files(self) -> list[str]:
        """The names of all its files, those left out among them."""
        return [*self.family.file_names, *self.left_out]

    @property
    def order(self) -> tuple[float, int]:
        """The greater, the likelier are these the interactions that matter most."""
        return self.log.weight - _HOLDOUT_PENALTY * self.family.is_holdout, self.family.bytes


def find_candidates(families: Sequence[Family], now: datetime) -> list[Candidate]:
    """Find every family of files that holds interactions, the likeliest first.

    Raises:
        NotFound: A file is gone, or cannot be read now.
        DataRefused: A file changed while it was looked at.
    """
    found = []
    for family in families:
        first = family.first
        log = guess_log(first.columns, now, invented=first.invented, whole=first.whole)
        if log is not None:
            found.append(_trimmed(family, log, now))
    return sorted(found, key=lambda candidate: candidate.order, reverse=True)


def _trimmed(family: Family, log: Log, now: datetime) -> Candidate:
    """Leave out the files that must not be read with the others."""
    kept: list[Look] = []
    left_out = {}
    for look in family.looks:
        # Neighbours and the first are enough: a copy is next to its original, and splits all repeat each other.
        if reason := _differs(look, log, now) or _repeats(look, [*kept[:1], *kept[-1:]], log):
            left_out[look.file.name] = reason
        else:
            kept.append(look)
    family = Family(tuple(kept))
    if log.event_id and _restart(family, log.event_id.name):
        remarks = {**log.remarks, "event_id": f"{log.event_id.name}: its values restart in each file"}
        log = replace(log, event_id=None, remarks=remarks)
    return Candidate(family, log, left_out)


def _differs(look: Look, log: Log, now: datetime) -> str:
    """Return why a file cannot be read like the one that the log was guessed from; empty if it can."""
    columns = {column.name: column for column in look.columns}
    if missing := [name for name in log.columns if name not in columns]:
        return f"has no column {missing[0]}"
    if log.time and (time := columns[log.time.name]).kind != Kind.EMPTY and not _written_alike(time, log, now):
        return f"its {time.name} is not written as in the other files"
    if log.rating and (rating := columns[log.rating.name]).kind in {Kind.TEXT, Kind.LIST, Kind.VECTOR, Kind.OBJECT}:
        return f"its {rating.name} holds no numbers"
    return ""


def _written_alike(time: Profile, log: Log, now: datetime) -> bool:
    """Return whether times are written as those that the log was guessed from."""
    forms = log.time.forms if log.time else ()
    return {*forms} <= {*time.forms} if forms else time_unit(time, now) == log.unit and not time.forms


def _repeats(look: Look, others: Sequence[Look], log: Log) -> str:
    """Return which of the other files holds the same rows, so that they would count twice; empty if none does."""
    enough = _COPIED_TIMES if log.time else _COPIED
    copied = next((other for other in others if look.repeats(other) >= enough), None)
    return f"repeats rows of {copied.file.name}" if copied else ""


def _restart(family: Family, column: str) -> bool:
    """Return whether the same ids occur in several files."""
    if len(family.looks) == 1:
        return False
    ids = pl.concat(to_text(take_sample(file).rows[column]) for file in family.files)
    return ids.n_unique() < len(ids)
