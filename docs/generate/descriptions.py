"""What tables, columns, keys and codes mean, in `docs/descriptions`, one line each."""

import tomllib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).parents[1] / "descriptions"

Section = Mapping[str, str]


def read(name: str) -> dict[str, Section]:
    """Return the sections of a file of descriptions: name to its lines."""
    found: dict[str, Section] = tomllib.loads((FOLDER / f"{name}.toml").read_text(encoding="utf-8"))
    return found


def require_same(what: str, documented: Collection[str], existing: Collection[str]) -> None:
    """Pass when the documented names are the existing ones.

    Raises:
        ValueError: A name has no description, or a description has no name.
    """
    without = sorted({*existing} - {*documented})
    gone = sorted({*documented} - {*existing})
    if without or gone:
        raise ValueError(f"{what}: describe {without}, take out {gone} in docs/descriptions")
