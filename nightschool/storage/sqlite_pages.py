"""What an SQLite file keeps of rows that were removed: bytes that no row uses, overwritten a few pages at a time."""

import os
import sqlite3
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Final

_PAUSE_SECONDS: Final = 0.02
_RESTS: Final = 2
"""How long others get between two steps that keep them waiting: this, or so many times as long as the step took."""

_PAGES: Final = 100
"""Pages that are overwritten in one step, which takes some 2 ms."""

_TRIES: Final = 100
_PATIENCE_MS: Final = 20
_HEADER_BYTES: Final = {2: 12, 5: 12, 10: 8, 13: 8}
"""Kinds of pages that hold rows or entries of an index, and how long the header of each is."""


def rest(held: float) -> None:
    """Give others time, after a step that kept them waiting for so many seconds."""
    time.sleep(max(_PAUSE_SECONDS, _RESTS * held))


def overwrite_unused(path: Path, connect: sqlite3.Connection) -> bool:
    """Overwrite with zeros what no row uses; return whether it could be done, which a busy database may prevent.

    Rows that were moved from a full page to another leave their bytes behind, and `secure_delete` does not reach
    those. Other connections may read and write meanwhile: each step holds the lock of writers for moments. Nothing
    that SQLite reads is changed, so that a process killed in between leaves a sound file.

    Args:
        path: The file, in WAL mode.
        connect: A connection of its own to the file, in no transaction.
    """
    # Other writers wait meanwhile, so do not wait for the disk; checkpoints sync anyway.
    connect.execute("PRAGMA synchronous = NORMAL")
    _empty_log(connect)
    with path.open("r+b") as file:
        size = _page_size(file.fileno())
        found = [*dict(_free_pages(file.fileno(), size)), *_with_remains(file.fileno(), size)]
        steps = pairwise([*range(0, len(found), _PAGES), len(found)])
        return all(_overwrite(path, file.fileno(), connect, size, found[first:end]) for first, end in steps)


def _empty_log(connection: sqlite3.Connection) -> None:
    """Move the log into the file: first what can be moved while others write, so that little is left for the rest."""
    connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
    (patience,) = connection.execute("PRAGMA busy_timeout").fetchone()
    # It keeps who writes waiting while it waits for who reads.
    connection.execute(f"PRAGMA busy_timeout = {_PATIENCE_MS}")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.execute(f"PRAGMA busy_timeout = {patience}")


def _overwrite(path: Path, file: int, connection: sqlite3.Connection, size: int, pages: list[int]) -> bool:
    """Overwrite these pages if no other process writes and the log is empty; return whether it was done."""
    for _ in range(_TRIES):
        _empty_log(connection)
        connection.execute("BEGIN IMMEDIATE")
        since = time.perf_counter()
        try:
            done = _is_empty(path.with_name(f"{path.name}-wal"))
            if done:
                free = dict(_free_pages(file, size))
                for number in pages:
                    _overwrite_page(file, size, number, free.get(number))
                # A write, though of nothing new, makes every other connection read its pages again.
                (version,) = connection.execute("PRAGMA application_id").fetchone()
                connection.execute(f"PRAGMA application_id = {version}")
                connection.execute("COMMIT")
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
        held = time.perf_counter() - since
        if done:
            # Before anybody's checkpoint has to, while they keep others waiting.
            os.fsync(file)
        rest(held)
        if done:
            return True
    return False


def _is_empty(log: Path) -> bool:
    return not log.exists() or not log.stat().st_size


def _overwrite_page(file: int, size: int, number: int, free_from: int | None) -> None:
    page = os.pread(file, size, (number - 1) * size)
    for first, end in _unused(page) if free_from is None else [(free_from, size)]:
        if page[first:end].strip(b"\0"):
            os.pwrite(file, bytes(end - first), (number - 1) * size + first)


def _page_size(file: int) -> int:
    size = int.from_bytes(os.pread(file, 2, 16))
    return 65_536 if size == 1 else size


def _with_remains(file: int, size: int) -> Iterator[int]:
    """Return the pages of rows and indices with unused bytes; the first page holds the schema alone."""
    number = 2
    while block := os.pread(file, 1_000 * size, (number - 1) * size):
        for place in range(0, len(block) - size + 1, size):
            page = block[place : place + size]
            if any(page[first:end].strip(b"\0") for first, end in _unused(page)):
                yield number + place // size
        number += 1_000


def _unused(page: bytes) -> Iterator[tuple[int, int]]:
    """Return the unused ranges of a page: between its pointers and its content, and its free blocks."""
    header = _HEADER_BYTES.get(page[0])
    if header is None:
        return
    content = int.from_bytes(page[5:7]) or len(page)
    first = header + 2 * int.from_bytes(page[3:5])
    if first <= content <= len(page):
        yield first, content
    block, before = int.from_bytes(page[1:3]), 0
    while before < block <= len(page) - 4:
        length = int.from_bytes(page[block + 2 : block + 4])
        yield block + 4, min(block + length, len(page))
        block, before = int.from_bytes(page[block : block + 2]), block


def _free_pages(file: int, size: int) -> Iterator[tuple[int, int]]:
    """Return the free pages, each with the offset from which SQLite reads nothing of it."""
    trunk = int.from_bytes(os.pread(file, 4, 32))
    seen = set[int]()
    while trunk and trunk not in seen:
        seen.add(trunk)
        page = os.pread(file, size, (trunk - 1) * size)
        n_listed = min(int.from_bytes(page[4:8]), size // 4 - 2)
        yield trunk, 8 + 4 * n_listed
        yield from ((int.from_bytes(page[at : at + 4]), 0) for at in range(8, 8 + 4 * n_listed, 4))
        trunk = int.from_bytes(page[:4])
