"""Everything that has a name is documented: settings, options, keys, models, metrics, tables, codes, routes."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from docs.generate import (
    command_line,
    configuration,
    exit_codes,
    gate_reference,
    http_api,
    manifest_reference,
    metric_reference,
    model_cards,
    table_reference,
)
from docs.generate.descriptions import require_same
from nightschool import vocabulary
from nightschool.evaluation.catalog import CATALOG
from nightschool.night.config import NightConfig
from nightschool.settings import Settings
from nightschool.storage.operator_tables import ALL_TABLES
from serving.problem_types import ProblemType
from serving.rules import Rules

ROOT = Path(__file__).parents[2]
REASONS = (ROOT / "docs/reference/reason-codes.md").read_text(encoding="utf-8")
CODE = re.compile(r"[a-z]+(?:_[a-z]+)+|shrunk|superseded|dismissed|retried")
PLACES = {"mark": (1, 2), "between": (1,), "filled": (1,), "_cell": (1,), "_above": (1,)}
"""Functions that take the code of a reason, wherever rows are judged, read or spoiled, and at which of their places."""


def test_every_command_and_option() -> None:
    page = command_line.page()
    for path, command in command_line.commands():
        section = page.partition(f"## nightschool {path}\n")[2].partition("\n## ")[0]
        assert section, path
        for parameter in command_line.documented(command):
            for name in [*parameter.opts, *parameter.secondary_opts] if parameter.param_type_name == "option" else []:
                assert f"`{name}`" in section


def test_every_setting_and_place_of_a_home() -> None:
    page = configuration.settings_page()
    assert [name for name in Settings.model_fields if f"`NIGHTSCHOOL_{name.upper()}`" not in page] == []
    assert len(configuration.home_places()) > 10


def test_every_key_of_a_night_and_of_rules() -> None:
    page = configuration.night_page()
    assert [name for name in NightConfig.model_fields if f"| `{name}` |" not in page] == []
    rules = configuration.rules_page()
    assert [name for name in Rules.model_fields if f"| `{name}` |" not in rules] == []


def test_every_key_of_a_manifest() -> None:
    page = manifest_reference.page()
    for model in (*manifest_reference.SECTIONS.values(), *manifest_reference.FORMATS):
        for name, field in model.model_fields.items():
            assert name == "kind" or f"| `{field.alias or name}` |" in page, f"{model.__name__}.{name}"


def test_every_model_and_hyper_parameter() -> None:
    index = model_cards.index()
    for name in model_cards.cards():
        assert f"[{name}]({name}.md)" in index
        assert "## Hyper-parameters" in model_cards.card(name)


def test_every_metric_and_gate() -> None:
    page = metric_reference.page()
    assert [metric.name for metric in CATALOG if f"| `{metric.name}` |" not in page] == []
    assert gate_reference.page().count("\n| `") > 10


def test_every_table_and_column() -> None:
    page = table_reference.page()
    for table in table_reference.delta_tables():
        section = page.partition(f"\n## {table.name}\n")[2].partition("\n## ")[0]
        assert [name for name in {**table.columns, **table.optional} if f"| `{name}` |" not in section] == []
    assert [name for name in ALL_TABLES.tables if f"### {name} (database)" not in page] == []


def test_a_column_without_a_description_is_refused() -> None:
    with pytest.raises(ValueError, match="describe \\['b'\\], take out \\['c'\\]"):
        require_same("table", ["a", "c"], ["a", "b"])


def test_every_route() -> None:
    document = http_api.openapi()
    page = http_api.page()
    routes = list(http_api.routes(document))
    assert len(routes) > 10
    assert [path for method, path, _ in routes if f"## {method.upper()} {path}\n" not in page] == []


def test_every_type_of_problem() -> None:
    page = http_api.page()
    assert [kind.uri for kind in ProblemType if f"| `{kind.uri}` | {kind.status} | {kind.title} |" not in page] == []


def test_every_exit_code_and_error() -> None:
    page = exit_codes.page()
    for error in exit_codes.error_types():
        assert f"| `{error.__name__}` | {error.exit_code} |" in page
    assert "| 130 |" in page


def test_every_reason_of_a_list() -> None:
    codes = (
        "BECAUSE_OF_ITEM",
        "SIMILAR_CONTENT",
        "WHOLE_HISTORY",
        "POPULAR",
        "POPULAR_IN_AUDIENCE",
        "RANDOM",
        "PINNED",
    )
    assert [code for code in codes if f"`{getattr(vocabulary, code)}`" not in REASONS] == []


def test_every_reason_of_a_row_or_file() -> None:
    codes = set(reasons())
    assert len(codes) > 30
    named = {code for code in codes if not code.startswith("bad_")}  # the page has one line for `bad_` and any column
    assert [code for code in sorted(named) if f"`{code}`" not in REASONS] == []


def reasons() -> Iterator[str]:
    """Every code that a function which judges, writes or spoils rows is called with."""
    folders = ("expectations", "nightschool/ingest", "nightschool/data/normalization", "nightschool/simulator")
    for path in (path for folder in folders for path in (ROOT / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and _called(node) in PLACES:
                given = [node.args[place] for place in PLACES[_called(node)] if place < len(node.args)]
                texts = [each.value for each in given if isinstance(each, ast.Constant)]
                yield from (text for text in texts if isinstance(text, str) and CODE.fullmatch(text))


def _called(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
