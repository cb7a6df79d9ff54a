from nightschool.ranking.components import component_names
from nightschool.recipe import Component, Recipe


def test_a_model_that_comes_again_is_numbered() -> None:
    models = ("ease", "content", "ease", "ease")
    recipe = Recipe(components=tuple(Component(model=model) for model in models))
    assert component_names(recipe) == ["ease", "content", "ease_2", "ease_3"]
