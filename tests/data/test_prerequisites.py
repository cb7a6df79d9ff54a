import polars as pl

from nightschool.data.prerequisites import prerequisite_matrix, prerequisite_pairs


def items(ids: list, named: list) -> pl.DataFrame:
    return pl.DataFrame({"item_id": ids, "needs": named}, schema_overrides={"needs": pl.List(pl.String)})


def test_ids_are_read_as_the_home_writes_them_and_never_guessed():
    catalogue = items([1, 2, 3, 7], [None, ["1", " 3 ", "1"], ["1.0", "Algebra", "007", "None", ""], []])
    pairs = prerequisite_pairs(catalogue, "needs")
    assert pairs.rows() == [(2, "1", 1), (2, "3", 3), (3, "1.0", 1), (3, "Algebra", None), (3, "007", None)]
    assert prerequisite_matrix(catalogue, pairs).toarray().tolist() == [
        [False, False, False, False],
        [True, False, True, False],
        [True, False, False, False],
        [False, False, False, False],
    ]


def test_texts_match_as_they_are():
    catalogue = items(["a", "b"], [["b", "B"], ["none"]])
    assert prerequisite_pairs(catalogue, "needs").rows() == [("a", "b", "b"), ("a", "B", None)]


def test_no_item_names_any():
    catalogue = items([], []).with_columns(pl.col("item_id").cast(pl.Int64))
    pairs = prerequisite_pairs(catalogue, "needs")
    assert prerequisite_matrix(catalogue, pairs).shape == (0, 0)
