"""Pictures of the architecture, drawn from its contracts; as a program it writes them to `docs/images/`."""

import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from textwrap import wrap
from typing import Any, Final

from docs.generate.boxes import Band, Box, draw
from docs.generate.table_reference import delta_tables
from nightschool.night.records import STAGES, StageRecord
from nightschool.table import Table

FOLDER: Final = Path(__file__).parents[1] / "images"

_PROJECT: Final = Path(__file__).parents[2] / "pyproject.toml"
_LINE: Final = 38
_PACKAGE: Final = "nightschool."


def pictures() -> Mapping[str, str]:
    """Return file name to SVG: who may import whom, what stages leave, and what tables hold."""
    return {"floors.svg": floors(), "records.svg": records(), "tables.svg": tables()}


def floors() -> str:
    """Draw the floors of the house and those inside nightschool, from the contracts of import-linter."""
    found = [one for one in _contracts() if one["type"] == "layers" and "containers" not in one]
    bands = []
    for contract in found:
        for place, layer in enumerate(contract["layers"]):
            label = f"{contract['name'].partition(':')[0]}: each row imports those below it" if place == 0 else ""
            bands.append(Band(label, [Box(name.strip().removeprefix(_PACKAGE)) for name in layer.split("|")]))
    return draw("Who may import whom", bands)


def records() -> str:
    """Draw the stages of a night in their order, with the fields of the record that each leaves."""
    kept = [_record(one) for one in STAGES if one.kept]
    others = [_record(one) for one in STAGES if not one.kept]
    return draw(
        "What the stages of a night leave",
        [
            Band("Records that stay on the disk, in order: a killed night goes on after the last one", kept),
            Band("Stages that run again in every try", others),
        ],
    )


def tables() -> str:
    """Draw the tables of a home with their keys and columns: the log, and what each release has of its own."""
    found = delta_tables()
    return draw(
        "The tables of a home",
        [
            Band("The log and the operations", [_table(one) for one in found if not one.released]),
            Band("Tables with a partition for each release", [_table(one) for one in found if one.released]),
        ],
    )


def _contracts() -> list[dict[str, Any]]:
    project = tomllib.loads(_PROJECT.read_text(encoding="utf-8"))
    contracts: list[dict[str, Any]] = project["tool"]["importlinter"]["contracts"]
    return contracts


def _record(record: type[StageRecord]) -> Box:
    return Box(record.stage, _wrapped(record.model_fields))


def _table(table: Table) -> Box:
    rest = [name for name in (*table.columns, *table.optional) if name not in table.key and name != "release_id"]
    further = ["…"] if table.open else []
    return Box(table.name, [*_wrapped(table.key, "key: "), *_wrapped([*rest, *further])])


def _wrapped(names: Iterable[str], before: str = "") -> list[str]:
    return wrap(f"{before}{', '.join(names)}", _LINE, break_long_words=False)


if __name__ == "__main__":
    for name, picture in pictures().items():
        (FOLDER / name).write_text(picture, encoding="utf-8")
