import polars as pl

from nightschool.data.labels import label_rows, one_hot

FRAME = pl.DataFrame(
    {"id": [7, 8, 9], "role": ["b", None, "a"], "year": [30, 30, 4], "tags": [["b", "a", "b"], [], None]}
)


def test_each_column_has_a_place_for_each_of_its_labels_in_the_order_of_text() -> None:
    found = one_hot(FRAME, ["role", "year"])
    assert found.toarray().tolist() == [[0, 1, 1, 0], [0, 0, 1, 0], [1, 0, 0, 1]]
    assert found.dtype == "float32"


def test_a_label_that_a_list_repeats_is_one_label() -> None:
    assert one_hot(FRAME, ["tags"]).toarray().tolist() == [[1, 1], [0, 0], [0, 0]]
    assert label_rows(FRAME.select("id", "tags"), "tags").rows() == [(7, "b"), (7, "a"), (7, "b")]


def test_without_columns_nothing_is_said() -> None:
    assert one_hot(FRAME, []).shape == (3, 0)
