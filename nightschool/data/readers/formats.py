"""How source files are written: the kinds of file a manifest can name."""

import codecs
from collections.abc import Mapping
from pathlib import Path, PurePath, PureWindowsPath
from typing import Annotated, Final, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeInt,
    PrivateAttr,
    SecretStr,
    model_validator,
)

SQLITE: Final = "sqlite:///"
"""How the URI of an SQLite file begins; its path below the source root follows."""

_LONGEST_NAME: Final = 255
"""Bytes that file systems allow in the name of a file."""

_POSTGRESQL: Final = ("postgresql://", "postgresql+psycopg://")


def _below_the_root(pattern: str) -> str:
    path, windows = PurePath(pattern), PureWindowsPath(pattern)
    if not pattern or path.is_absolute() or windows.drive or windows.root or ".." in windows.parts:
        raise ValueError("give a path or glob below the source root, neither absolute nor with '..'")
    if any(len(part.encode()) > _LONGEST_NAME or ("**" in part and part != "**") for part in path.parts):
        raise ValueError(f"give names of at most {_LONGEST_NAME} bytes, and ** alone between slashes")
    return pattern


def _known_encoding(name: str) -> str:
    try:
        # Some codecs are no encodings of text, and say so only when they are used.
        "\n".encode(name)
        return codecs.lookup(name).name
    except (LookupError, UnicodeError):
        raise ValueError("give an encoding that Python knows, such as utf-8 or latin-1") from None


def _first_before_last(columns: tuple[int, int]) -> tuple[int, int]:
    if columns[0] > columns[1]:
        raise ValueError("give the first column of a range before its last")
    return columns


def require_address(uri: str) -> str:
    """The URI of a database, if it is one that can be read.

    Raises:
        ValueError: It is of another kind, or names an SQLite file that is not below the source root.
    """
    if uri.startswith(SQLITE):
        _below_the_root(uri.removeprefix(SQLITE))
    elif not uri.startswith(_POSTGRESQL):
        raise ValueError('give uri as "sqlite:///FILE", "postgresql://…" or "$NAME" of an environment variable')
    return uri


Pattern = Annotated[str, AfterValidator(_below_the_root)]
Encoding = Annotated[str, AfterValidator(_known_encoding)]
Columns = Annotated[tuple[NonNegativeInt, NonNegativeInt], AfterValidator(_first_before_last)]
"""The first and the last of a range of columns, counted from 0."""

Names = tuple[str, ...]


def is_pattern(name: str) -> bool:
    """Return whether polars takes a column's name for a pattern that selects other columns."""
    return name == "*" or (name.startswith("^") and name.endswith("$"))


class Part(BaseModel):
    """A section of the manifest: frozen, and without unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Csv(Part):
    r"""Lines of fields; a field between double quotes may hold the separator and line ends.

    A line ends with \n or \r\n, mixed as they come; a lone \r belongs to its field. A byte order mark is no data. Files
    in UTF-16 or UTF-32 are taken whole: such a file cannot grow.
    """

    kind: Literal["csv"] = "csv"
    separator: str = Field(default=",", min_length=1, description="One or more characters; several never quote.")
    header: bool = Field(default=True, description="Whether the first line names the columns.")
    columns: Names = Field(default=(), description="The columns' names, where no header does.")
    encoding: Encoding = "utf-8"
    quote: Literal['"', "none"] = Field(default='"', description='"none" where a quote is a letter like others.')

    decimal: Literal[".", ","] = Field(default=".", description="The decimal mark of numbers.")
    thousands: Literal["", ".", ",", " ", "'"] = Field(default="", description="What stands between thousands.")

    @property
    def quotes(self) -> bool:
        """Whether fields may stand between double quotes."""
        return self.quote != "none"

    @model_validator(mode="after")
    def _columns_named_once(self) -> Self:
        if self.header == bool(self.columns):
            raise ValueError("give either header = true or header = false with columns")
        if len(set(self.columns)) < len(self.columns):
            raise ValueError("columns names one column twice; give each its own name")
        if self.decimal == self.thousands:
            raise ValueError("decimal and thousands are one mark; give two")
        return self


class Parquet(Part):
    """A Parquet file."""

    kind: Literal["parquet"]


class Jsonl(Part):
    """One JSON object a line."""

    kind: Literal["jsonl"]
    encoding: Encoding = "utf-8"


class Adjacency(Part):
    """Lines of a user and all its items, between blanks; read as the columns `user` and `item`."""

    kind: Literal["adjacency"]
    encoding: Encoding = "utf-8"


class Csr(Part):
    """A scipy .npz file of a sparse matrix in CSR form, taken whole; its rows and columns are counted from 0.

    Read as one row for each value that is not zero, with the columns `row`, `column` and `value`; with `lists`, as one
    row for each row of the matrix, with the column `row` and those lists.
    """

    kind: Literal["csr"]
    id: int | None = Field(default=None, ge=0, description="Column whose value stands for `row`; default: its number.")
    columns: Columns | None = Field(default=None, description="The columns that are read; default: all but the id's.")
    lists: Mapping[str, Columns] = Field(default={}, description="List to the columns whose numbers it holds, if set.")

    @model_validator(mode="after")
    def _values_or_lists(self) -> Self:
        if self.lists and self.columns:
            raise ValueError("give columns for a row a value, or lists for a row a row of the matrix")
        if "row" in self.lists:
            raise ValueError("give the list another name than row")
        return self


class Sql(Part):
    """A query of an SQLite or PostgreSQL database; lists are read from JSON.

    Rows may be added while their keys grow; rows with keys that were read already must stay as they were.
    """

    kind: Literal["sql"]
    uri: SecretStr = Field(
        min_length=1, description='"sqlite:///FILE" below the source root, "postgresql://…", "$NAME".'
    )
    query: str = Field(pattern=r"\S")
    key: str = Field(description="Column of whole numbers or texts, unique, and higher in every row that is added.")
    name: str = Field(default="sql", pattern=r"^\w[\w.-]*$", description="What tables and errors call the query.")

    _folder: Path | None = PrivateAttr(default=None)

    def below(self, folder: Path) -> Self:
        """The same query of an SQLite file below another folder than the source root, which no manifest can name."""
        copy = self.model_copy()
        copy._folder = folder
        return copy

    def root(self, source_root: Path) -> Path:
        """The folder that an SQLite file lies below."""
        return self._folder or source_root

    @model_validator(mode="after")
    def _can_be_read(self) -> Self:
        uri = self.uri.get_secret_value()
        if not uri.startswith("$"):
            require_address(uri)
        if self.query.rstrip().endswith(";"):
            raise ValueError("end the query without a semicolon")
        return self


TableFormat = Annotated[Csv | Parquet | Jsonl, Field(discriminator="kind")]
"""How a file is written that translates one id into another."""

Format = Annotated[Csv | Parquet | Jsonl | Adjacency | Csr | Sql, Field(discriminator="kind")]
"""A further kind is one more class here and one more reading in `data/readers.py`."""
