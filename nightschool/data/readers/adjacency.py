"""Files of a user and all its items on each line, as many public data sets of graphs are written."""

from typing import Final, Literal

import polars as pl

from nightschool.data.readers.heads import FileStart
from nightschool.data.readers.parsing import RAW, no_faults
from nightschool.data.readers.source_format import Names, Sample, readable_rows, require_columns
from nightschool.data.readers.sources import SourceFile
from nightschool.data.readers.text_format import Encoding, TextFormat

_COLUMNS: Final = ("user", "item")
_RECORD: Final = "record"
_FIELDS: Final = "fields"
_GOOD_SHARE: Final = 0.9
_ID_LIST: Final = r"^\s*[^\s,;|]*\d[^\s,;|]*(\s+[^\s,;|]*\d[^\s,;|]*)*\s*$"


class Adjacency(TextFormat):
    """Lines of a user and all its items, between blanks; read as the columns `user` and `item`."""

    kind: Literal["adjacency"]
    encoding: Encoding = "utf-8"

    @property
    def text_encoding(self) -> str:
        """The encoding of the file."""
        return self.encoding

    def split(self, lines: pl.Series, _columns: Names) -> pl.DataFrame:
        """Split each line into one row a pair of user and item."""
        return split_adjacency(lines)

    def columns_of(self, file: SourceFile, needed: Names) -> Names:
        """Return the two columns.

        Raises:
            DataRefused: The manifest names another one.
        """
        require_columns(file, _COLUMNS, needed, do='give "user" and "item" for the columns of an adjacency list')
        return _COLUMNS

    @classmethod
    def guess(cls, start: FileStart) -> Sample | None:
        """Return the first pairs of a file in which each line is an id of its own and ids that go with it."""
        file, head = start.file, start.head
        if not looks_like_adjacency(head.lines):
            return None
        rows = readable_rows(file, split_adjacency(head.lines), "cannot be read")
        whys = {"kind": "each line is an id and the ids that go with it"}
        return Sample(file, cls(kind="adjacency", encoding=head.encoding), rows, head.whole, whys)


def split_adjacency(lines: pl.Series) -> pl.DataFrame:
    """Return one row a pair: raw (user, item), reason, detail, row. A user without items makes one without an item."""
    words = lines.to_frame(_RECORD).select(pl.col(_RECORD).str.extract_all(r"\S+").alias(_FIELDS))
    pairs = words.filter(pl.col(_FIELDS).list.len() > 0).select(
        pl.col(_FIELDS).list.first().alias("user"), pl.col(_FIELDS).list.slice(1).alias("item")
    )
    return pairs.explode("item", empty_as_null=True).select(pl.struct("user", "item").alias(RAW), *no_faults())


def looks_like_adjacency(lines: pl.Series) -> bool:
    """Return whether each line is an id of its own and, between blanks, ids that go with it."""
    lines = lines.filter(lines.str.strip_chars() != "")
    if len(lines) < 2 or lines.str.contains(_ID_LIST).sum() < _GOOD_SHARE * len(lines):
        return False
    owners = lines.str.extract(r"^\s*(\S+)")
    return owners.n_unique() >= _GOOD_SHARE * len(owners) and bool(lines.str.contains(r"\S\s+\S").any())
