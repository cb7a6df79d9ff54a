"""A home, opened: its folders, its dataset, its tables and its releases."""

from dataclasses import dataclass
from typing import Self

from nightschool.settings import HomePaths
from nightschool.storage.binding import Binding
from nightschool.storage.lake import Lake
from nightschool.storage.releases import Releases
from nightschool.storage.replica import replica_of


@dataclass(frozen=True)
class Home:
    """The folders of a home, the dataset it is bound to, its tables and its releases."""

    paths: HomePaths
    binding: Binding
    lake: Lake
    releases: Releases

    @classmethod
    def of(cls, paths: HomePaths, binding: Binding, keep_bytes: int = 0) -> Self:
        """Open the tables below the paths with the binding's types of ids; keep those up to a size in memory."""
        lake = Lake(paths.lake, binding.user_dtype, binding.item_dtype, keep_bytes, replica_of(paths))
        return cls(paths, binding, lake, Releases(lake))
