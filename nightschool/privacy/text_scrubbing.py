"""Scrubbing texts that mention a user: log lines and messages, which may hold any text."""

import json
import os
import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final

import polars as pl

from nightschool.errors import Busy
from nightschool.storage.erasure_log import UserId

_ESCAPED_LETTER: Final = r"\\+u([0-9a-f]{4})"
_ESCAPED: Final = r"\\+(x[0-9a-f]{2}|[a-z])"
_BETWEEN_WORDS: Final = r"[^\p{Alphabetic}\p{N}]+"
_LONGEST: Final = 80
"""Characters of an id that are looked for: messages cut long values short."""

_CLEANINGS: Final = (
    ("log", "SELECT rowid, message FROM log", "DELETE FROM log WHERE rowid = ?"),
    ("events", "SELECT rowid, payload || resource FROM events", "DELETE FROM events WHERE rowid = ?"),
    ("event_resources", "SELECT rowid, resource FROM event_resources", "DELETE FROM event_resources WHERE rowid = ?"),
    (
        "flow_run_state",
        "SELECT rowid, message FROM flow_run_state",
        "UPDATE flow_run_state SET message = '' WHERE rowid = ?",
    ),
    (
        "task_run_state",
        "SELECT rowid, message FROM task_run_state",
        "UPDATE task_run_state SET message = '' WHERE rowid = ?",
    ),
    (
        # Of a run to forget somebody that was stopped before it withheld them; a number may be a parameter of any run.
        "flow_run",
        "SELECT rowid, CAST(json_extract(parameters, '$.user') AS TEXT) FROM flow_run",
        "UPDATE flow_run SET parameters = '{}' WHERE rowid = ?",
    ),
)
"""Prefect's tables that hold texts: how to read them, and what to do with a row that mentions the user."""

_ROWS: Final = {"rowid": pl.Int64, "text": pl.String}
_PATIENCE_SECONDS: Final = 60.0


def mentions(text: pl.Expr, user_id: UserId) -> pl.Expr:
    """Return whether a text has the user's id as a word of its own, however often it was quoted and escaped.

    A number is found wherever it occurs, whatever it counts.
    """
    if isinstance(user_id, int):
        return text.str.contains(rf"(^|\D){user_id}(\D|$)")
    spelled = pl.select(_words(pl.lit(pl.Series([user_id, json.dumps(user_id)])))).to_series().str.strip_chars()
    whole = [f" {words} " if len(words) < _LONGEST else f" {words[:_LONGEST]}" for words in spelled if words]
    found = [_words(text).str.contains(words, literal=True) for words in whole]
    if not spelled[0]:
        # An id of signs alone separates words elsewhere: it counts only by itself or between quotes.
        found.append(text.str.contains(rf"""(^|["'\\]){re.escape(user_id)}(["'\\]|$)"""))
    return pl.any_horizontal(*found)


def _words(text: pl.Expr) -> pl.Expr:
    """Return the words of a text between blanks; an escaped letter is part of its word, other escapes are not."""
    words = text.str.replace_all(_ESCAPED_LETTER, "u$1").str.replace_all(_ESCAPED, " ")
    return pl.concat_str(pl.lit(" "), words.str.replace_all(_BETWEEN_WORDS, " "), pl.lit(" "))


def forget_in_prefect(database: Path, user_id: UserId) -> None:
    """Remove what mentions a user from Prefect's SQLite database, so that no byte of it is left in its files.

    Log lines and events that mention them are deleted, messages of states are emptied; runs, artifacts and deployments
    stay.

    Raises:
        Busy: A server keeps the database busy.
    """
    with closing(sqlite3.connect(database, timeout=_PATIENCE_SECONDS, isolation_level=None)) as connection:
        try:
            present = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
            for _, texts, change in (cleaning for cleaning in _CLEANINGS if cleaning[0] in present):
                _on_mentions(connection, texts, change, user_id)
            # Removed rows stay in free pages and in the write-ahead log, also those of an erasure that was cut short.
            connection.execute("VACUUM")
            busy, *_ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        except sqlite3.DatabaseError as error:
            raise _busy(database, str(error)) from error
    if busy:
        raise _busy(database, "readers that do not end")


def forget_in_log(file: Path, user_id: UserId) -> None:
    """Empty a log that mentions the user; the server that writes to it goes on behind the gap."""
    text = pl.lit(file.read_text(encoding="utf-8", errors="replace"))
    if pl.select(mentions(text, user_id)).item():
        os.truncate(file, 0)


def _on_mentions(connection: sqlite3.Connection, texts: str, change: str, user_id: UserId) -> None:
    rows = pl.DataFrame(connection.execute(texts).fetchall(), schema=_ROWS, orient="row")
    found = rows.filter(mentions(pl.col("text"), user_id))["rowid"]
    connection.execute("BEGIN IMMEDIATE")
    connection.executemany(change, [(row,) for row in found])
    connection.execute("COMMIT")


def _busy(database: Path, seen: str) -> Busy:
    return Busy(f"{database} cannot be cleaned", seen=seen, do="stop the Prefect server and run the command again")
