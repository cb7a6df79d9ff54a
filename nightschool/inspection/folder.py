"""The files below a folder, and which of their names differ by numbers only."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter, ValidationError

from nightschool.data.readers.paths import Pattern
from nightschool.data.readers.sources import SourceFile
from nightschool.errors import ConfigurationError, NotFound

_MOST_FILES: Final = 500
_NUMBERED: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|\d+")
_ROTATED: Final = re.compile(r"(?P<live>.+\.[a-zA-Z]\w*?)[-.]\d[\d_T-]*(?:\.gz|\.zip)?")
"""The name of a log's earlier part: events.log-20240101, events.log.2.gz."""

_IGNORED: Final = ("__MACOSX", "Thumbs.db")


def list_files(root: Path) -> list[SourceFile]:
    """List the files below a folder by name, without hidden ones.

    Raises:
        NotFound: There is no such folder, or no file in it.
        ConfigurationError: It is a file, or holds There are too many files to look at each.
    """
    if not root.exists():
        raise NotFound("There is no such folder", seen=str(root), do="give the folder of your files")
    if not root.is_dir():
        raise ConfigurationError("This is not a folder", seen=str(root), do="give the folder that the file lies in")
    below = [(path, path.relative_to(root)) for path in root.rglob("*") if path.is_file()]
    seen = [
        (path, name) for path, name in below if not any(part.startswith(".") or part in _IGNORED for part in name.parts)
    ]
    if not seen:
        raise NotFound("There is no file below the folder", seen=str(root), do="give the folder of your files")
    if len(seen) > _MOST_FILES:
        do = f"give a folder with at most {_MOST_FILES}; the manifest's files can be widened afterwards"
        raise ConfigurationError("There are too many files to look at each", seen=len(seen), do=do)
    return sorted((SourceFile(name.as_posix(), path) for path, name in seen), key=lambda file: file.name)


def can_be_named(file: SourceFile) -> bool:
    """Return whether a manifest can name the file."""
    try:
        file.name.encode()
        TypeAdapter(Pattern).validate_python(file.name)
    except (UnicodeEncodeError, ValidationError):
        return False
    return True


def family_of(file: SourceFile) -> str:
    """Return the glob of files whose names differ by numbers only; the name itself if it is literal.

    The parts of a log that is rotated share its name, with a star behind it.
    """
    if re.search(r"[*?\[\]]", file.name):
        return file.name
    rotated = _ROTATED.fullmatch(file.name)
    return f"{rotated['live']}*" if rotated else _NUMBERED.sub("*", file.name)


def families_by_name(files: Sequence[SourceFile]) -> list[str]:
    """Return the family of each file; that of a log is the one of its rotated parts, if there are any."""
    families = [family_of(file) for file in files]
    rotated = {family for family in families if family.endswith("*")}
    return [f"{family}*" if f"{family}*" in rotated else family for family in families]


def patterns_for(root: Path, files: Sequence[SourceFile]) -> tuple[str, ...]:
    """Return patterns for these files and no others: one glob if their names differ by numbers, else their names."""
    names = {file.name for file in files}
    pattern = families_by_name(files)[0]
    if len(names) > 1 and names == {path.relative_to(root).as_posix() for path in root.glob(pattern) if path.is_file()}:
        return (pattern,)
    return tuple(sorted(names))
