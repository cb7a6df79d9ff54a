"""A query of an SQLite or PostgreSQL database as a source; SQLAlchemy is imported when one is read."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import ClassVar, Literal, Self

import polars as pl
from pydantic import Field, PrivateAttr, SecretStr, model_validator

from nightschool.data.readers.source_format import Names, Reading, SourceFormat
from nightschool.data.readers.sources import Extent, SourceFile


class Sql(SourceFormat):
    """A query of an SQLite or PostgreSQL database; lists are read from JSON.

    Rows may be added while their keys grow; rows with keys that were read already must stay as they were.
    """

    kind: Literal["sql"]
    uri: SecretStr = Field(
        min_length=1, description='"sqlite:///FILE" below the source root, "postgresql://…", "$NAME".'
    )
    query: str = Field(pattern=r"\S")
    key: str = Field(description="Column of whole numbers or texts, unique, and higher in every row that is added.")
    name: str = Field(default="sql", pattern=r"^\w[\w.-]*$", description="The name of the query in tables and errors.")

    from_files: ClassVar[bool] = False

    _folder: Path | None = PrivateAttr(default=None)

    def below(self, folder: Path) -> Self:
        """Return the query of an SQLite file below another folder than the source root, which no manifest can name."""
        copy = self.model_copy()
        copy._folder = folder
        return copy

    def root(self, source_root: Path) -> Path:
        """Return the folder that an SQLite file lies below."""
        return self._folder or source_root

    @model_validator(mode="after")
    def _can_be_read(self) -> Self:
        uri = self.uri.get_secret_value()
        if not uri.startswith("$"):
            from nightschool.data.readers.addresses import require_address

            require_address(uri)
        if self.query.rstrip().endswith(";"):
            raise ValueError("end the query without a semicolon")
        return self

    def frames(self, reading: Reading) -> Iterator[pl.DataFrame]:
        """Yield frames of raw, reason, detail, row for the rows beyond the last key."""
        from nightschool.data.readers.queries import query_rows

        for position, rows in query_rows(self, reading.file, reading.needed, reading.known):
            reading.extent = replace(reading.extent, position=position)
            yield rows

    def sources(self, root: Path, _patterns: Names) -> list[SourceFile]:
        """Return the query, which is one source under its name."""
        return [SourceFile(self.name, self.root(root))]

    def is_unchanged(self, _file: SourceFile, _known: Extent) -> bool:
        """Return False: what a query gives is not known before it is read."""
        return False
