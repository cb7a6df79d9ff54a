"""Commands about keys to the API: who may ask, who may send, and who may operate."""

from typing import Annotated, Literal

import typer

from nightschool.cli import show
from nightschool.cli.night import Json

app = typer.Typer(no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="Whose key it is, such as `platform`.")]


@app.command()
def add(
    name: Name,
    role: Annotated[
        Literal["read", "events", "operate"],
        typer.Option(help="read: lists and histories; events: and send events; operate: and roll back and hold."),
    ],
    user: Annotated[
        str | None, typer.Option("--user", help="The one user that it is for; such a key may be in a browser.")
    ] = None,
    per_second: Annotated[
        float | None,
        typer.Option(min=0.01, max=100_000, help="Requests a second; as many as it likes, or 10 with --user."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Make a key and print it, this once."""
    from nightschool.settings import Settings
    from nightschool.storage.database import open_database
    from nightschool.storage.keys import Keys

    key = Keys(open_database(Settings().events_address)).add(name, role, user, per_second)
    if as_json:
        show.show_json({"name": name, "role": role, "user_id": user, "key": key})
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
        rows = [[key.name, key.role, key.user_id or "everybody", f"{key.added_at:%Y-%m-%d %H:%M}"] for key in keys]
        show.show_table("Keys", ["name", "role", "for", "added (UTC)"], rows)
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
