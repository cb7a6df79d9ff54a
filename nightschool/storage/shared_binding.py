"""What a home holds, as a machine tells others by the store: its dataset, and the manifest where it is one's own."""

from pathlib import Path
from typing import Final

from nightschool.settings import HomePaths
from nightschool.storage.binding import Binding, find_binding
from nightschool.storage.durable import atomic_write_bytes, atomic_write_text
from nightschool.storage.store import Store

BINDING: Final = "dataset.json"
MANIFEST: Final = "manifest.toml"


def share_binding(paths: HomePaths, store: Store) -> None:
    """Put what the home is bound to into the store, unless it is there; the manifest before it."""
    binding = find_binding(paths.binding)
    if binding is None:
        return
    manifest = Path(binding.manifest)
    parts = {MANIFEST: manifest.read_bytes()} if manifest.is_file() else {}
    for name, content in {**parts, BINDING: paths.binding.read_bytes()}.items():
        found = store.read(name)
        if found is None or found[0] != content:
            store.put(name, content)


def take_binding(paths: HomePaths, store: Store) -> None:
    """Bind a home that is bound to nothing as the store says; a manifest of one's own is kept in the home."""
    found = None if paths.binding.exists() else store.read(BINDING)
    if found is None:
        return
    binding, manifest = Binding.model_validate_json(found[0]), store.read(MANIFEST)
    if manifest is not None and Path(binding.manifest).is_absolute():
        own = paths.root / MANIFEST
        atomic_write_bytes(own, manifest[0])
        binding = binding.model_copy(update={"manifest": str(own)})
    atomic_write_text(paths.binding, binding.model_dump_json(indent=2))
