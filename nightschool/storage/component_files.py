"""Files of a release that each hold what one component has learned, for servers: named by the component."""

import hashlib
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from nightschool.storage.durable import replacing
from nightschool.storage.release import Release


class ComponentFiles(NamedTuple):
    """The files of one kind: in a folder that a night stages, then in that of a release.

    Attributes:
        ending: Of their names, after the component's.
    """

    ending: str

    def path(self, folder: Path, component: str) -> Path:
        """Return the file of a component in a folder."""
        return folder / f"{component}{self.ending}"

    def there(self, folder: Path) -> Mapping[str, Path]:
        """Return the files in a folder by their component; none where the folder does not exist."""
        return {file.name.removesuffix(self.ending): file for file in sorted(folder.glob(f"[!.]*{self.ending}"))}

    def publish(self, staged: Path, served: Path) -> dict[str, str]:
        """Copy the files of a folder to those of a release, each whole or not at all; return their hashes by name.

        Files of an earlier try are removed.
        """
        for old in self.there(served).values():
            old.unlink()
        hashes = {}
        for component, file in self.there(staged).items():
            copy = self.path(served, component)
            with replacing(copy) as draft:
                shutil.copyfile(file, draft)
            hashes[copy.name] = file_hash(copy)
        return hashes

    def published(self, release: Release, folder: Path) -> dict[str, Path]:
        """Return the files that were published with a release, by component; they need not be there any more."""
        names = [name for name in release.content_hashes if name.endswith(self.ending)]
        return {name.removesuffix(self.ending): folder / name for name in names}


def file_hash(file: Path) -> str:
    """Return the SHA-256 of a file's bytes, in hex."""
    with file.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
