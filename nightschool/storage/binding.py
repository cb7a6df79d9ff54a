"""The one dataset that a home belongs to, remembered from its first ingest on."""

from pathlib import Path
from typing import Literal

import polars as pl
from pydantic import BaseModel, ConfigDict, ValidationError

from nightschool.errors import ConfigurationError, NotFound
from nightschool.storage.durable import atomic_write_text

IdType = Literal["Int64", "String"]
_DTYPES = {"Int64": pl.Int64(), "String": pl.String()}


class Binding(BaseModel):
    """What a home holds.

    Attributes:
        dataset: The manifest's name.
        manifest: The shipped manifest's name, or the absolute path of one's own.
        source_root: The absolute folder that the manifest's files lie below.
        user_id: The dtype of external user ids.
        item_id: The dtype of external item ids.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    dataset: str
    manifest: str
    source_root: Path
    user_id: IdType
    item_id: IdType

    @property
    def user_dtype(self) -> pl.DataType:
        """The polars dtype of external user ids."""
        return _DTYPES[self.user_id]

    @property
    def item_dtype(self) -> pl.DataType:
        """The polars dtype of external item ids."""
        return _DTYPES[self.item_id]


def find_binding(path: Path) -> Binding | None:
    """Read what the home holds from its binding file; None before the first ingest.

    Raises:
        ConfigurationError: The file is not a binding.
    """
    if not path.exists():
        return None
    try:
        return Binding.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise ConfigurationError(
            f"{path} does not say which dataset the home holds",
            seen=f"{error.error_count()} faults",
            do="restore it from a backup or start a new home",
        ) from error


def get_binding(path: Path) -> Binding:
    """Read what the home holds from its binding file.

    Raises:
        NotFound: Nothing was ingested yet.
        ConfigurationError: The file is not a binding.
    """
    binding = find_binding(path)
    if binding is None:
        raise NotFound(f"home {path.parent} holds no dataset yet", do="run `nightschool ingest` or `retrain` first")
    return binding


def bind(path: Path, wanted: Binding) -> Binding:
    """Store and return the binding: `wanted` in a new home, else the stored one with its manifest and source root.

    Raises:
        ConfigurationError: The home holds another dataset, or ids of another dtype.
    """
    stored = find_binding(path)
    if stored is not None:
        require_same(path.parent, stored, wanted)
    if stored != wanted:
        atomic_write_text(path, wanted.model_dump_json(indent=2))
    return wanted


def require_same(home: Path, stored: Binding, wanted: Binding) -> None:
    """Check that both bindings are of one dataset with ids of the same dtypes.

    Raises:
        ConfigurationError: The home holds another dataset, or ids of another dtype.
    """
    if stored.dataset != wanted.dataset:
        raise ConfigurationError(
            f"home {home} holds dataset {stored.dataset!r} and takes no other",
            seen=wanted.dataset,
            do="use another --home",
        )
    for name in ("user_id", "item_id"):
        if getattr(stored, name) != getattr(wanted, name):
            raise ConfigurationError(
                f"home {home} was filled with {name}s of type {getattr(stored, name)}",
                seen=getattr(wanted, name),
                do="use another --home",
            )
