"""Commands that list source files, and accept or drop those that were set aside."""

import json
from typing import Annotated, Any

import typer

from nightschool.cli import show
from nightschool.cli.night import Json

app = typer.Typer(no_args_is_help=True)

FileName = Annotated[str, typer.Argument(metavar="FILE", help="A file as `sources list` shows it.")]


@app.command("list")
def list_sources(as_json: Json = False) -> None:
    """List every source file with its state, the rows ingested, and why it was set aside."""
    from nightschool.application.home import open_home
    from nightschool.application.sources import list_files

    files = list_files(open_home())
    if as_json:
        show.show_json(files)
        return
    rows = [[f["table"], f["file"], f["state"], f["rows"], f["read_at"][:16].replace("T", " ")] for f in files]
    show.show_table("Source files", ["table", "file", "state", "rows", "read at (UTC)"], rows)
    aside = [f for f in files if f["state"] == "set aside"]
    for file in aside:
        show.console.print(f"{file['file']}: {show.printable(file['reason'])}", soft_wrap=True)
    if aside:
        show.console.print(
            "`nightschool sources accept FILE` ingests one next time, `nightschool sources drop FILE` leaves it out.",
            soft_wrap=True,
        )


@app.command()
def accept(file: FileName, as_json: Json = False) -> None:
    """Accept a file that was set aside: the next ingest reads it as it is; invalid rows go to quarantine.

    A file that cannot be read, as one that lacks a column, is set aside again: correct the file or the manifest.
    """
    _decide(file, "accepted", as_json)


@app.command()
def drop(file: FileName, as_json: Json = False) -> None:
    """Drop a file that was set aside: it stays out until its content changes."""
    _decide(file, "dropped", as_json)


def _decide(file: str, decision: Any, as_json: bool) -> None:
    from nightschool.application.home import open_home
    from nightschool.application.sources import decide_source
    from nightschool.storage.turn import home_turn

    home = open_home()
    with home_turn(home.paths):
        entry = decide_source(home, file, decision)
    if as_json:
        show.show_json(entry)
        return
    after = {"accepted": "The next ingest or night reads it.", "dropped": "It stays out until it changes."}
    show.console.print(f"{file} is {decision} ({json.loads(entry['detail'])['rows']:,} rows). {after[decision]}")
