from datetime import UTC, datetime

import pytest

from nightschool.data.manifest.manifest import Manifest, load_manifest
from nightschool.night.basis import changed_basis, describe_basis
from nightschool.storage.release import Release

NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)
LEARNING = load_manifest("learning")
RATINGS = load_manifest("movielens-100k")


def made_by(manifest: Manifest | None) -> Release:
    gates = describe_basis(manifest) if manifest else {"tuned": True}
    return Release(release_id="x", as_of=NOON, created_at=NOON, commit_version=0, status="published", gates=gates)


def changed(manifest: Manifest, **fields: object) -> Manifest:
    return Manifest.model_validate({**manifest.model_dump(exclude_unset=True), **fields})


def without(section: dict[str, object], name: str) -> dict[str, object]:
    return {key: value for key, value in section.items() if key != name}


def test_the_same_manifest_has_the_same_basis() -> None:
    assert describe_basis(LEARNING) == describe_basis(load_manifest("learning"))
    assert changed_basis(made_by(LEARNING), LEARNING) == ()
    assert len(describe_basis(LEARNING)["basis"]) == 64


def test_a_release_that_stored_no_basis_counts_as_the_same() -> None:
    assert changed_basis(made_by(None), LEARNING) == ()


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"score": "implicit"}, "score"),
        ({"event_weights": {"complete": 20.0}}, "event weights"),
        ({"bots": []}, "bots"),
        (
            {"users": {**without(LEARNING.users.model_dump(), "attributes"), "attributes": ["department"]}},
            "user attributes",
        ),
        ({"items": {**without(LEARNING.items.model_dump(), "categories"), "categories": []}}, "item columns"),
    ],
)
def test_what_scoring_rests_on_is_named_where_it_changes(fields: dict[str, object], named: str) -> None:
    assert changed_basis(made_by(LEARNING), changed(LEARNING, **fields)) == (named,)


def test_the_scale_and_what_is_relevant_are_part_of_it() -> None:
    stricter = changed(RATINGS, relevant={"rating_min": 5.0})
    assert changed_basis(made_by(RATINGS), stricter) == ("relevant",)
    (part, *_) = RATINGS.model_dump(exclude_unset=True)["interactions"]
    wider = changed(RATINGS, interactions=[{**part, "rating": {**part["rating"], "max": 10.0}}])
    assert changed_basis(made_by(RATINGS), wider) == ("rating scale",)


def test_where_files_lie_is_no_part_of_it() -> None:
    assert changed_basis(made_by(LEARNING), changed(LEARNING, history=not LEARNING.history)) == ()


def test_defaults_that_came_later_are_no_change() -> None:
    assert "purchase" not in describe_basis(LEARNING)["basis_parts"]["event weights"]
    assert changed_basis(made_by(LEARNING), changed(LEARNING, event_weights={"purchase": 8.0})) == ("event weights",)


def test_vectors_are_part_of_it_where_there_are_any() -> None:
    assert "vectors" not in describe_basis(LEARNING)["basis_parts"]["item columns"]
    items = LEARNING.items.model_dump(exclude_unset=True)
    for more in ({"vectors": ["image"]}, {"text_encoder": "minilm"}):
        assert changed_basis(made_by(LEARNING), changed(LEARNING, items={**items, **more})) == ("item columns",)
