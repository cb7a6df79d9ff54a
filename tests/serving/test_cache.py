from typing import NamedTuple

from serving.cache import Cache


class Answer(NamedTuple):
    size: int


def test_what_is_asked_for_stays_and_the_rest_goes_before_there_is_too_much() -> None:
    cache = Cache[Answer](1_000)
    cache.put("kept", Answer(100))
    for number in range(100):
        cache.put(number, Answer(90))
        assert cache.get("kept") == Answer(100)
        assert sum(kept.size for each in range(100) if (kept := cache._younger.get(each))) <= 500
    assert [cache.get(number) for number in (0, 50, 99)] == [None, None, Answer(90)]


def test_nothing_is_left_of_what_was_cleared() -> None:
    cache = Cache[Answer](1_000)
    cache.put("a", Answer(1))
    cache.clear()
    assert cache.get("a") is None
