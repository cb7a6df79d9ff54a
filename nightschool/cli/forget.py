"""The command that forgets a person."""

import sys
from typing import Annotated

import typer

from nightschool.cli import show
from nightschool.cli.night import Json


def add_commands(app: typer.Typer) -> None:
    """Registers the commands of this file."""
    app.command()(forget)


def forget(
    user: Annotated[str, typer.Option(help="The user's id.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask first.")] = False,
    as_json: Json = False,
) -> None:
    """Remove a person from all tables, kept releases, lists and recommenders of the home, for good.

    What was learned from many people together stays: weights between items, popularity, metrics. Source files are
    yours; their rows about the person do not come in again. A release that lost rows is `erased` to `releases verify`.
    """
    from nightschool.application.forget import forget as erase
    from nightschool.application.forget import look_for
    from nightschool.application.home import open_home
    from nightschool.storage.lock import home_lock

    home = open_home()
    found = sum(look_for(home, user).values())
    ask = not yes and sys.stdin.isatty()
    if ask and not typer.confirm(f"Remove {found:,} rows that name user {user}? Nothing brings them back", err=True):
        typer.echo("Nothing was removed.", err=True)
        return
    with home_lock(home.paths.lock):
        report = erase(home, user)
    if as_json:
        show.show_json(report)
        return
    rows = [[table, rows] for table, rows in report["removed"].items()]
    show.console.print(f"User {report['user_id']} is forgotten.", soft_wrap=True)
    show.show_table("Removed", ["table", "rows"], rows)
    show.console.print(f"Recommenders written anew without them: {report['recommenders']}.")
