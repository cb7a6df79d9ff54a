"""What the manifest says about scoring: figures of two nights compare only where they agree on it."""

from collections.abc import Mapping
from typing import Any

from nightschool.data.manifest.event_weights import SHOP_WEIGHTS
from nightschool.data.manifest.manifest import Manifest
from nightschool.storage.fingerprints import basis_fingerprint
from nightschool.storage.release import BASIS, Release

PARTS = "basis_parts"


def scoring_basis(manifest: Manifest) -> dict[str, Any]:
    """Return what decides the figures of a night besides its data, by the names that people know it under."""
    items, users = manifest.items, manifest.users
    columns = manifest.item_columns
    return {
        "score": manifest.score,
        "event weights": _told_weights(manifest),
        "relevant": manifest.relevant.rating_min if manifest.relevant else None,
        "bots": sorted(manifest.bots),
        "rating scale": list(manifest.score_range) if manifest.score_range else None,
        "item columns": {
            "text": list(items.text) if items else [],
            "categories": list(columns.categories),
            "ordinals": {name: list(levels) for name, levels in sorted(columns.ordinals.items())},
            "lists": sorted(columns.lists),
            "numbers": sorted(items.numbers) if items else [],
        },
        "user attributes": {
            "attributes": list(users.attributes) if users else [],
            "lists": sorted(users.lists) if users else [],
            "numbers": sorted(users.numbers) if users else [],
        },
    }


def _told_weights(manifest: Manifest) -> dict[str, float]:
    # Homes are older than the defaults of shops, and hold no row that they would score otherwise.
    untold = SHOP_WEIGHTS.keys() - manifest.event_weights.keys()
    return {event: weight for event, weight in sorted(manifest.weights.items()) if event not in untold}


def describe_basis(manifest: Manifest) -> dict[str, Any]:
    """Return what a release stores of its basis: the hash, and what it is the hash of."""
    parts = scoring_basis(manifest)
    return {BASIS: basis_fingerprint(parts), PARTS: parts}


def changed_basis(release: Release, manifest: Manifest) -> tuple[str, ...]:
    """Return the names of what the manifest says otherwise than when the release was made.

    Empty for a release that stored no basis, as those of earlier versions.
    """
    stored: Mapping[str, Any] = release.gates
    if stored.get(BASIS) in (None, basis_fingerprint(scoring_basis(manifest))):
        return ()
    before = stored.get(PARTS, {})
    return tuple(name for name, value in scoring_basis(manifest).items() if before.get(name) != value)
