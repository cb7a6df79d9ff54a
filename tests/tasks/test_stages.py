"""What every declared stage of a night must have: a record, a task, its line in the flow, and a kill test."""

import ast
from importlib import import_module
from pathlib import Path
from typing import get_type_hints

import pytest
from prefect import Task

from flows.retrain import retrain
from nightschool.night.records import STAGES, StageRecord
from tests.flows.test_killed_nights import MOMENTS

ROOT = Path(__file__).parents[2]
TASKS = {path.stem for path in (ROOT / "tasks").glob("[!_]*.py")} - {"report"}
each_stage = pytest.mark.parametrize("record", STAGES, ids=lambda record: record.stage)


def calls_of_flow() -> list[str]:
    """The names of the functions that the flow calls, in the order of their lines."""
    tree = ast.parse(Path(str(retrain.fn.__code__.co_filename)).read_text())
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)]
    return [call.func.id for call in sorted(calls, key=lambda call: call.lineno)]


def test_every_record_is_a_declared_stage_and_every_task_has_a_record() -> None:
    records = {kind for kind in StageRecord.__subclasses__() if kind.__module__ == StageRecord.__module__}
    assert records == set(STAGES)
    assert {record.stage for record in STAGES} == TASKS


@each_stage
def test_a_stage_is_a_task_of_its_name_that_returns_its_record(record: type[StageRecord]) -> None:
    task = getattr(import_module(f"tasks.{record.stage}"), record.stage)
    assert isinstance(task, Task)
    assert get_type_hints(task.fn)["return"] is record
    assert task.fn.__doc__


def test_the_flow_calls_the_stages_in_their_order() -> None:
    names = [record.stage for record in STAGES]
    assert [name for name in calls_of_flow() if name in names] == names


@each_stage
def test_a_kept_stage_is_resumable_and_any_other_is_measured(record: type[StageRecord]) -> None:
    source = (ROOT / "tasks" / f"{record.stage}.py").read_text()
    wanted = f"resumable(night, {record.__name__}, " if record.kept else f"measured({record.__name__}.stage)"
    assert wanted in source


@each_stage
def test_a_night_is_killed_after_every_stage_that_it_does_not_repeat(record: type[StageRecord]) -> None:
    assert (f"after {record.stage}" in MOMENTS) == (record.kept or record.stage == "ingest")


@each_stage
def test_the_picture_of_the_night_shows_the_stage(record: type[StageRecord]) -> None:
    assert "docs/images/night.svg" in (ROOT / "README.md").read_text()
    assert f">{record.stage}</text>" in (ROOT / "docs/images/night.svg").read_text()
