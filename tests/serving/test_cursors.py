import pytest

from nightschool.errors import ConfigurationError
from serving.cursors import MARK_BYTES, decode_cursor, encode_cursor, mark


def test_a_cursor_holds_the_marks_of_all_pages() -> None:
    first = encode_cursor(b"", [1, "ä/ 2"])
    second = encode_cursor(decode_cursor(first), [3])
    assert decode_cursor(second) == mark(1) + mark("ä/ 2") + mark(3)
    assert len(mark("x")) == MARK_BYTES
    assert set(second) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


def test_a_number_and_its_text_are_the_same_item() -> None:
    assert mark(14) == mark("14") != mark(41)


@pytest.mark.parametrize("cursor", ["x", "ab", "äöü", "AAAA", "!!!!!!!!", "=", "AAAAAAA=="])
def test_what_is_no_cursor_is_refused(cursor: str) -> None:
    with pytest.raises(ConfigurationError, match=r"none of ours.*take it from `next`"):
        decode_cursor(cursor)
