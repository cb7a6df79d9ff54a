"""Names of a recipe's components in tables and files."""

from nightschool.recipe import Recipe


def component_names(recipe: Recipe) -> list[str]:
    """Name each component by its model, numbered from the second of the same model on (`ease`, `ease_2`)."""
    models = [component.model for component in recipe.components]
    counted = [models[: place + 1].count(model) for place, model in enumerate(models)]
    return [model if count == 1 else f"{model}_{count}" for model, count in zip(models, counted, strict=True)]
