"""Small invented files, as their owners would export them."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from nightschool.data.readers.sources import SourceFile

NOW = datetime(2025, 6, 1, tzinfo=UTC)

Put = Callable[[str, "str | bytes"], SourceFile]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder that the files lie in."""
    path = tmp_path / "export"
    path.mkdir()
    return path


@pytest.fixture
def put(folder: Path) -> Put:
    """Writes a file below the folder."""

    def write(name: str, content: str | bytes) -> SourceFile:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return SourceFile(name, path)

    return write


def lines(*rows: str) -> str:
    """Rows as the text of a file."""
    return "".join(f"{row}\n" for row in rows)


def ratings(n_users: int = 8, n_items: int = 6) -> list[str]:
    """Every user's rating of every item, a second apart: user,item,rating,time."""
    pairs = [(user, item) for user in range(1, n_users + 1) for item in range(1, n_items + 1)]
    return [f"{u},{i},{1 + (u * i) % 5},{1_700_000_000 + place}" for place, (u, i) in enumerate(pairs)]
