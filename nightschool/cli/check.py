"""The command that tries a manifest on its files without writing anything."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from nightschool.cli import show
from nightschool.cli.night import Json


def check(
    manifest: Annotated[str, typer.Argument(metavar="MANIFEST", help="A manifest's path or a shipped dataset's name.")],
    source_root: Annotated[Path, typer.Option(help="The folder of the manifest's files.")],
    as_json: Json = False,
) -> None:
    """Try a manifest on its files: what would be accepted and refused, with samples; nothing is written."""
    from nightschool.application.check import check_manifest

    document = check_manifest(manifest, source_root)
    show.show_json(document) if as_json else show_check(document)
    if document["refusal"]:
        raise typer.Exit(3)


def show_check(document: Mapping[str, Any]) -> None:
    """Print what an ingest would accept and refuse."""
    if document["ids"]:
        kinds = {"Int64": "whole numbers", "String": "texts"}
        user, item = (kinds[document["ids"][name]] for name in ("user", "item"))
        show.console.print(f"User ids are {user}, item ids are {item}.")
    if document["tables"]:
        show.show_rows_in(document["tables"])
    if document["quarantine"]:
        columns = ["table", "source_file", "reason", "rows", "example"]
        rows = [[row[name] for name in columns] for row in document["quarantine"]]
        show.show_table("Quarantined, with the first value of each", columns, rows)
    for table, rows in document["samples"].items():
        if rows:
            cells = [["–" if value is None else str(value) for value in row.values()] for row in rows]
            show.show_table(f"The first {table}", list(rows[0]), cells)
    for warning in document["warnings"]:
        show.console.print(f"Note: {show.printable(warning)}.", soft_wrap=True)
    if document["refusal"]:
        show.console.print(f"Refused: {show.printable(document['refusal'])}", soft_wrap=True)
