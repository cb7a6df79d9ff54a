import numpy as np
import polars as pl
import pytest

from nightschool.errors import ConfigurationError
from nightschool.item_columns import ItemColumns
from serving.catalogue import Catalogue

COLUMNS = ItemColumns(categories=("domain",), ordinals={"difficulty": ("Easy", "Hard")}, lists=("tags",))


@pytest.fixture
def catalogue() -> Catalogue:
    frame = pl.DataFrame(
        {
            "item_id": [30, 10, 20, 40],
            "title": ["Charts", "Tables", None, "More charts (2)"],
            "text": ["a", "b", "c", None],
            "domain": ["Data", "Data", None, "Art"],
            "difficulty": ["Hard", "Easy", "Odd", None],
            "tags": [["r", "Data"], [], None, ["python"]],
        }
    )
    return Catalogue(frame, COLUMNS)


def test_positions_ascend_by_id(catalogue: Catalogue) -> None:
    assert (len(catalogue), catalogue.ids, [catalogue.item(item_id).title for item_id in catalogue.ids]) == (
        4,
        [10, 20, 30, 40],
        ["Tables", "", "Charts", "More charts (2)"],
    )
    assert (catalogue.position(30), catalogue.position(7)) == (2, None)
    assert catalogue.positions([40, 7, None, 10]).tolist() == [3, 0]


def test_an_item_is_told_with_its_labels(catalogue: Catalogue) -> None:
    item = catalogue.item(30)
    assert (item.title, item.difficulty) == ("Charts", "Hard")
    assert item.labels == {"domain": ["Data"], "difficulty": ["Hard"], "tags": ["r", "Data"]}
    assert catalogue.describe(20) == {
        "item_id": 20,
        "title": "",
        "labels": {"difficulty": ["Odd"]},
        "difficulty": "Odd",
    }
    assert catalogue.describe(40)["difficulty"] is None


def test_an_item_of_no_catalogue_has_its_id_alone(catalogue: Catalogue) -> None:
    assert catalogue.item(7).model_dump() == {"item_id": 7, "title": "", "labels": {}, "difficulty": None}


def test_levels_and_kinds_stand_by_position(catalogue: Catalogue) -> None:
    assert catalogue.level_names == ("Easy", "Hard")
    assert catalogue.levels.tolist() == [0, -1, 1, -1]
    assert catalogue.kinds.tolist() == [1, -1, 1, 0]


def test_a_label_is_found_in_any_column(catalogue: Catalogue) -> None:
    assert catalogue.labelled("Data").tolist() == [True, False, True, False]
    assert catalogue.labelled("python").tolist() == [False, False, False, True]
    assert not catalogue.labelled("nothing").any()


def test_items_are_alike_by_labels_and_never_by_text(catalogue: Catalogue) -> None:
    alike = (catalogue.similarity_features @ catalogue.similarity_features.T).toarray()
    assert alike[0, 2] > 0
    assert alike[0, 3] == alike[1, 0] == 0
    assert alike.diagonal() == pytest.approx([1, alike[1, 1], 1, 1])


def test_a_catalogue_that_tells_nothing_has_no_levels_kinds_or_labels() -> None:
    bare = Catalogue(pl.DataFrame({"item_id": ["b", "a"], "title": [None, "A"], "text": ["x", "y"]}), ItemColumns())
    assert (bare.ids, bare.level_names) == (["a", "b"], ())
    assert not bare.labelled("x").any()
    assert (bare.levels.tolist(), bare.kinds.tolist()) == ([-1, -1], [-1, -1])
    assert bare.similarity_features.nnz == 0
    assert not bare.labelled("x").any()


def test_a_list_column_tells_kinds_by_its_first_label() -> None:
    frame = pl.DataFrame({"item_id": [1, 2, 3], "title": "t", "text": "t", "tags": [["b", "a"], ["a"], []]})
    assert Catalogue(frame, ItemColumns(lists=("tags",))).kinds.tolist() == [1, 0, -1]


def test_items_that_ended_or_that_only_histories_name_are_not_current() -> None:
    frame = pl.DataFrame({"item_id": [3, 2, 1], "title": "t", "text": None, "withdrawn": [True, False, None]})
    catalogue = Catalogue(frame, ItemColumns())
    assert catalogue.current.tolist() == [False, True, False]
    assert catalogue.describe(3)["title"] == "t"


def test_prerequisites_and_skills_by_position() -> None:
    frame = pl.DataFrame(
        {
            "item_id": [30, 10, 20],
            "title": ["c", "a", "b"],
            "needs": [["10", "none?"], None, ["30", "10", "99"]],
            "builds": [["sql", "r"], ["r"], []],
        }
    )
    catalogue = Catalogue(frame, ItemColumns(prerequisites="needs", skills="builds"))
    assert catalogue.prerequisites.toarray().tolist() == [[False] * 3, [True, False, True], [True, False, False]]
    assert catalogue.unmatched == {20: ["99"], 30: ["none?"]}
    assert catalogue.ready(np.array([], dtype=np.int32)).tolist() == [True, False, False]
    assert catalogue.ready(np.array([0], dtype=np.int32)).tolist() == [True, False, True]
    assert catalogue.skill_names == ["r", "sql"]
    assert catalogue.skills.toarray().tolist() == [[True, False], [False, False], [True, True]]
    assert catalogue.label_names == []


def test_columns_that_a_release_does_not_have_yet() -> None:
    frame = pl.DataFrame({"item_id": ["b", "a"], "title": ["b", "a"]})
    catalogue = Catalogue(frame, ItemColumns(prerequisites="needs", skills="builds"))
    assert (catalogue.prerequisites.nnz, catalogue.skills.shape, catalogue.unmatched) == (0, (2, 0), {})
    assert catalogue.ready(np.array([], dtype=np.int32)).all()


def test_a_filter_selects_by_position(catalogue: Catalogue) -> None:
    assert catalogue.matching('difficulty >= "Easy" and domain == "Data"').tolist() == [True, False, True, False]
    assert catalogue.matching('"python" in tags or title == "Tables"').tolist() == [True, False, False, True]
    assert catalogue.matching("difficulty == null").tolist() == [False, True, False, True]
    assert [*catalogue.filtered.columns] == ["item_id", "title", "domain", "difficulty", "tags"]
    with pytest.raises(ConfigurationError, match="filter, character 1: there is no such item column"):
        catalogue.matching("text == 'a'")


def test_vectors_make_items_alike_for_diversity() -> None:
    image = pl.Series("image", [[1.0, 0.0], [0.6, 0.8], None], dtype=pl.List(pl.Float32))
    frame = pl.DataFrame({"item_id": ["a", "b", "c"], "title": None, "text": "x"}).with_columns(image)
    catalogue = Catalogue(frame, ItemColumns(vectors=("image", "older than the column")))
    features = catalogue.similarity_features.toarray()
    assert (features @ features.T)[0].tolist() == pytest.approx([1, 0.6, 0])
    assert catalogue.describe("a") == {"item_id": "a", "title": "", "labels": {}, "difficulty": None}
