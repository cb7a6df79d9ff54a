"""Commands that list, export and retry quarantined rows."""

from pathlib import Path
from typing import Annotated

import typer

from nightschool.cli import show
from nightschool.cli.night import Json

app = typer.Typer(no_args_is_help=True)

Reason = Annotated[
    str | None, typer.Option("--reason", help="Only rows with this reason code, as `quarantine list` shows it.")
]
File = Annotated[
    str | None, typer.Option("--file", help="Only rows of this source file, as `quarantine list` shows it.")
]


@app.command("list")
def list_quarantine(reason: Reason = None, file: File = None, as_json: Json = False) -> None:
    """Count the quarantined rows by table, source file and reason."""
    from nightschool.application.home import open_home
    from nightschool.storage.quarantine.table import count_reasons, quarantined

    counts = count_reasons(quarantined(open_home().lake, reason, file))
    if as_json:
        show.show_json(counts.to_dicts())
        return
    if counts.is_empty():
        show.console.print("No row is in quarantine.")
        return
    show.show_table(f"Quarantine: {counts['rows'].sum():,} rows", counts.columns, counts.rows())
    show.console.print(
        "docs/reference/reason-codes.md says what each reason means; `nightschool quarantine export` writes rows to "
        "repair.",
        soft_wrap=True,
    )


@app.command()
def export(
    out: Annotated[Path, typer.Option(help="The file to write: .jsonl is exact, .csv is for a spreadsheet.")],
    reason: Reason = None,
    file: File = None,
    as_json: Json = False,
) -> None:
    """Write the quarantined rows to a file, to be repaired there and ingested by `quarantine retry`."""
    from nightschool.application.home import manifest_of, open_home
    from nightschool.storage.quarantine.repair_files import write_rows
    from nightschool.storage.quarantine.table import own_columns, quarantined, repairable

    home = open_home()
    rows = repairable(quarantined(home.lake, reason, file))
    write_rows(rows, own_columns(manifest_of(home)), out)
    if as_json:
        show.show_json({"rows": rows.height, "out": str(out)})
        return
    show.console.print(f"{rows.height:,} quarantined rows written to {out}; repair them, then: quarantine retry {out}")


@app.command()
def retry(
    repaired: Annotated[
        Path | None,
        typer.Argument(help="The repaired file of `quarantine export`; all quarantined rows when left out."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Ingest repaired rows, or rows that are valid by now; the rest stays in quarantine."""
    from nightschool.application.home import open_home
    from nightschool.application.quarantine import retry_quarantined
    from nightschool.storage.turn import home_turn

    home = open_home()
    with home_turn(home.paths):
        rows = retry_quarantined(home, repaired)
    show.show_json(rows) if as_json else show.show_rows_in(rows)
