import pytest

from nightschool.columns import ITEMS
from nightschool.data.manifest.collisions import refuse_collisions


@pytest.mark.parametrize(
    ("names", "clash"),
    [
        (("level", "level"), "level"),
        (("title",), "title"),
        (("source_row", "level"), "source_row"),
        (("item_index",), "item_index"),
    ],
)
def test_a_name_twice_or_of_a_column_that_is_there_is_refused(names, clash):
    with pytest.raises(ValueError, match=rf"\['{clash}'\] collide .* rename them at the source"):
        refuse_collisions(names, ITEMS.columns)


def test_other_names_are_free():
    refuse_collisions(("level", "price"), ITEMS.columns)
