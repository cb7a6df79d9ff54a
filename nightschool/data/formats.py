"""How source files are written: the kinds of file a manifest can name."""

import codecs
from pathlib import PurePath, PureWindowsPath
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator


def _below_the_root(pattern: str) -> str:
    path, windows = PurePath(pattern), PureWindowsPath(pattern)
    if not pattern or path.is_absolute() or windows.drive or windows.root or ".." in windows.parts:
        raise ValueError("give a path or glob below the source root, neither absolute nor with '..'")
    return pattern


def _known_encoding(name: str) -> str:
    try:
        return codecs.lookup(name).name
    except LookupError:
        raise ValueError("give an encoding that Python knows, such as utf-8 or latin-1") from None


Pattern = Annotated[str, AfterValidator(_below_the_root)]
Encoding = Annotated[str, AfterValidator(_known_encoding)]
Names = tuple[str, ...]


class Part(BaseModel):
    """A section of the manifest: frozen, and without unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Csv(Part):
    """Lines of fields; a field between double quotes may hold the separator and line ends."""

    kind: Literal["csv"] = "csv"
    separator: str = Field(default=",", min_length=1, description="One or more characters; several never quote.")
    header: bool = Field(default=True, description="Whether the first line names the columns.")
    columns: Names = Field(default=(), description="The columns' names, where no header does.")
    encoding: Encoding = "utf-8"

    @model_validator(mode="after")
    def _columns_named_once(self) -> Self:
        if self.header == bool(self.columns):
            raise ValueError("give either header = true or header = false with columns")
        if len(set(self.columns)) < len(self.columns):
            raise ValueError("columns names one column twice; give each its own name")
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


Format = Annotated[Csv | Parquet | Jsonl | Adjacency, Field(discriminator="kind")]
"""A further kind is one more class here and one more reading in `data/readers.py`."""
