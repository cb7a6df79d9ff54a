"""Outcome of each source file: taken in, set aside with the reason, dropped, or unreadable tonight."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from nightschool.columns import DETAIL, REASON, STATE, Table
from nightschool.data.readers.contents import read_content
from nightschool.data.readers.sources import Extent, SourceFile
from nightschool.data.readers.sql import Sql
from nightschool.errors import DataRefused, NightschoolError, NotFound, Unavailable
from nightschool.ingest.batch import IngestContext, Intake
from nightschool.ingest.ledger import Decision, Description, Entry, Ledger
from nightschool.ingest.vectors import vector_files

Fate = Literal["taken", "set_aside", "dropped", "unreadable"]
_WAITING = frozenset({"unknown_user", "unknown_item"})
"""Reasons that may pass by themselves: a later night judges a file again that was set aside for them."""


@dataclass(frozen=True)
class FileFate:
    """What became of one file.

    Attributes:
        rows: The file's rows that were looked at tonight.
        detail: Why it was not taken in, or which file it repeats; empty where there is nothing to say.
    """

    table: str
    file: str
    fate: Fate
    rows: int = 0
    detail: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return the fate as JSON holds it."""
        return asdict(self)

    @property
    def warning(self) -> str | None:
        """Return a sentence for the night's report; None for a file that was simply taken in."""
        if self.fate == "taken":
            return self.detail or None
        return f"{self.file} was left out ({self.fate.replace('_', ' ')}): {self.detail}"


def refuse(
    context: IngestContext, intake: Intake, file: SourceFile, part: Description, error: NightschoolError
) -> FileFate:
    """Set a file aside with the reason for which it was refused, or leave it for another night where it is unreadable.

    Args:
        context: The ingest.
        intake: What the file had given until it was refused.
        file: The file.
        part: What describes it.
        error: The refusal.
    """
    rows = intake.already_known + intake.accepted.rows + intake.rejected.rows or part.format.count_rows(file)
    if isinstance(error, NotFound | Unavailable):
        return FileFate(intake.table.name, file.name, "unreadable", rows, str(error))
    reasons = dict(intake.reasons.most_common())
    extent = replace(_content(file, part), rows=rows, position=vector_files(part, context.source_root))
    about = {REASON: str(error), DETAIL: json.dumps({"rows": rows, "reasons": reasons})}
    context.ledger.set_aside(intake.table, file, part, extent, about)
    return FileFate(intake.table.name, file.name, "set_aside", rows, str(error))


def _content(file: SourceFile, part: Description) -> Extent:
    """Return the bytes of a file; none of a query or of a file that cannot be read to its end, judged every night."""
    if isinstance(part.format, Sql):
        return Extent(0, 0, "")
    try:
        content = read_content(file, ())
    except (DataRefused, NotFound, Unavailable):
        return Extent(0, 0, "")
    return Extent(content.bytes, 0, content.sha256)


def repeat_refusal(table: Table, file: SourceFile, decided: Entry) -> FileFate:
    """Return the fate of a file that was set aside or dropped before, and is as it was."""
    fate: Fate = "dropped" if decided[STATE] == "dropped" else "set_aside"
    return FileFate(table.name, file.name, fate, json.loads(decided[DETAIL])["rows"], decided[REASON])


def may_have_passed(decided: Entry) -> bool:
    """Return whether a file that was set aside is to be judged again: its users or items may be known by now."""
    return bool(_WAITING & json.loads(decided[DETAIL])["reasons"].keys())


def decide_file(ledger: Ledger, tables: Sequence[Table], file: str, decision: Decision) -> Entry:
    """Accept or drop a file that is set aside; the next ingest acts on it.

    Raises:
        NotFound: No such file is set aside.
    """
    entries = [entry for table in tables if (entry := ledger.decide(table, file, decision)) is not None]
    if not entries:
        raise NotFound("no such file is set aside", seen=file, do="choose one: nightschool sources list")
    ledger.write()
    return entries[0]
