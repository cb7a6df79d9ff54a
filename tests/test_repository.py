"""What must hold of the repository as a whole: where code lies, what is tested, what is never written."""

import ast
import importlib
import importlib.machinery
import re
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("expectations", "flows", "models", "nightschool", "serving", "tasks")
SOURCES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
MODULES = [path.relative_to(ROOT) for path in SOURCES if path.name != "__init__.py"]
LONGEST = 300
PICKLERS = {"cloudpickle", "dill", "joblib", "marshal", "pickle", "shelve"}

WITHOUT_A_TEST_FILE = {
    "nightschool/capabilities.py": "protocols alone; tests/models/test_catalog.py tells which models have them",
    "nightschool/columns.py": "names and dtypes; every test of the storage writes and reads them",
    "nightschool/contract.py": "tests/data/test_dataset.py reads its scores, tests/models fits on its positives",
    "nightschool/data/normalization/row_reader.py": "tests/data/normalization/test_normalise.py reads by it",
    "nightschool/storage/home.py": "fields alone; every test of the night opens one",
    "nightschool/errors.py": "classes alone; tests/cli/test_app.py ends the command with each exit code",
    "nightschool/item_columns.py": "fields alone; tests/data/test_features.py describes items by them",
    "nightschool/experiments/metrics.py": "a list alone; tests/experiments/test_analysis.py compares by it",
    "nightschool/cli/prefect_api.py": "a process; tests/cli/test_temporary_server.py starts and ends it",
    "nightschool/data/readers/queries.py": "tests/data/readers/test_sql.py reads by it",
    "models/sequential/followers.py": "tests of transitions and next_ridge compare its sums with plain loops",
    "models/sequential/nearest_next.py": "tests of next_ridge compare its sparse form with NumPy's regressions",
    "models/sequential/next_item.py": "what three models share; their tests go through it",
    "nightschool/histories.py": "fields and a choice of rows; tests/models fold them in",
    "nightschool/recipe.py": "fields alone; tests/models/test_hybrid.py builds by them",
    "nightschool/progress.py": "tests/application/test_stage_progress.py reports by it; the bar is for terminals alone",
    "nightschool/storage/operator_tables.py": "shapes alone; tests/storage/test_database.py makes them",
    "nightschool/storage/tables.py": "shapes alone; tests/storage/test_database.py makes them",
    "nightschool/table.py": "a shape alone; tests/storage/test_lake.py writes and reads tables by it",
    "nightschool/night/entries.py": "fields alone; tests/night/test_records.py stores and reads them",
    "nightschool/night/selection/search.py": "fields alone; tests/application/test_search.py builds them",
    "nightschool/night/selection/selection.py": "fields alone; tests/night/selection/test_select.py fills them",
    "nightschool/ranking/path_steps.py": "tests/ranking/test_paths.py explains paths by it",
    "nightschool/shown_table.py": "a shape alone; tests/shown/test_lake_table.py writes and reads the table",
    "nightschool/spark/recommend.py": "tests/spark/test_nights.py compares what it writes",
    "nightschool/spark/refit.py": "tests/spark/test_nights.py compares what it fits",
    "nightschool/testing/spark_cluster.py": "tests/spark_cluster runs nights on it",
    "nightschool/settings.py": "paths alone; every test of the night lives below them",
    "serving/known_tables.py": "tests/serving/test_snapshot.py opens releases by it",
    "serving/api/routes.py": "a list alone; tests/serving/test_app.py asks for every route of it",
}
"""Modules without a test file of their own, and why. Tasks and flows are wiring: tests/flows runs whole nights."""
UNPAIRED = {"flows", "tasks", "application", "schemas"}
"""Folders whose files are tested by whole nights, commands and routes; those with a test of their own keep it."""


def test_packages_come_from_this_repository() -> None:
    for package in PACKAGES:
        assert Path(str(importlib.import_module(package).__file__)).parents[1] == ROOT


def test_every_package_is_installed() -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]
    found = {".".join(path.parent.relative_to(ROOT).parts) for path in SOURCES}
    assert set(declared) == found


def test_no_flow_file_bears_the_name_of_a_module() -> None:
    """Prefect loads flows/retrain.py as the module `retrain`."""
    elsewhere = [entry for entry in sys.path if Path(entry) != ROOT / "flows"]
    for path in (ROOT / "flows").glob("[!_]*.py"):
        assert importlib.machinery.PathFinder.find_spec(path.stem, elsewhere) is None


def test_packages_have_empty_init_files_and_tests_have_none() -> None:
    """But for the entry point, and for contract tests, whose asserts are rewritten before they are imported."""
    full = {path.relative_to(ROOT).as_posix() for path in SOURCES if path.name == "__init__.py" and path.stat().st_size}
    assert full == {"nightschool/cli/__init__.py", "nightschool/testing/__init__.py"}
    assert not list((ROOT / "tests").rglob("__init__.py"))


def test_every_module_has_its_test_file_or_a_reason() -> None:
    without = {path.as_posix() for path in MODULES if not UNPAIRED & set(path.parts) and not has_tests(path)}
    assert without == set(WITHOUT_A_TEST_FILE)


def has_tests(module: Path) -> bool:
    folder = Path(*module.parent.parts[1:]) if module.parts[0] == "nightschool" else module.parent
    return (ROOT / "tests" / folder / f"test_{module.name}").is_file()


def test_no_file_is_too_long() -> None:
    files = [*SOURCES, *(path for folder in ("tests", "benchmarks") for path in (ROOT / folder).rglob("*.py"))]
    lengths = {path.relative_to(ROOT).as_posix(): len(path.read_text().splitlines()) for path in files}
    assert {name: lines for name, lines in lengths.items() if lines > LONGEST} == {}


def test_no_module_pickles_or_runs_text() -> None:
    found = {path.as_posix(): dangers((ROOT / path).read_text()) for path in MODULES}
    assert {path: names for path, names in found.items() if names} == {}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("import joblib", {"joblib"}),
        ("from pickle import load", {"pickle"}),
        ("eval('1')", {"eval"}),
        ("numpy.load(file, allow_pickle=True)", {"allow_pickle"}),
        ("run(line, shell=shell)", {"shell"}),
        ("numpy.load(file, allow_pickle=False)", set()),
    ],
)
def test_pickles_and_running_text_are_seen(text: str, found: set[str]) -> None:
    assert dangers(text) == found


def dangers(text: str) -> set[str]:
    """Return the names by which a module's text would pickle, or run text as code or as a command."""
    nodes = list(ast.walk(ast.parse(text)))
    calls = [node for node in nodes if isinstance(node, ast.Call)]
    modules = {name.partition(".")[0] for node in nodes for name in imported(node)}
    functions = {call.func.id for call in calls if isinstance(call.func, ast.Name)}
    switched = {keyword.arg for call in calls for keyword in call.keywords if not is_false(keyword.value)}
    return (PICKLERS & modules) | ({"eval", "exec"} & functions) | ({"shell", "allow_pickle"} & switched)


def is_false(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is False


def imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [node.module or ""] if isinstance(node, ast.ImportFrom) else []


@pytest.mark.parametrize(
    "name", ["requirements.lock", *(f"requirements-{part}.lock" for part in ("run", "serving", "spark"))]
)
def test_a_lock_file_has_hashes_and_no_address(name: str) -> None:
    lines = (ROOT / name).read_text().splitlines()
    entries = re.split(r"\n(?=\S)", "\n".join(lines))
    assert len(entries) > 100
    for entry in entries:
        assert re.match(r"[a-z0-9][a-z0-9._-]*(\[[a-z0-9,_-]+\])?==\S+", entry), entry
        assert "--hash=sha256:" in entry, entry
    assert not [line for line in lines if "://" in line or line.startswith("-")]
