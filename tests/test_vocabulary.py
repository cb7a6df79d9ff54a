import pytest

from nightschool.vocabulary import reason_in_words


@pytest.mark.parametrize(
    ("reason", "because", "words"),
    [
        ("because_of_item", "Trees", "because of Trees"),
        ("similar_content", "Trees", "similar to Trees"),
        ("popular", None, "popular with everyone"),
        ("audience", None, "popular with people like you"),
        ("random", None, "something different"),
        ("because_of_item", None, "popular with everyone"),
    ],
)
def test_a_reason_in_words(reason: str, because: str | None, words: str) -> None:
    assert reason_in_words(reason, because, "you") == words
