import polars as pl
import pytest

from nightschool.item_columns import TEXT_VECTOR, ItemColumns
from nightschool.night.release.related_titles import related_titles

COLUMNS = ItemColumns(vectors=("image",))
TITLES = ["Piano", "Guitar", None, "Cooking", "Gone", "No picture", "Opposite"]
IMAGES = [[1.0, 0.1], [1.0, 0.0], [0.9, 0.0], [0.0, 1.0], [1.0, 0.05], None, [-1.0, -1.0]]
ITEMS = pl.DataFrame(
    {"item_id": range(7), "title": TITLES, "withdrawn": [False] * 4 + [True] + [False] * 2, "image": IMAGES}
)


def test_they_are_of_the_items_with_the_nearest_vectors() -> None:
    assert related_titles(ITEMS, COLUMNS).to_list() == [
        "Guitar Cooking",
        "Piano",
        "Guitar Piano",
        "Piano",
        "Piano Guitar Cooking",
        "",
        "",
    ]


def test_vectors_of_encoded_texts_count_as_others_do() -> None:
    renamed = ITEMS.rename({"image": TEXT_VECTOR})
    assert related_titles(renamed, ItemColumns()).to_list() == related_titles(ITEMS, COLUMNS).to_list()


def test_there_are_five_at_most() -> None:
    many = pl.DataFrame(
        {"title": [f"t{n}" for n in range(9)], "withdrawn": False, "image": [[1.0, n / 100] for n in range(9)]}
    )
    assert related_titles(many, COLUMNS)[0] == "t1 t2 t3 t4 t5"


@pytest.mark.parametrize(
    "items", [ITEMS.clear(), ITEMS.drop("image"), ITEMS.with_columns(title=pl.lit(None, pl.String)), ITEMS.head(1)]
)
def test_without_vectors_or_titles_there_are_none(items: pl.DataFrame) -> None:
    assert related_titles(items, COLUMNS).to_list() == [""] * items.height
