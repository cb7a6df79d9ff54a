"""SQLite files as addresses, and back."""

from pathlib import Path
from typing import Final
from urllib.parse import quote, unquote

SQLITE: Final = "sqlite:///"
"""How the address of an SQLite file begins; its path follows."""

_URI: Final = "file:"
_AS_URI: Final = "?uri=true"


def sqlite_address(path: Path, driver: str = "pysqlite") -> str:
    """Return SQLAlchemy's address of an SQLite file, for instance `sqlite:///path`.

    SQLAlchemy cuts an address at the first `?`; a path that holds one is written as a URI of SQLite. That address names
    its driver: of one that begins with `sqlite:///` MLflow takes the rest for a path, and makes its folders.
    """
    if "?" in str(path):
        return f"sqlite+{driver}:///{_URI}{quote(str(path))}{_AS_URI}"
    return f"{SQLITE}{path}" if driver == "pysqlite" else f"sqlite+{driver}:///{path}"


def sqlite_path(address: str) -> Path | None:
    """Return the file that an address of SQLAlchemy names, whatever its driver.

    None for another database, for one in memory, and for an address with settings but those of `sqlite_address`.
    """
    scheme, _, rest = address.partition(":///")
    if scheme.partition("+")[0] != "sqlite":
        return None
    if rest.startswith(_URI) and rest.endswith(_AS_URI):
        rest, by_uri = rest.removeprefix(_URI).removesuffix(_AS_URI), True
    else:
        by_uri = False
    if not rest or "?" in rest or ":memory:" in rest:
        return None
    return Path(unquote(rest) if by_uri else rest)
