import pytest

from nightschool.shown.list_ids import LENGTH, is_list_of, make_list_id


def test_the_same_list_has_the_same_id_and_any_other_another() -> None:
    first = make_list_id(b"x", "7", "learning")
    assert first == make_list_id(b"x", "7", "learning")
    assert (
        len({first, *(make_list_id(*other) for other in [(b"y", "7", "a"), (b"x", "8", "a"), (b"x", None, "a")])}) == 4
    )


def test_an_id_tells_whose_list_it_is_and_which_installation_made_it() -> None:
    own, of_session = make_list_id(b"x", "7", "learning"), make_list_id(b"x", None, "learning")
    assert is_list_of(own, "7", "learning")
    assert is_list_of(of_session, None, "learning")
    for user, installation in (("8", "learning"), (None, "learning"), ("7", "other"), ("70", "learning")):
        assert not is_list_of(own, user, installation)
    assert not is_list_of(of_session, "7", "learning")


@pytest.mark.parametrize("odd", ["", "x", "ü" * LENGTH, "\ud800" * LENGTH, "=" * LENGTH, "A" * LENGTH, "A" * 5_000])
def test_what_was_never_an_id_is_none(odd: str) -> None:
    assert not is_list_of(odd, "7", "learning")


def test_one_wrong_letter_makes_it_none() -> None:
    good = make_list_id(b"x", "ß \ud800", "learning")
    assert is_list_of(good, "ß \ud800", "learning")
    for place in range(LENGTH):
        bad = good[:place] + ("A" if good[place] != "A" else "B") + good[place + 1 :]
        assert not is_list_of(bad, "ß \ud800", "learning")
