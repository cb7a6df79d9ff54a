import pytest

from models.catalog import create, space
from nightschool.contract import Span
from nightschool.data.shape import Shape
from nightschool.night.selection import priors
from nightschool.night.selection.priors import Prior, known_priors, settings_of_similar_data
from nightschool.night.selection.search import densities

KNOWN = {
    "small": Prior(users=100, items=50, pairs=1000, settings={"ease": {"l2": 10}, "ials": {"factors": 8}}),
    "middle": Prior(users=1000, items=500, pairs=50_000, settings={"ease": {"l2": 100}}),
    "large": Prior(users=100_000, items=5000, pairs=5_000_000, settings={"ease": {"l2": 1000}}),
}


@pytest.fixture
def _three_sets(monkeypatch):
    monkeypatch.setattr(priors, "known_priors", lambda: KNOWN)


def like(users: int, items: int, pairs: int) -> Shape:
    return Shape(users, items, pairs, 0, 0)


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        (like(150, 60, 1500), ({"l2": 10}, {"l2": 100})),
        (like(80_000, 9000, 3_000_000), ({"l2": 1000}, {"l2": 100})),
        (like(0, 0, 0), ()),
    ],
)
@pytest.mark.usefixtures("_three_sets")
def test_settings_of_the_two_most_similar_sets_come_first(shape, expected):
    assert settings_of_similar_data(shape, "ease") == expected


@pytest.mark.usefixtures("_three_sets")
def test_a_set_tells_only_of_the_models_that_were_searched_there():
    assert settings_of_similar_data(like(80_000, 9000, 3_000_000), "ials") == ({"factors": 8},)
    assert settings_of_similar_data(like(150, 60, 1500), "dlae") == ()


def test_what_is_shipped_can_be_trained_and_was_searched():
    for prior in known_priors().values():
        for model, settings in prior.settings.items():
            create(model, settings)
            searched = space(model)
            assert settings.keys() <= searched.keys() | densities(searched)
            for name, values in searched.items():
                assert name not in settings or lies_in(settings[name], values)


def lies_in(value, values) -> bool:
    return values.low <= value <= values.high if isinstance(values, Span) else value in values
