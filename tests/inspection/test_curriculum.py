from pathlib import Path

import pytest

from nightschool.data.readers.sources import SourceFile
from nightschool.inspection.curriculum import with_curriculum
from nightschool.inspection.entities import item_lines
from nightschool.inspection.looks import look_at

N = 40


def guessed(folder: Path, needs: list[str], builds: list[str], name: str = "prerequisites") -> dict[str, object]:
    rows = [f"{n},Lesson {n} of many,{needs[n % len(needs)]},{builds[n % len(builds)]}" for n in range(1, N + 1)]
    file = folder / "content.csv"
    file.write_text("\n".join([f"content_id,title,{name},skills", *rows]) + "\n")
    look = look_at(SourceFile(file.name, file))
    key, *_ = look.columns
    lines = with_curriculum(item_lines(key, look.columns, invented=False), look, key)
    return {".".join(line.key): line.value for line in lines}


def test_columns_by_name_whose_values_show_it(tmp_path: Path) -> None:
    found = guessed(tmp_path, ["1;2", "3", "", "4;7"], ["sql;joins", "r", "sql;r"])
    assert (found["prerequisites.column"], found["prerequisites.separator"]) == ("prerequisites", ";")
    assert (found["skills.column"], found["skills.separator"]) == ("skills", ";")
    assert "lists.prerequisites" not in found
    assert found["lists.skills"] == ";"


def test_single_ids_are_no_labels(tmp_path: Path) -> None:
    found = guessed(tmp_path, ["1", "3", ""], ["sql", "r"])
    assert (found["prerequisites.column"], found.get("categories")) == ("prerequisites", ["skills"])


@pytest.mark.parametrize(
    ("needs", "name"),
    [
        (["1;2", "3", "none"], "related"),
        (["99;98", "97", "1"], "prerequisites"),
        (["none", "Algebra"], "prerequisites"),
    ],
)
def test_what_cannot_be_shown_is_not_guessed(tmp_path: Path, needs: list[str], name: str) -> None:
    assert not [key for key in guessed(tmp_path, needs, ["sql"], name) if key.startswith("prerequisites")]
