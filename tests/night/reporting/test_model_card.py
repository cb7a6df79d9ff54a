from pathlib import Path

import polars as pl

from nightschool.evaluation.gaps import Gap
from nightschool.night.records import PrepareRecord, ProveRecord
from nightschool.night.reporting.model_card import model_card
from nightschool.recipe import Component, Recipe
from tests.night.nights import make_home, start
from tests.night.records import EASE, example

MEASURED = pl.DataFrame(
    {
        "segment": ["all", "activity:new", "all"],
        "metric": ["ndcg", "ndcg", "recall"],
        "k": [10, 10, 10],
        "value": [0.31, 0.2, 0.9],
        "ci_low": [0.3, None, 0.8],
        "ci_high": [0.32, None, 1.0],
        "n_users": [9, 1, 9],
    }
)


def card(tmp_path: Path, recipe: Recipe, *, learnable: bool | None = True) -> str:
    gaps = (Gap("activity:new", 1, -0.11, -0.2, -0.01, 0.03, shown=True),)
    proved = example(ProveRecord, recipe=recipe, learnable=learnable, gaps=gaps)
    return model_card(start(make_home(tmp_path / "home")), example(PrepareRecord), proved, MEASURED)


def test_a_card_tells_data_recipe_segments_and_limits(tmp_path: Path) -> None:
    text = card(tmp_path, EASE)
    assert text.startswith("# ease\n")
    assert "2 users, 2 items, 1 events, known at 2024-" in text
    assert '| ease | 1 | {"l2": 5.0} |' in text
    assert "| all | 9 | 0.3100 | 0.3000 – 0.3200 |  |\n| activity:new | 1 | 0.2000 | – – – | -0.1100, shown |" in text
    assert "0.9000" not in text
    assert "## Limits\n\n- weaker\n- " in text
    assert "Not shown better than popularity." not in text


def test_a_blend_with_a_reranker_names_all_parts_and_what_was_not_shown(tmp_path: Path) -> None:
    parts = (Component(model="ials", params={"factors": 8}), Component(model="content", params={}, weight=0.2))
    text = card(tmp_path, Recipe(components=parts, reranker={"objective": "binary"}), learnable=None)
    assert '| content | 0.2 | {} |\n| reranker | reorders | {"objective": "binary"} |' in text
    assert "- Not shown better than popularity." in text
