"""The pictures of the architecture are drawn from its contracts, and are those that the docs show."""

from pathlib import Path

import pytest

from docs.generate.architecture_pictures import FOLDER, pictures
from nightschool.columns import RELEASE_TABLES
from nightschool.night.records import STAGES

PAGE = Path(__file__).parents[2] / "docs" / "explanation" / "architecture.md"


@pytest.mark.parametrize("name", pictures())
def test_a_picture_is_as_its_contract_is_now(name: str) -> None:
    assert (FOLDER / name).read_text(encoding="utf-8") == pictures()[name], (
        "python -m docs.generate.architecture_pictures"
    )
    assert f"](../images/{name})" in PAGE.read_text(encoding="utf-8")


def test_every_stage_layer_and_table_is_in_its_picture() -> None:
    shown = pictures()
    assert [stage for stage in STAGES if f">{stage.stage}<" not in shown["records.svg"]] == []
    assert [table for table in RELEASE_TABLES if f">{table.name}<" not in shown["tables.svg"]] == []
    assert [name for name in ("models", "night", "storage", "errors") if f">{name}<" not in shown["floors.svg"]] == []
