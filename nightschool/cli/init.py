"""The command that writes a first manifest for a folder of somebody's own files."""

import shlex
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nightschool.cli import show
from nightschool.cli.night import Json

if TYPE_CHECKING:
    from nightschool.data.inspection.survey import Finding


def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder that your files lie below.")],
    out: Annotated[Path | None, typer.Option(help="The manifest to write; ./NAME-OF-DIR.toml when left out.")] = None,
    as_json: Json = False,
) -> None:
    """Look at your own files and write a first manifest for them, with every guess marked."""
    from nightschool.data.inspection.draft import dataset_name, draft
    from nightschool.data.inspection.survey import survey
    from nightschool.data.inspection.writing import require_new, write_manifest

    path = out or Path(f"{dataset_name(folder)}.toml")
    require_new(path)
    found = survey(folder, datetime.now(UTC))
    text = draft(found)
    name = write_manifest(text, path).name
    commands, guesses = _commands(name, path, folder), text.count("# guess: ")
    if as_json:
        files = [asdict(finding) for finding in found.findings]
        show.show_json({"manifest": str(path), "name": name, "guesses": guesses, "files": files, "next": commands})
        return
    _show_findings(found.findings)
    typer.echo(f"Written: {path}. Read its {guesses} guesses, each with its reason, and correct what is wrong. Then:\n")
    for command in commands:
        typer.echo(f"  {command}")


def _commands(name: str, manifest: Path, folder: Path) -> list[str]:
    """What to run next: a look at the numbers, then a whole night."""
    from nightschool.settings import Settings

    named, default = Settings().home, Path(Settings.model_fields["home"].default)
    home = named if named.absolute() != default.absolute() else default / name
    where = f"--dataset {shlex.quote(str(manifest))} --source-root {shlex.quote(str(folder))}"
    return [f"nightschool --home {shlex.quote(str(home))} {command} {where}" for command in ("ingest", "retrain")]


def _show_findings(findings: Sequence["Finding"]) -> None:
    rows = [
        [
            finding.file,
            finding.kind or "–",
            f"{finding.rows:,}" if finding.whole else f"first {finding.rows:,}",
            finding.use,
            finding.why,
        ]
        for finding in findings
    ]
    show.show_table("What the files are", ["file", "kind", "rows seen", "read as", "why"], rows)
