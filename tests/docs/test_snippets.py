"""What README and the docs show can be used as it stands: Python runs, TOML describes what it says."""

import re
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nightschool.data.manifest.manifest import Manifest
from nightschool.experiments.plan import Plan
from nightschool.testing.recommender import RecommenderContract
from serving.rules import Rules

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def snippets(language: str) -> list[tuple[str, str]]:
    """Page and text of every block in a language."""
    block = re.compile(rf"^```{language}\n(.*?)^```", re.DOTALL | re.MULTILINE)
    return [(page.name, text) for page in PAGES for text in block.findall(page.read_text(encoding="utf-8"))]


def snippet(page: str, language: str) -> str:
    return next(text for name, text in snippets(language) if name == page)


def names_of(page: str) -> dict[str, Any]:
    """What the Python of a page defines."""
    names: dict[str, Any] = {"__name__": page}
    exec(compile(snippet(page, "python"), page, "exec"), names)
    return names


@pytest.mark.parametrize(("page", "text"), snippets("python"))
def test_python_compiles(page: str, text: str) -> None:
    compile(text, page, "exec")


@pytest.mark.parametrize(("page", "text"), snippets("toml"))
def test_toml_parses(page: str, text: str) -> None:
    assert tomllib.loads(text), page


class TestTheModelOfTheGuide(RecommenderContract):
    """The example of `add-a-model.md` keeps what every recommender promises."""

    model = names_of("add-a-model.md")["PopularItems"]


def test_the_metric_of_the_guide_is_the_harmonic_mean() -> None:
    f1_at = names_of("add-a-metric.md")["f1_at"]
    hits = np.array([[True, False, True, False]])
    precision, recall = 2 / 4, 2 / 3
    assert f1_at(hits, np.array([3]), 4)[0] == pytest.approx(2 * precision * recall / (precision + recall))


def test_the_manifest_of_the_guide_is_one() -> None:
    document = tomllib.loads(snippet("describe-your-files.md", "toml"))
    assert Manifest.model_validate(document).name == "my-courses"


def test_the_experiment_of_the_guide_is_one() -> None:
    plan = Plan.model_validate(tomllib.loads(snippet("experiment.md", "toml")))
    assert [arm.name for arm in plan.arms] == ["control", "content"]


def test_the_rules_of_the_guide_are_rules() -> None:
    rules = Rules.model_validate(tomllib.loads(snippet("serve.md", "toml")))
    assert rules.quota == 3
