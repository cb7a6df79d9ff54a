"""Commands about keys to the API: who may ask, and who may send."""

from typing import Annotated, Literal

import typer

from nightschool.cli import show
from nightschool.cli.night import Json

app = typer.Typer(no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="Whose key it is, such as `platform`.")]


@app.command()
def add(
    name: Name,
    role: Annotated[Literal["read", "write"], typer.Option(help="read: lists and histories; write: events too.")],
    as_json: Json = False,
) -> None:
    """Make a key and print it, this once."""
    from nightschool.settings import Settings
    from nightschool.storage.database import open_database
    from nightschool.storage.keys import Keys

    key = Keys(open_database(Settings().events_address)).add(name, role)
    if as_json:
        show.show_json({"name": name, "role": role, "key": key})
        return
    show.console.print(key, soft_wrap=True)
    typer.echo("It is kept nowhere: give it to whom it is for. `nightschool keys revoke` ends it.", err=True)


@app.command("list")
def list_keys(as_json: Json = False) -> None:
    """List who has a key, and what for."""
    from nightschool.settings import Settings
    from nightschool.storage.database import find_database
    from nightschool.storage.keys import Keys

    database = find_database(Settings().events_address)
    keys = Keys(database).list() if database else ()
    if as_json:
        show.show_json([key._asdict() for key in keys])
    elif keys:
        rows = [[key.name, key.role, f"{key.added_at:%Y-%m-%d %H:%M}"] for key in keys]
        show.show_table("Keys", ["name", "role", "added (UTC)"], rows)
    else:
        show.console.print("There is no key yet: `nightschool keys add NAME --role read` makes one.")


@app.command()
def revoke(name: Name, as_json: Json = False) -> None:
    """Make a key worth nothing."""
    from nightschool.settings import Settings
    from nightschool.storage.database import open_database
    from nightschool.storage.keys import Keys

    Keys(open_database(Settings().events_address)).revoke(name)
    if as_json:
        show.show_json({"revoked": name})
        return
    show.console.print(f"The key of {name} opens nothing any more.")
