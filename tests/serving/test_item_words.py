import polars as pl

from serving.item_words import ItemWords


def words(*texts: tuple[str | None, str | None]) -> ItemWords:
    return ItemWords(pl.DataFrame(texts, schema={"title": pl.String, "text": pl.String}, orient="row"))


def test_shared_words_are_those_of_both_titles_and_texts_the_rarest_first() -> None:
    many = [("Statistics again", None)] * 2
    found = words(("Statistics of Rivers", "Measuring floods"), ("Rivers", "statistics of FLOODS"), *many)
    assert found.shared(0, 1) == ["floods", "rivers"]


def test_words_that_many_items_have_tell_nothing() -> None:
    found = words(*[("Introduction to everything", None)] * 40, ("Introduction to rivers", None), ("Rivers", None))
    assert found.shared(0, 40) == []
    assert found.shared(40, 41) == ["rivers"]


def test_short_words_numbers_and_missing_texts_are_nothing() -> None:
    found = words(("the sea 2024", None), ("the sea 2024", ""), (None, None))
    assert found.shared(0, 1) == []
    assert found.shared(0, 2) == []
