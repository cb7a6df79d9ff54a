"""The command that erases a user."""

import sys
from typing import Annotated

import typer

from nightschool.cli import show
from nightschool.cli.night import Json


def forget(
    user: Annotated[str, typer.Option(help="The user's id.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")] = False,
    as_json: Json = False,
) -> None:
    """Erase a user from all tables, kept releases, lists and recommenders of the home, for good.

    Aggregates over many users stay: weights between items, popularity, metrics. Source files are not changed, but their
    rows about the user are not ingested again. `releases verify` reports a release that lost rows as `erased`.
    """
    from nightschool.application.forget import forget as erase
    from nightschool.application.forget import look_for
    from nightschool.application.home import open_home
    from nightschool.storage.turn import home_turn

    home = open_home()
    found = sum(look_for(home, user).values())
    ask = not yes and sys.stdin.isatty()
    if ask and not typer.confirm(f"Remove {found:,} rows that name user {user}? This cannot be undone", err=True):
        typer.echo("Nothing was removed.", err=True)
        return
    with home_turn(home.paths):
        report = erase(home, user)
    if as_json:
        show.show_json(report)
        return
    rows = [[table, rows] for table, rows in report["removed"].items()]
    show.console.print(f"User {report['user_id']} is forgotten.", soft_wrap=True)
    show.show_table("Removed", ["table", "rows"], rows)
    show.console.print(f"Recommenders rewritten without the user: {report['recommenders']}.")
