"""Which columns of an items frame describe what an item is about."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class ItemColumns:
    """Which columns of the items frame describe what an item is about.

    Attributes:
        categories: One label an item.
        ordinals: Column to its levels, lowest first.
        lists: Several labels an item.
    """

    categories: tuple[str, ...] = ()
    ordinals: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    lists: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all these columns."""
        return (*self.categories, *self.ordinals, *self.lists)
