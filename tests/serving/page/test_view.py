from urllib.parse import parse_qsl

import pytest

from serving.page.view import View


def test_an_address_without_parameters_asks_for_the_list_as_published() -> None:
    assert View.of({}) == View(k=10, alpha=None, diversity=None, method="combined")
    assert View().query() == ""


def test_what_is_asked_comes_back_from_its_own_address() -> None:
    view = View(k=20, alpha=0.3, diversity=0.5, method="interests", context=(("device", "a&b"),))
    assert view.query() == "?k=20&alpha=0.3&diversity=0.5&method=interests&context.device=a%26b"
    assert View.of(dict(parse_qsl(view.query()[1:]))) == view
    assert View.of({"context.device": "", "context": "x"}) == View()


def test_changes_are_written_over_what_is_asked() -> None:
    assert View(alpha=0.3).query(alpha=None) == ""
    assert View(k=50).query(just="like") == "?k=50&just=like"


@pytest.mark.parametrize("text", ["", "x", "-0.1", "1.1", "nan", "inf", "1e400", "'; DROP"])
def test_what_cannot_be_meant_is_left_out(text: str) -> None:
    assert View.of({"k": text, "alpha": text, "diversity": text, "method": text}) == View()


def test_a_slider_that_was_not_moved_asks_for_nothing() -> None:
    assert View.of({"alpha": "0.6", "unmoved": "0.6"}).alpha is None
    assert View.of({"alpha": "0.7", "unmoved": "0.6"}).alpha == 0.7
    assert View.of({"left_alpha": "0.6", "unmoved": "0.6"}, "left_").alpha == 0.6
    assert View.of({"left_alpha": "0.6", "left_unmoved": "0.6"}, "left_").alpha is None
