import pytest

from nightschool.errors import NotFound
from nightschool.ids import is_storable, parse_id, require_id


@pytest.mark.parametrize(
    ("value", "number"),
    [
        ("7", 7),
        ("0", 0),
        ("-7", -7),
        ("1815340886928000336", 1815340886928000336),
        (str(2**63 - 1), 2**63 - 1),
        (str(-(2**63)), -(2**63)),
        (str(2**63), None),
        ("007", None),
        ("-0", None),
        ("", None),
        ("-", None),
        ("--7", None),
        ("7.0", None),
        (" 7", None),
        ("+7", None),
        ("٧", None),
        ("²", None),
        ("1_000", None),
        ("9" * 18, int("9" * 18)),
        ("9" * 19, None),
        ("x", None),
    ],
)
def test_an_id_of_numbers_is_written_as_the_sources_write_it(value: str, number: int | None) -> None:
    assert parse_id(value, "Int64") == number


@pytest.mark.parametrize(
    ("value", "text"), [("007", "007"), ("a/b", "a/b"), ("日本語", "日本語"), ("\0", None), ("\ud800", None)]
)
def test_an_id_of_texts_is_any_text_that_a_database_keeps(value: str, text: str | None) -> None:
    assert parse_id(value, "String") == text


@pytest.mark.parametrize(
    ("text", "held"), [("", True), ("ü 学\n\t🎓", True), ("a\0", False), ("\ud800", False), ("\ufffd", True)]
)
def test_what_both_databases_keep(text: str, held: bool) -> None:
    assert is_storable(text) is held


def test_ids_are_those_of_the_home() -> None:
    assert require_id("7", "Int64", "user") == 7
    assert require_id("007", "String", "user") == "007"
    with pytest.raises(NotFound, match="User ids in this home are texts in Unicode"):
        require_id("a\udcff", "String", "user")
    for text in ("x", "1_4", "007", "7.0"):
        with pytest.raises(NotFound, match=f"Item ids in this home are whole numbers of at most 64 bits; saw '{text}'"):
            require_id(text, "Int64", "item")
