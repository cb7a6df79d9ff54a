"""A drafted manifest to a new file, once it has been read back."""

from pathlib import Path
from tempfile import TemporaryDirectory

from nightschool.data.manifest.manifest import Manifest, load_manifest
from nightschool.errors import ConfigurationError


def require_new(out: Path) -> None:
    """Raise unless a manifest can be written there.

    Raises:
        ConfigurationError: The name does not end in .toml, there is a file already, or no folder to write it into.
    """
    if out.suffix != ".toml":
        raise ConfigurationError("A manifest's name ends in .toml", seen=str(out), do="give --out such a name")
    if out.exists() or out.is_symlink():
        raise ConfigurationError(f"{out} exists already", do="remove it, or give another --out")
    if not out.parent.is_dir():
        raise ConfigurationError("There is no such folder", seen=str(out.parent), do="create it first")


def write_manifest(text: str, out: Path) -> Manifest:
    """Write the manifest and return it as read back; nothing is written unless it describes a dataset.

    Raises:
        ManifestError: It does not.
        ConfigurationError: The file cannot be written, or is there by now.
    """
    with TemporaryDirectory() as folder:
        trial = Path(folder) / "trial.toml"
        trial.write_text(text, encoding="utf-8")
        manifest = load_manifest(str(trial))
    try:
        with out.open("x", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise ConfigurationError(
            f"The manifest cannot be written to {out}", seen=str(error), do="give another --out"
        ) from error
    return manifest
