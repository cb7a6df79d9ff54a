"""The reference of every table and column, from `nightschool.columns` and `nightschool.storage.tables`."""

from typing import Final

import sqlalchemy as sa

from docs.generate.descriptions import Section, read, require_same
from docs.generate.writing import code, table
from nightschool import columns
from nightschool.storage.tables import METADATA
from nightschool.table import ExternalId, Table

_HEAD: Final = """# Tables

The tables of a home are [Delta Lake](https://delta.io) tables below `lake/`, one folder each. Any tool that reads
Delta or Parquet reads them; `nightschool export --table NAME --out FILE.parquet` writes one as a file. Times are UTC,
in microseconds. `external id` is `Int64` or `String`, one type for users and one for items, fixed at the first ingest.

Tables marked *released* hold all kept releases, one partition each: select the rows of one `release_id`. The current
one is the `published` row of `releases` with the highest `commit_version`.
"""

_SQL_TYPES: Final = {
    "Boolean": "truth value",
    "BigInteger": "whole number",
    "Integer": "whole number",
    "Text": "text",
    "Instant": "instant",
    "Double": "number",
    "JSON": "JSON",
}

_DATABASE: Final = """
The tables below are of the database that serving writes: `events.db` in the home, or the PostgreSQL database that
`NIGHTSCHOOL_EVENTS_URI` names.
"""


def page() -> str:
    """Return the page: every table with its key and its columns."""
    return "\n".join(
        (
            _HEAD,
            *map(_delta, delta_tables()),
            "## The database of events\n",
            _DATABASE,
            *map(_sql, METADATA.sorted_tables),
        )
    )


def delta_tables() -> list[Table]:
    """Return the tables that `nightschool.columns` declares, in its order."""
    return [each for each in vars(columns).values() if isinstance(each, Table)]


def _delta(declared: Table) -> str:
    types = {**declared.columns, **declared.optional}
    marks = [word for word, holds in (("released", declared.released), ("further columns", declared.open)) if holds]
    note = f"Key: {', '.join(code(name) for name in declared.key)}." + (f" *{', '.join(marks)}*" if marks else "")
    described = read("tables")[declared.name]
    return _section(f"## {declared.name}", described, note, [(name, _type(types[name])) for name in types])


def _sql(declared: sa.Table) -> str:
    described = read("tables")[f"database: {declared.name}"]
    rows = [(column.name, _SQL_TYPES[type(column.type).__name__]) for column in declared.columns]
    return _section(f"### {declared.name} (database)", described, "", rows)


def _section(title: str, described: Section, note: str, types: list[tuple[str, str]]) -> str:
    lines = dict(described)
    about = lines.pop("about")
    require_same(title, lines, [name for name, _ in types])
    rows = [(code(name), kind, lines[name]) for name, kind in types]
    return f"{title}\n\n{about} {note}\n\n{table(('column', 'type', 'meaning'), rows)}"


def _type(dtype: object) -> str:
    if isinstance(dtype, ExternalId):
        return "external id"
    return "instant" if dtype == columns.INSTANT else code(dtype.__name__ if isinstance(dtype, type) else dtype)
