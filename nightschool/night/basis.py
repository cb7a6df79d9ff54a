"""The scoring basis of a manifest: figures of two nights are comparable only where it is the same."""

from collections.abc import Mapping
from typing import Any

from nightschool.data.manifest.event_weights import SHOP_WEIGHTS
from nightschool.data.manifest.manifest import Manifest
from nightschool.storage.fingerprints import basis_fingerprint
from nightschool.storage.release import BASIS, Release

PARTS = "basis_parts"


def scoring_basis(manifest: Manifest) -> dict[str, Any]:
    """Return the parts of the manifest that decide the figures of a night, by name."""
    items, users = manifest.items, manifest.users
    columns = manifest.item_columns
    return {
        "score": manifest.score,
        "event weights": _declared_weights(manifest),
        "relevant": manifest.relevant.rating_min if manifest.relevant else None,
        "bots": sorted(manifest.bots),
        "rating scale": list(manifest.score_range) if manifest.score_range else None,
        "item columns": {
            "text": list(items.text) if items else [],
            "categories": list(columns.categories),
            "ordinals": {name: list(levels) for name, levels in sorted(columns.ordinals.items())},
            "lists": sorted(columns.lists),
            "numbers": sorted(items.numbers) if items else [],
            **_vectors(manifest),
        },
        "user attributes": {
            "attributes": list(users.attributes) if users else [],
            "lists": sorted(users.lists) if users else [],
            "numbers": sorted(users.numbers) if users else [],
        },
    }


def _vectors(manifest: Manifest) -> dict[str, Any]:
    # Homes are older than vectors: without any, nothing is said of them.
    items = manifest.items
    columns = {"vectors": sorted(items.vectors)} if items and items.vectors else {}
    encoder = {"text_encoder": items.text_encoder.model} if items and items.text_encoder else {}
    return {**columns, **encoder}


def _declared_weights(manifest: Manifest) -> dict[str, float]:
    # Homes are older than the defaults of shops, and hold no row that they would score otherwise.
    undeclared = SHOP_WEIGHTS.keys() - manifest.event_weights.keys()
    return {event: weight for event, weight in sorted(manifest.weights.items()) if event not in undeclared}


def describe_basis(manifest: Manifest) -> dict[str, Any]:
    """Return what a release stores of its basis: the parts and their hash."""
    parts = scoring_basis(manifest)
    return {BASIS: basis_fingerprint(parts), PARTS: parts}


def changed_basis(release: Release, manifest: Manifest) -> tuple[str, ...]:
    """Return the names of the parts that have changed since the release was made.

    Empty for a release of an earlier version, which stored no basis.
    """
    stored: Mapping[str, Any] = release.gates
    if stored.get(BASIS) in (None, basis_fingerprint(scoring_basis(manifest))):
        return ()
    before = stored.get(PARTS, {})
    return tuple(name for name, value in scoring_basis(manifest).items() if before.get(name) != value)
