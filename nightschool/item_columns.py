"""Which columns of an items frame describe what an item is about."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

TEXT_VECTOR: Final = "encoded_text"
"""The column of the vectors that an encoder made of the items' texts: in a dataset's items, and in no table."""


@dataclass(frozen=True)
class ItemColumns:
    """Which columns of the items frame describe what an item is about.

    Attributes:
        categories: One label an item.
        ordinals: Column to its levels, lowest first.
        lists: Several labels an item.
        prerequisites: The ids of the items to complete before, as text; None: none are declared.
        skills: What an item teaches, several an item; None: none are declared.
        vectors: Lists of numbers, of one length a column.
    """

    categories: tuple[str, ...] = ()
    ordinals: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    lists: tuple[str, ...] = ()
    prerequisites: str | None = None
    skills: str | None = None
    vectors: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the columns of labels: categories, ordinals and lists."""
        return (*self.categories, *self.ordinals, *self.lists)
