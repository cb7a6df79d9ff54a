"""A source root with a folder into which files of implicit interactions are delivered."""

from pathlib import Path

_MANIFEST = """
name = "mine"
score = "implicit"
[interactions]
files = ["landing/"]
user = "user"
item = "item"
timestamp = { column = "at", unit = "iso" }
"""


def make_landing(root: Path) -> tuple[Path, Path]:
    """Create the folder and the manifest below the root, and return both."""
    folder, manifest = root / "landing", root / "mine.toml"
    folder.mkdir()
    manifest.write_text(_MANIFEST)
    return folder, manifest
