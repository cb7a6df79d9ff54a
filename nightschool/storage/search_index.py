"""A release's search index: the words of its items in one SQLite file, which is written once and then only read."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import Any, Final, Self
from urllib.parse import quote

import numpy as np
import polars as pl
from numpy.typing import NDArray

from nightschool.columns import ITEM_ID, TEXT, TITLE, WITHDRAWN
from nightschool.errors import Unavailable, Unreachable
from nightschool.item_columns import ItemColumns
from nightschool.storage.component_files import file_hash
from nightschool.storage.durable import replacing
from nightschool.storage.release import Release

SEARCH_INDEX: Final = "search.db"

Hits = NDArray[Any]
"""`place` (from 1, in the order of item ids) and `score` (BM25, higher is better) of each hit."""

_PLACE, _LABELS, _PIECES, _RELATED = "place", "labels", "pieces", "related"
_HIT: Final = np.dtype([(_PLACE, np.int64), ("score", np.float64)])
_UNSPACED: Final = r"([\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}])"
"""Letters of scripts that do not separate words by spaces: each is a word of its own."""

_SCHEMA: Final = (
    "CREATE TABLE items (place INTEGER PRIMARY KEY, item_id)",
    "CREATE VIRTUAL TABLE words USING fts5 (title, labels, text, content='', tokenize='unicode61 remove_diacritics 2')",
    "CREATE VIRTUAL TABLE related USING fts5 (words, content='', tokenize='unicode61 remove_diacritics 2')",
    "CREATE VIRTUAL TABLE trigrams USING fts5 (pieces, content='', detail='none', tokenize='trigram')",
)
_INSERTS: Final = {
    "INSERT INTO items VALUES (?, ?)": (ITEM_ID,),
    "INSERT INTO words (rowid, title, labels, text) VALUES (?, ?, ?, ?)": (TITLE, _LABELS, TEXT),
    "INSERT INTO related (rowid, words) VALUES (?, ?)": (_RELATED,),
    "INSERT INTO trigrams (rowid, pieces) VALUES (?, ?)": (_PIECES,),
}
"""Statements to the columns that they take after the place."""

_JOIN: Final = (
    "INSERT INTO words (words) VALUES ('optimize')",
    "INSERT INTO related (related) VALUES ('optimize')",
    "INSERT INTO trigrams (trigrams) VALUES ('optimize')",
)
_BY_WORDS: Final = "SELECT rowid, -bm25(words, 10.0, 4.0, 1.0) FROM words WHERE words MATCH ?"
_BY_RELATED: Final = "SELECT rowid, -bm25(related) FROM related WHERE related MATCH ?"
_BY_TRIGRAMS: Final = "SELECT rowid, -bm25(trigrams) FROM trigrams WHERE trigrams MATCH ?"


def can_index() -> bool:
    """Return whether this machine's SQLite has what the index needs: FTS5 with its trigrams, of SQLite 3.34."""
    with closing(sqlite3.connect(":memory:")) as connection:
        try:
            connection.execute("CREATE VIRTUAL TABLE trial USING fts5 (words, tokenize='trigram')")
        except sqlite3.OperationalError:
            return False
    return True


def publish_search_index(
    folder: Path, items: pl.DataFrame, columns: ItemColumns, related: pl.Series | None = None
) -> dict[str, str]:
    """Write the index of a release, whole or not at all; return its hash by its file's name.

    The same items give the same bytes by the same SQLite, whose version is part of a night's environment. Where SQLite
    lacks FTS5, a release has no index, and nothing is returned.

    Args:
        folder: The release's serving files.
        items: The items known at T: item_id, title, text, withdrawn, and the columns.
        columns: Which columns hold labels.
        related: Words of other items that each item is found by too, after those that have them themselves.
    """
    path = folder / SEARCH_INDEX
    if not can_index():
        path.unlink(missing_ok=True)
        return {}
    # Without a journal SQLite leaves no file of its own beside a draft.
    with replacing(path) as draft, closing(sqlite3.connect(draft, isolation_level=None)) as connection:
        for pragma in ("page_size = 4096", "journal_mode = OFF", "synchronous = OFF"):
            connection.execute(f"PRAGMA {pragma}")
        _fill(connection, _indexed(items, columns, related=related))
        connection.execute("VACUUM")
    return {SEARCH_INDEX: file_hash(path)}


def published_search_index(release: Release, folder: Path) -> list[Path]:
    """Return the index that was published with a release, or nothing; it need not be there any more."""
    return [folder / SEARCH_INDEX] if SEARCH_INDEX in release.content_hashes else []


def index_words(texts: pl.Expr) -> pl.Expr:
    """Return texts as the index holds them and queries are asked: letters of unspaced scripts stand alone."""
    return texts.str.normalize("NFKC").str.replace_all(_UNSPACED, " ${1} ")


def plain_words(texts: pl.Expr) -> pl.Expr:
    """Return the words of each text in lower case without diacritics, as a list; letters of unspaced scripts alone."""
    bare = texts.str.normalize("NFKD").str.replace_all(r"\p{Mn}", "").str.to_lowercase()
    return bare.str.replace_all(_UNSPACED, " ${1} ").str.extract_all(r"[\p{L}\p{N}]+")


class SearchIndex:
    """An index that is searched: a file with a connection for each search, or a small database in memory."""

    def __init__(self, path: Path | None, memory: sqlite3.Connection | None = None) -> None:
        self._path = path
        self._memory = memory
        self._turn = Lock()

    @classmethod
    def build(cls, items: pl.DataFrame, columns: ItemColumns) -> Self:
        """Build in memory what `publish_search_index` writes, without related words.

        Raises:
            Unavailable: SQLite lacks FTS5.
        """
        if not can_index():
            do = "use a Python whose SQLite is 3.34 or newer, with FTS5"
            raise Unavailable("this machine's SQLite cannot search", seen=sqlite3.sqlite_version, do=do)
        connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        _fill(connection, _indexed(items, columns))
        return cls(None, connection)

    def with_items(self, items: pl.DataFrame, columns: ItemColumns) -> Self:
        """Return the index in memory with further items, at places after all others.

        An item that the index holds already is in it twice: what was said of it before cannot be taken out.

        Args:
            items: As `publish_search_index` takes them.
            columns: Which columns hold labels.

        Raises:
            Unreachable: The index is missing or damaged.
        """
        memory = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        with self._guarded(), self._opened() as connection:
            connection.backup(memory)
        (last,) = memory.execute("SELECT coalesce(max(place), 0) FROM items").fetchone()
        _insert(memory, _indexed(items, columns, first=last + 1))
        return type(self)(None, memory)

    def item_ids(self) -> list[int | str]:
        """Return the ids of the items in the index in the order of their places.

        Raises:
            Unreachable: The index is missing or damaged.
        """
        return [item_id for (item_id,) in self._rows("SELECT item_id FROM items ORDER BY place")]

    def by_words(self, expression: str) -> Hits:
        """Find items by an FTS5 expression of `index_words`, unordered; titles count most, then labels.

        Raises:
            Unreachable: The index is missing or damaged.
        """
        return np.array(self._rows(_BY_WORDS, expression), dtype=_HIT)

    def by_related_words(self, expression: str) -> Hits:
        """Find items likewise by the words of the items related to them; none in an index made before it had these.

        Raises:
            Unreachable: The index is missing or damaged.
        """
        return np.array(self._rows(_BY_RELATED, expression) if self._has_related else [], dtype=_HIT)

    def by_trigrams(self, expression: str) -> Hits:
        """Find items by an FTS5 expression of trigrams of `plain_words`, each word between spaces, unordered.

        Raises:
            Unreachable: The index is missing or damaged.
        """
        return np.array(self._rows(_BY_TRIGRAMS, expression), dtype=_HIT)

    @cached_property
    def _has_related(self) -> bool:
        return bool(self._rows("SELECT 1 FROM sqlite_master WHERE name = ?", _RELATED))

    def _rows(self, query: str, *values: str) -> list[Any]:
        with self._guarded(), self._opened() as connection:
            return connection.execute(query, values).fetchall()

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            do = "run `nightschool retrain`, or roll back: nightschool releases rollback"
            raise Unreachable("the release's search index is missing or damaged", seen=str(error), do=do) from error

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        if self._memory is not None:
            with self._turn:
                yield self._memory
            return
        address = f"file:{quote(str(self._path))}?mode=ro&immutable=1"
        with closing(sqlite3.connect(address, uri=True)) as connection:
            yield connection


def _fill(connection: sqlite3.Connection, rows: pl.DataFrame) -> None:
    connection.execute("BEGIN")
    for statement in _SCHEMA:
        connection.execute(statement)
    _insert(connection, rows)
    for statement in _JOIN:
        connection.execute(statement)
    connection.execute("COMMIT")


def _insert(connection: sqlite3.Connection, rows: pl.DataFrame) -> None:
    for statement, names in _INSERTS.items():
        connection.executemany(statement, rows.select(_PLACE, *names).iter_rows())


def _indexed(
    items: pl.DataFrame, columns: ItemColumns, first: int = 1, related: pl.Series | None = None
) -> pl.DataFrame:
    """Return place, item_id, title, labels, text, related and the title for trigrams of the items with any words."""
    named = dict.fromkeys((*columns.names, *([columns.skills] if columns.skills else ())))
    labels = [_joined(name, items.schema[name]) for name in named if name in items.columns]
    words = pl.lit("") if related is None else index_words(pl.lit(related))
    rows = items.select(
        ITEM_ID,
        WITHDRAWN,
        index_words(pl.col(TITLE)).fill_null(""),
        index_words(pl.concat_str([pl.lit(""), *labels], separator=" ", ignore_nulls=True)).alias(_LABELS),
        index_words(pl.col(TEXT)).fill_null(""),
        words.fill_null("").alias(_RELATED),
        pl.format(" {} ", plain_words(pl.col(TITLE)).list.join(" ")).fill_null("").alias(_PIECES),
    )
    texts = pl.concat_str(TITLE, _LABELS, TEXT, _RELATED).str.strip_chars()
    return rows.filter(~pl.col(WITHDRAWN), texts != "").sort(ITEM_ID).with_row_index(_PLACE, offset=first)


def _joined(name: str, dtype: pl.DataType) -> pl.Expr:
    """Return a column of labels as one text a row."""
    return (
        pl.col(name).cast(pl.List(pl.String)).list.join(" ")
        if isinstance(dtype, pl.List)
        else pl.col(name).cast(pl.String)
    )
