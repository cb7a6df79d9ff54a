"""Files that are either the old one or the new one, also after a crash or a power cut."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Open a temporary file next to `path`; when the block ends, sync it and move it to `path`.

    When the block raises, `path` stays as it was and the temporary file goes.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{uuid4().hex}.tmp")
    try:
        yield draft
        sync(draft)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    sync(path.parent)


def atomic_write_bytes(path: Path, data: bytes) -> None:
    """Write a file whole or not at all, safe against a power cut; create missing folders."""
    with replacing(path) as draft:
        draft.write_bytes(data)


def atomic_write_text(path: Path, text: str) -> None:
    """Write a UTF-8 file whole or not at all, safe against a power cut; create missing folders."""
    atomic_write_bytes(path, text.encode())


def sync(path: Path) -> None:
    """Wait until a file's bytes, or a folder's entries, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_tree(folder: Path) -> None:
    """Wait until a folder, everything below it and its own entry are on the disk."""
    for path in sorted(folder.rglob("*"), reverse=True):
        # What is gone by now was another writer's draft; that writer syncs what became of it.
        with suppress(FileNotFoundError):
            sync(path)
    sync(folder)
    sync(folder.parent)
