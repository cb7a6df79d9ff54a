"""The formats that a manifest can name: a new one is a class of its own, and one line here."""

from typing import Annotated, Final, get_args

from pydantic import Field

from nightschool.data.readers.adjacency import Adjacency
from nightschool.data.readers.csr import Csr
from nightschool.data.readers.delimited import Csv
from nightschool.data.readers.jsonl import Jsonl
from nightschool.data.readers.parquet import Parquet
from nightschool.data.readers.source_format import SourceFormat
from nightschool.data.readers.sql import Sql

Format = Annotated[
    Parquet  # what its first bytes tell comes first
    | Csr
    | Jsonl
    | Csv
    | Adjacency
    | Sql,
    Field(discriminator="kind"),
]
"""How a source is written. `init` tries the formats in this order, and takes the first that a file looks like."""

FORMATS: Final[tuple[type[SourceFormat], ...]] = get_args(get_args(Format)[0])

TableFormat = Annotated[Csv | Parquet | Jsonl, Field(discriminator="kind")]
"""How a file is written that translates one id into another."""
