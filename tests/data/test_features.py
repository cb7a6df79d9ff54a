from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from nightschool.contract import Dataset
from nightschool.data.features import feature_parts, features_of, is_spaced, item_features
from nightschool.data.vectors import VECTOR
from nightschool.item_columns import TEXT_VECTOR, ItemColumns


def items(**columns):
    n = len(next(iter(columns.values())))
    return pl.DataFrame({"item_id": range(n), "title": [None] * n, "text": [None] * n} | columns)


def cosines(frame, columns=None, fitted=None):
    fitted = np.ones(frame.height, dtype=np.bool_) if fitted is None else np.array(fitted)
    features = item_features(frame, columns or ItemColumns(), fitted)
    assert features.dtype == np.float32
    return (features @ features.T).toarray()


def test_shared_words_make_items_alike():
    found = cosines(items(text=["Linear Algebra", "linear algebra!", "oil painting", "painting in oil", None]))
    assert found[0, 1] == pytest.approx(1)
    assert found[2, 3] == pytest.approx(1)
    assert found[0, 2] == 0
    assert not found[4].any()


def test_word_weights_equal_the_formula_by_hand():
    frame = items(text=["red red blue", "red green", "blue green"])
    # three items, every word in two of them: idf = ln(4/3) + 1, which cancels in a unit row
    red = (1 + np.log(2)) / np.hypot(1 + np.log(2), 1)
    assert cosines(frame)[0, 1] == pytest.approx(red / np.sqrt(2), rel=1e-5)


def test_a_word_of_one_item_ties_it_to_nothing_and_weighs_nothing():
    assert cosines(items(text=["red unique", "red", "blue", "blue"]))[0, 1] == pytest.approx(1)


def test_text_without_spaces_is_compared_by_runs_of_characters():
    frame = items(text=["线性代数入门", "高等线性代数", "油画技法", "水彩油画"])
    assert not is_spaced(frame["text"])
    found = cosines(frame)
    assert found[0, 1] > 0.5
    assert found[2, 3] > 0.5
    assert found[0, 2] == 0


@pytest.mark.parametrize(
    ("texts", "spaced"),
    [
        (["An introduction to statistics"], True),
        (["Введение в статистику"], True),
        (["Learn 中文 with a patient teacher in one hundred lessons"], True),
        (["统计学导论 R"], False),
        (["統計学入門", "データ分析"], False),
        (["สถิติเบื้องต้น"], False),
        ([], True),
    ],
)
def test_the_script_decides_what_a_term_is(texts, spaced):
    assert is_spaced(pl.Series(texts, dtype=pl.String)) is spaced


def test_equal_categories_are_alike_and_unknown_ones_say_nothing():
    found = cosines(items(domain=["Art", "Art", "Math", None]), ItemColumns(categories=("domain",)))
    assert found.tolist() == [[1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 0]]


def test_neighbouring_levels_are_more_alike_than_distant_ones():
    frame = items(level=["Beginner", "Intermediate", "Advanced", "unheard of"])
    columns = ItemColumns(ordinals={"level": ("Beginner", "Intermediate", "Advanced")})
    found = cosines(frame, columns)
    assert found[0, 1] == pytest.approx(np.sqrt(1 / 2))
    assert found[0, 2] == pytest.approx(np.sqrt(1 / 3))
    assert found[1, 2] == pytest.approx(np.sqrt(2 / 3))
    assert not found[3].any()


def test_shared_labels_of_lists_make_items_alike():
    frame = items(genres=[["war", "drama"], ["drama", "war"], ["drama", "comedy"], [], None])
    found = cosines(frame, ItemColumns(lists=("genres",)))
    assert found[0, 1] == pytest.approx(1)
    assert 0 < found[0, 2] < 0.5  # the shared label is the commonest, which weighs least
    assert not found[3:].any()


def test_a_long_text_does_not_drown_a_category():
    text = " ".join(f"word{place}" for place in range(100))
    frame = items(text=[text, text], domain=["Art", "Math"])
    assert cosines(frame, ItemColumns(categories=("domain",)))[0, 1] == pytest.approx(0.5)


def test_only_the_fitted_items_are_learned_from():
    frame = items(text=["red blue", "red green", "blue green", "red blue"], domain=["a", "b", "a", "c"])
    columns = ItemColumns(categories=("domain",))
    whole = cosines(frame, columns, [True, True, True, False])
    alone = cosines(frame.head(3), columns)
    assert np.array_equal(whole[:3, :3], alone)
    assert not whole[3].any()


def test_items_that_say_nothing_have_no_features():
    frame = items(domain=[None, None])
    assert item_features(frame, ItemColumns(categories=("domain",)), np.ones(2, dtype=np.bool_)).nnz == 0
    assert item_features(items(id=[1, 2]), ItemColumns(), np.ones(2, dtype=np.bool_)).shape == (2, 0)


def test_numbers_may_be_labels():
    frame = items(year=[1995, 1995, 1996])
    found = cosines(frame, ItemColumns(categories=("year",)))
    assert found[0].tolist() == [1, 1, 0]


def test_a_dataset_describes_its_available_and_its_ended_items_alone():
    frame = items(text=["red blue"] * 4)
    available, ended = np.array([True, False, False, True]), np.array([False, True, False, False])
    nobody = pl.DataFrame({"user_id": []})
    dataset = Dataset(nobody["user_id"], frame["item_id"], pl.DataFrame(), nobody, frame, available, ended=ended)
    assert np.diff(features_of(dataset).indptr).tolist() == [2, 2, 0, 2]
    assert np.diff(features_of(replace(dataset, ended=None)).indptr).tolist() == [2, 0, 0, 2]


def vectors(*values):
    return pl.Series(values, dtype=VECTOR)


def test_vectors_are_a_group_like_any_other():
    frame = items(domain=["Art", "Art", None], image=vectors([3, 4], [4, -3], [6, 8]))
    found = cosines(frame, ItemColumns(categories=("domain",), vectors=("image",)))
    assert found[0, 1] == pytest.approx(1 / 2, abs=1e-6)  # the category alone
    assert found[0, 2] == pytest.approx(np.sqrt(1 / 2))  # the image alone
    assert np.diag(found) == pytest.approx(np.ones(3))


def test_vectors_alone_describe_items_and_those_beyond_the_catalogue_have_none():
    frame = items(image=vectors([1, 0], [1, 1], None, [1, 0]))
    found = cosines(frame, ItemColumns(vectors=("image",)), fitted=[True, True, True, False])
    assert found[0, 1] == pytest.approx(np.sqrt(1 / 2))
    assert not found[2].any()
    assert not found[3].any()


def test_an_encoded_text_stands_for_its_words():
    words = items(text=["red red", "red red", "blue"])
    encoded = words.with_columns(vectors([1, 0], [0, 1], [1, 0]).alias(TEXT_VECTOR))
    assert cosines(words)[0, 1] == pytest.approx(1)
    assert cosines(encoded, ItemColumns(vectors=(TEXT_VECTOR,))).tolist() == [[1, 0, 1], [0, 1, 0], [1, 0, 1]]


def test_lengths_weigh_text_and_vectors():
    frame = items(text=["red", "red"], domain=["Art", "Mathematics"], image=vectors([1, 0], [0, 1]))
    dataset = Dataset.from_frames(pl.DataFrame({"user_id": [1, 1], "item_id": [0, 1]}), items=frame.drop("title"))
    parts = feature_parts(dataset, text_length=2.0, vector_length=3.0)
    found = parts.sparse @ parts.sparse.T + parts.dense @ parts.dense.T
    assert found[0, 1] == pytest.approx(4 / (4 + 1 + 9), rel=1e-5)
    joined = parts.joined()
    np.testing.assert_allclose((joined @ joined.T).toarray(), found, atol=1e-6)


def test_features_without_vectors_have_no_dense_part():
    frame = items(text=["red", "red"], domain=["Art", None])
    columns = ItemColumns(categories=("domain",))
    dataset = replace(
        Dataset.from_frames(pl.DataFrame({"user_id": [1, 1], "item_id": [0, 1]}), items=frame), item_columns=columns
    )
    parts = feature_parts(dataset)
    assert parts.dense.shape == (2, 0)
    assert parts.joined() is parts.sparse
