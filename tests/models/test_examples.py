"""The example in each model's docstring runs, and every model's docstring has the sections of a model card."""

import doctest
import re
from importlib import import_module

import numpy as np
import pytest

from models.catalog import MODELS
from nightschool.contract import Dataset

SECTIONS = ("Formula", "Good for", "Refuses", "Memory", "Examples")


@pytest.mark.parametrize("name", MODELS)
def test_the_example_of_a_model_runs(name: str, planted: Dataset) -> None:
    def seen(user_id: str) -> set[int]:
        index = planted.user_ids.index_of(user_id)
        return set(planted.item_ids[planted.history()[[index]].indices].to_list())

    model = MODELS[name]
    known = {**vars(import_module(model.__module__)), "dataset": planted, "np": np, "seen": seen}
    (test,) = doctest.DocTestFinder(recurse=False).find(model, model.__name__, globs=known)
    report: list[str] = []
    results = doctest.DocTestRunner().run(test, out=report.append)
    assert (results.failed, results.attempted > 1) == (0, True), "".join(report)


@pytest.mark.parametrize("name", MODELS)
def test_the_docstring_of_a_model_is_a_whole_card(name: str) -> None:
    text = str(MODELS[name].__doc__)
    found = re.findall(r"^    ([A-Z][a-z ]+):$", text, re.MULTILINE)
    assert tuple(found[:-1]) == SECTIONS
    assert found[-1] in {"Reference", "References"}
