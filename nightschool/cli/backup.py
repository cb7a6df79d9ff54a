"""Commands that back up a home into one file, and restore it."""

from pathlib import Path
from typing import Annotated

import typer

from nightschool.cli import show
from nightschool.cli.night import Json
from nightschool.errors import NotFound

File = Annotated[Path, typer.Argument(help="The backup: one .zip file, readable by its owner only.")]


def backup(file: File, as_json: Json = False) -> None:
    """Write the whole home into a new file, also while it is served; exit code 6 while a night runs.

    A database on a server of its own (NIGHTSCHOOL_EVENTS_URI, NIGHTSCHOOL_MLFLOW_TRACKING_URI) is left out,
    and so are source files.
    """
    from nightschool.settings import Settings
    from nightschool.storage.backup import backup_home
    from nightschool.storage.lock import home_lock

    settings = Settings()
    if not settings.paths.root.is_dir():
        raise NotFound("there is no home to back up", seen=str(settings.paths.root), do="name it with --home")
    with home_lock(settings.paths.lock):
        files = backup_home(settings.paths, file.absolute())
    if as_json:
        show.show_json({"file": str(file), "files": files, "bytes": file.stat().st_size})
        return
    show.console.print(f"{files:,} files of {settings.paths.root}, written to {file}", soft_wrap=True)
    for name, given in (("events", settings.events_uri), ("MLflow's store", settings.mlflow_tracking_uri)):
        if given.get_secret_value():
            show.console.print(f"Note: {name} may be in a database of its own, which is not in the file.")


def restore(file: File, as_json: Json = False) -> None:
    """Restore a backup into a new home; the folder that --home names must be new or empty.

    The backup still holds users who were forgotten after it was made: forget them again.
    """
    from nightschool.settings import Settings
    from nightschool.storage.backup import restore_home

    if not file.is_file():
        raise NotFound("no such file", seen=str(file), do="give a file that `nightschool backup` made")
    home = Settings().paths
    files = restore_home(file, home)
    if as_json:
        show.show_json({"home": str(home.root), "files": files})
        return
    show.console.print(f"{files:,} files restored; the home is {home.root}", soft_wrap=True)
    show.console.print("The backup still holds users who were forgotten after it was made: forget them again.")
