"""The command that drafts a manifest for a folder of source files."""

import shlex
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from nightschool.cli import show
from nightschool.cli.check import show_check
from nightschool.cli.night import Json


def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder of your files.")],
    out: Annotated[Path | None, typer.Option(help="The manifest to write; ./NAME-OF-DIR.toml when left out.")] = None,
    check: Annotated[bool, typer.Option("--check/--no-check", help="Try the manifest on the files at the end.")] = True,
    as_json: Json = False,
) -> None:
    """Draft a manifest from your own files, with every guess marked; then try it on them."""
    from models.catalog import create
    from nightschool.inspection.draft import dataset_name, draft
    from nightschool.inspection.file_order import with_file_order
    from nightschool.inspection.survey import survey
    from nightschool.inspection.writing import require_new, write_manifest

    path = out or Path(f"{dataset_name(folder)}.toml")
    require_new(path)
    found = with_file_order(survey(folder, datetime.now(UTC)), create)
    text, order = draft(found), found.match.log.order
    name = write_manifest(text, path).name
    document = {
        "manifest": str(path),
        "name": name,
        "guesses": text.count("# guess: "),
        "notes": found.notes,
        "not_read": [f"no {role}: {why}" for role, why in found.match.log.remarks.items()],
        "order": None if order is None else asdict(order),
        "files": [asdict(finding) for finding in found.findings],
        "next": _commands(name, path, folder),
    }
    if check:
        from nightschool.application.check import check_manifest

        document["check"] = check_manifest(str(path), folder)
    show.show_json(document) if as_json else _show(document)


def _commands(name: str, manifest: Path, folder: Path) -> list[str]:
    """Return the commands to run next: an ingest, then a whole night."""
    from nightschool.settings import Settings

    named, default = Settings().home, Path(Settings.model_fields["home"].default)
    home = named if named.absolute() != default.absolute() else default / name
    where = f"--dataset {shlex.quote(str(manifest))} --source-root {shlex.quote(str(folder))}"
    return [f"nightschool --home {shlex.quote(str(home))} {command} {where}" for command in ("ingest", "retrain")]


def _show(document: Mapping[str, Any]) -> None:
    """Print what each file was taken for, and what to do with the manifest."""
    rows = [
        [
            file["file"],
            file["kind"] or "–",
            f"{file['rows']:,}" if file["whole"] else f"first {file['rows']:,}",
            file["use"],
            file["why"],
        ]
        for file in document["files"]
    ]
    show.show_table("What the files are", ["file", "kind", "rows seen", "read as", "why"], rows)
    for note in document["notes"]:
        show.console.print(f"Note: {show.printable(note)}.\n", soft_wrap=True)
    for remark in document["not_read"]:
        show.console.print(f"Could not be read: {show.printable(remark)}.\n", soft_wrap=True)
    if order := document["order"]:
        do = 'order = "file" is written' if order["shown"] else 'write order = "file" if they do'
        show.console.print("The rows have no times. Do they stand in the order of time?", end=" ")
        show.console.print(f"{show.printable(order['why'])}: {do}.\n", soft_wrap=True)
    guesses = f"Read its {document['guesses']} guesses, each with its reason, and correct what is wrong. Then:\n"
    typer.echo(f"Written: {document['manifest']}. {guesses}")
    for command in document["next"]:
        typer.echo(f"  {command}")
    if "check" in document:
        typer.echo("\nWhat the first of them would do (`nightschool check` says it again):\n")
        show_check(document["check"])
