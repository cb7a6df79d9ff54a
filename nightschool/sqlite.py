"""SQLite files as addresses, and back."""

from pathlib import Path
from typing import Final
from urllib.parse import quote, unquote

SQLITE: Final = "sqlite:///"
"""How the address of an SQLite file begins; its path follows."""

_BY_URI: Final = "///file:"
_AS_URI: Final = "?uri=true"


def sqlite_address(path: Path, driver: str = "pysqlite") -> str:
    """Return SQLAlchemy's address of an SQLite file, for instance `sqlite:///path`.

    SQLAlchemy cuts an address at the first `?`; a path that holds one is written as a URI of SQLite. That address names
    its driver: of one that begins with `sqlite:///` MLflow takes the rest for a path, and makes its folders.
    """
    if "?" in str(path):
        return f"sqlite+{driver}:{_BY_URI}{quote(str(path))}{_AS_URI}"
    return f"{SQLITE}{path}" if driver == "pysqlite" else f"sqlite+{driver}:///{path}"


def sqlite_path(address: str) -> Path | None:
    """Return the file that an address made by `sqlite_address` names; None for an address of another kind."""
    scheme, by_uri, rest = address.partition(_BY_URI)
    if by_uri and scheme == "sqlite+pysqlite:":
        return Path(unquote(rest.removesuffix(_AS_URI)))
    return Path(address.removeprefix(SQLITE)) if address.startswith(SQLITE) else None
