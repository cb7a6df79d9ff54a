"""What operators asked to be done with quarantined rows, carried out: repairs come in, dismissals leave the list."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

import polars as pl

from nightschool.columns import DETAIL, DISMISSED, INTERACTIONS, ITEMS, QUARANTINE, REASON, ROW, USERS
from nightschool.errors import NightschoolError, Unreachable
from nightschool.ingest.batch import IngestContext
from nightschool.ingest.ledger import Ledger
from nightschool.ingest.quarantine.retry import find_part, retry
from nightschool.storage.quarantine.repairs import Place, Repair, Repairs, State, hash_row
from nightschool.storage.quarantine.table import PLACE, quarantined, settle

_ORDER: Final = (USERS.name, ITEMS.name, INTERACTIONS.name)
"""Users and items come first, so that an interaction may name one that comes in with it."""

_WHY: Final = "why"
_WORDS: Final[Mapping[State, str]] = {
    "taken": "repaired rows came in",
    "refused": "repaired rows were refused once more and stay in quarantine",
    "dismissed": "quarantined rows were dismissed",
    "gone": "rows to repair or dismiss are no longer in quarantine as they were",
}


class _Lying(NamedTuple):
    """What lies in quarantine at a place."""

    reason: str
    row: str | None


@dataclass(frozen=True)
class AskedReport:
    """What became of what operators asked for: how many ended in each state."""

    states: Counter[State]

    @property
    def sentences(self) -> tuple[str, ...]:
        """Say it, one sentence a state."""
        return tuple(f"{self.states[state]:,} {words}" for state, words in _WORDS.items() if self.states[state])


def carry_out(context: IngestContext, repairs: Repairs) -> AskedReport:
    """Try the rows that operators corrected and take the dismissed ones off the list. Call it after an ingest.

    A corrected row passes the same checks as one that arrives in a file. It can be killed at any instant and called
    again. What cannot be tried ends as refused: no operator's correction makes a night fail.

    Args:
        context: That of the ingest; rows become known when those of the ingest do.
        repairs: What operators asked for.

    Raises:
        Unreachable: A database does not answer.
    """
    waiting, states = repairs.waiting(), Counter[State]()
    if not waiting:
        return AskedReport(states)
    settle(context.lake)
    lying = _lying(context, waiting)
    ends: list[tuple[Repair, State, str]] = []
    there: list[Repair] = []
    for each in waiting:
        found = lying.get(each.place)
        if found is not None and (hash_row(found.row) == each.seen or (each.row and found.row == each.row)):
            there.append(each)
        else:
            ends.append((each, "gone", ""))
    dismissals = [each for each in there if each.dismisses]
    _dismiss(context, dismissals)
    ends += [(each, "dismissed", "") for each in dismissals]
    ends += _repair(context, [each for each in there if not each.dismisses])
    for each, state, detail in ends:
        repairs.end(each, state, context.now, detail)
        states[state] += 1
    return AskedReport(states)


def _lying(context: IngestContext, asked: Iterable[Repair]) -> dict[Place, _Lying]:
    """Return what lies in quarantine at the places of what was asked."""
    rows = (
        quarantined(context.lake).join(_frame(asked).lazy(), on=PLACE, how="semi").select(*PLACE, REASON, ROW).collect()
    )
    return {Place(*place): _Lying(reason, row) for *place, reason, row in rows.iter_rows()}


def _frame(asked: Iterable[Repair]) -> pl.DataFrame:
    """Return the places of what was asked, with the corrected rows and the reasons of dismissals."""
    rows = [(*each.place, each.row, each.reason) for each in asked]
    types = (pl.String, pl.String, pl.Int64, pl.String, pl.String)
    return pl.DataFrame(rows, dict(zip((*PLACE, ROW, _WHY), types, strict=True)), orient="row")


def _dismiss(context: IngestContext, asked: Sequence[Repair]) -> None:
    """Give the rows the reason that takes them off the list; why, and what was wrong with them, is their detail."""
    if not asked:
        return
    whys = _frame(asked).select(*PLACE, _WHY).lazy()
    rows = context.lake.scan(QUARANTINE).join(whys, on=PLACE, how="left", maintain_order="left")
    asked_for = pl.col(_WHY).is_not_null()
    was = pl.concat_str(REASON, DETAIL, separator=" ", ignore_nulls=True)
    rows = rows.with_columns(
        pl.when(asked_for).then(pl.format("{}; {}", _WHY, was)).otherwise(DETAIL).alias(DETAIL),
        pl.when(asked_for).then(pl.lit(DISMISSED)).otherwise(REASON).alias(REASON),
    )
    context.lake.overwrite(QUARANTINE, rows.select(*QUARANTINE.columns))


def _repair(context: IngestContext, asked: Sequence[Repair]) -> list[tuple[Repair, State, str]]:
    """Try corrected rows, file by file, and return what became of each."""
    files = sorted({each.place[:2] for each in asked}, key=lambda file: (_ORDER.index(file[0]), file[1]))
    failed = {file: why for file in files if (why := _try_file(context, [e for e in asked if e.place[:2] == file]))}
    lying = _lying(context, asked)
    ends: list[tuple[Repair, State, str]] = []
    for each in asked:
        found = lying.get(each.place)
        if found is None:
            ends.append((each, "taken", ""))
        else:
            ends.append((each, "refused", failed.get(each.place[:2], found.reason)))
    return ends


def _try_file(context: IngestContext, asked: Sequence[Repair]) -> str:
    """Try the corrected rows of one file; return why none of them could be tried, empty where they were."""
    table, name, _ = asked[0].place
    context = replace(context, ledger=Ledger(context.lake, context.now))
    if table == INTERACTIONS.name and find_part(context, name) is None:
        return "the manifest no longer describes the file that the row came from"
    try:
        retry(context, _frame(asked).select(*PLACE, ROW))
    except Unreachable:
        raise
    except NightschoolError as error:
        return str(error)
    return ""
