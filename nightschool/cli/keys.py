"""Commands that add, list and revoke API keys."""

from datetime import datetime
from typing import Annotated, Literal

import typer

from nightschool.cli import show
from nightschool.cli.night import Json

app = typer.Typer(no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="Name of the key, such as `platform`.")]


@app.command()
def add(
    name: Name,
    role: Annotated[
        Literal["read", "events", "operate"],
        typer.Option(
            help="read: lists and histories; events: also send events; operate: also roll back, hold, and act on the "
            "operator's pages."
        ),
    ],
    user: Annotated[
        str | None,
        typer.Option("--user", help="Id of the only user that the key is for; such a key may be given to a browser."),
    ] = None,
    per_second: Annotated[
        float | None,
        typer.Option(min=0.01, max=100_000, help="Most requests a second; unlimited when left out, 10 with --user."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Create an API key and print it; it cannot be shown again."""
    from nightschool.application.audit import note
    from nightschool.settings import Settings
    from nightschool.storage.database import open_database
    from nightschool.storage.keys import Keys

    key = Keys(open_database(Settings().events_address)).add(name, role, user, per_second)
    note("key_added", name, {"role": role, "for_one_user": user is not None})
    if as_json:
        show.show_json({"name": name, "role": role, "user_id": user, "key": key})
        return
    show.console.print(key, soft_wrap=True)
    typer.echo("The key is not stored: give it to its user now. `nightschool keys revoke` revokes it.", err=True)


@app.command("list")
def list_keys(as_json: Json = False) -> None:
    """List the keys by name, role and user, and when each was last used."""
    from nightschool.settings import Settings
    from nightschool.storage.database import find_database
    from nightschool.storage.keys import Keys

    database = find_database(Settings().events_address)
    keys = Keys(database).list() if database else ()
    if as_json:
        show.show_json([key._asdict() for key in keys])
    elif keys:
        rows = [
            [key.name, key.role, key.user_id or "everybody", _minute(key.added_at), _minute(key.used_at)]
            for key in keys
        ]
        show.show_table("Keys", ["name", "role", "for", "added (UTC)", "last used (UTC)"], rows)
    else:
        show.console.print("There is no key yet: `nightschool keys add NAME --role read` creates one.")


@app.command()
def revoke(name: Name, as_json: Json = False) -> None:
    """Revoke a key."""
    from nightschool.application.audit import note
    from nightschool.settings import Settings
    from nightschool.storage.database import open_database
    from nightschool.storage.keys import Keys

    Keys(open_database(Settings().events_address)).revoke(name)
    note("key_revoked", name)
    if as_json:
        show.show_json({"revoked": name})
        return
    show.console.print(f"The key {name} is revoked.")


def _minute(instant: datetime | None) -> str:
    return f"{instant:%Y-%m-%d %H:%M}" if instant else ""
