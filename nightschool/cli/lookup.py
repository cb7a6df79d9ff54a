"""Commands that read a published release."""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TextIO

import typer

from nightschool.cli import show
from nightschool.cli.night import Json
from nightschool.errors import ConfigurationError

if TYPE_CHECKING:
    from nightschool.storage.release_reader import Reader

ReleaseId = Annotated[str | None, typer.Option("--release", help="A release's id; the current one when left out.")]
Length = Annotated[int, typer.Option("-k", min=1, max=1000, help="How many items.")]


_NEXT = 3
"""How many items to study next are shown."""


def recommend(
    user: Annotated[str, typer.Option(help="The user's id.")],
    k: Length = 10,
    release: ReleaseId = None,
    context: Annotated[
        list[str] | None, typer.Option("--context", help="Where or how it is read, such as device=mobile; repeatable.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Show a user's list with reasons; a cold user gets the list of their audience, else everyone's."""
    from nightschool.application.home import manifest_of, open_home
    from nightschool.storage.release_reader import Reader

    home = open_home()
    reader, manifest = Reader.of(home, release), manifest_of(home)
    user = manifest.folded(user)
    known, following = reader.knows(user), reader.study_next(user, _NEXT)
    items = _list_in_context(reader, user, k, context) if context else reader.user_list(user, k, manifest.audience)
    if not known:
        typer.echo(show.printable(f"User {user} is not known: this is everyone's list."), err=True)
    if as_json:
        document = {"release_id": reader.release.release_id, "user_id": user, "known": known, "items": items}
        show.show_json({**document, "study_next": following})
        return
    if not items:
        show.console.print(f"User {user} has seen all that release {reader.release.release_id} could recommend.")
        return
    show.show_list(f"For user {user}, from release {reader.release.release_id}", items)
    if following:
        show.show_next(following)


def _list_in_context(reader: "Reader", user: str, k: int, context: Sequence[str]) -> list[dict[str, Any]]:
    """Return the list that the service answers for a user without new events, in the given contexts alone."""
    from serving.answers import ListRequest, make_list
    from serving.rules import Rules
    from serving.snapshot import Snapshot

    if unclear := [each for each in context if "=" not in each]:
        raise ConfigurationError("--context takes NAME=VALUE", seen=unclear[0], do="write it as in device=mobile")
    given = sorted(dict(each.split("=", 1) for each in context).items())
    snapshot = Snapshot.load(reader)
    applied = snapshot.contexts.applied(tuple(given), None)
    for warning in applied.warnings:
        typer.echo(show.printable(warning), err=True)
    asked = ListRequest(k, context=applied.values)
    return make_list(snapshot, snapshot.require_user_id(user), Rules(), asked)


def similar_items(
    item: Annotated[str, typer.Option(help="The item's id.")],
    k: Length = 10,
    release: ReleaseId = None,
    as_json: Json = False,
) -> None:
    """Show the items most similar to an item."""
    from nightschool.application.home import open_home
    from nightschool.storage.release_reader import Reader

    reader = Reader.of(open_home(), release)
    items = reader.similar_items(item, k)
    if as_json:
        show.show_json({"release_id": reader.release.release_id, "item_id": item, "items": items})
        return
    rows = [[entry["rank"], str(entry["item_id"]), entry["title"], entry["score"]] for entry in items]
    show.show_table(
        f"Like item {item}, from release {reader.release.release_id}", ["rank", "item", "title", "score"], rows
    )


def similar_users(
    user: Annotated[str, typer.Option(help="The user's id.")],
    k: Length = 10,
    release: ReleaseId = None,
    as_json: Json = False,
) -> None:
    """Show the users most similar to a user."""
    from nightschool.application.home import manifest_of, open_home
    from nightschool.storage.release_reader import Reader

    home = open_home()
    reader, user = Reader.of(home, release), manifest_of(home).folded(user)
    users = reader.similar_users(user, k)
    if as_json:
        show.show_json({"release_id": reader.release.release_id, "user_id": user, "users": users})
        return
    rows = [
        [entry["rank"], str(entry["user_id"]), entry["score"], entry["support"], entry["method"]] for entry in users
    ]
    columns = ["rank", "user", "score", "items in common", "method"]
    show.show_table(f"Like user {user}, from release {reader.release.release_id}", columns, rows)


def path(
    user: Annotated[str, typer.Option(help="The user's id.")],
    goal: Annotated[str, typer.Option(help="An item's id, or a skill by its name.")],
    length: Annotated[int, typer.Option(min=1, max=100, help="The most steps to show.")] = 10,
    release: ReleaseId = None,
    as_json: Json = False,
) -> None:
    """Show the steps from what a user has completed to an item or a skill, each with its reason."""
    from nightschool.application.home import open_home
    from nightschool.storage.release_reader import Reader
    from serving.paths import learning_path
    from serving.snapshot import Snapshot
    from serving.user_state import UserState

    snapshot = Snapshot.load(Reader.of(open_home(), release))
    state = UserState.of(snapshot, snapshot.require_user_id(user))
    found = learning_path(snapshot, state, goal, length)
    if not found.known:
        typer.echo(show.printable(f"User {user} is not known: the path starts from nothing."), err=True)
    if as_json:
        show.show_json(found.model_dump(mode="json"))
        return
    show.console.print(show.printable(found.message), soft_wrap=True)
    if found.steps:
        columns = ["step", "item", "title", "level", "why", "builds"]
        rows = [
            [each.step, str(each.item_id), each.title, each.difficulty or "", each.why, ", ".join(each.builds)]
            for each in found.steps
        ]
        show.show_table(f"For user {found.user_id}, from release {found.release_id}", columns, rows)
    if found.skill_gap:
        show.console.print(show.printable(f"Skills to gain: {', '.join(found.skill_gap)}."), soft_wrap=True)
    if found.unmatched:
        named = ", ".join(repr(text) for text in found.unmatched)
        show.console.print(show.printable(f"Prerequisites that match no item: {named}."), soft_wrap=True)


def export(
    table: Annotated[str | None, typer.Option(help="Name of the table, such as recommendations.")] = None,
    user: Annotated[str | None, typer.Option(help="A user's id: export all data stored about them as JSON.")] = None,
    out: Annotated[Path | None, typer.Option(help="A .parquet or .csv file; for --user a .json file.")] = None,
    release: ReleaseId = None,
    as_json: Json = False,
) -> None:
    """Write a table of a release to a file, or all data stored about a user.

    In a .csv, a text that a spreadsheet would run as a formula gets a leading '; a .parquet is exact.
    """
    if (table is None) == (user is None):
        raise ConfigurationError("export takes either --table or --user", do="give one of them")
    if out is not None and not out.parent.is_dir():
        raise ConfigurationError("the folder of --out does not exist", seen=str(out.parent), do="create it first")
    if user is not None:
        _export_user(user, out, as_json)
    elif table is not None:
        if out is None:
            raise ConfigurationError("no file to write to", do="give --out FILE.parquet or FILE.csv")
        _export_table(table, out, release, as_json)


def _export_user(user: str, out: Path | None, as_json: bool) -> None:
    from nightschool.application.home import open_home
    from nightschool.application.stored_about import export_user

    if out is not None and out.suffix != ".json":
        raise ConfigurationError("unknown file type", seen=out.suffix, do="end the name in .json")
    document = export_user(open_home(), user)
    if out is None:
        show.show_json(document)
        return
    with _open_private(out) as file:
        json.dump(document, file, indent=2, ensure_ascii=False, allow_nan=False)
    if as_json:
        show.show_json({"user_id": document["user_id"], "out": str(out)})
        return
    show.console.print(f"All that is stored about user {document['user_id']}, written to {out}")


def _open_private(out: Path) -> TextIO:
    """Create a file that only its owner may read."""
    try:
        return os.fdopen(os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8")
    except FileExistsError as error:
        raise ConfigurationError("the file exists already", seen=str(out), do="give another --out") from error


def _export_table(table: str, out: Path, release: str | None, as_json: bool) -> None:
    import polars as pl

    from nightschool.application.home import open_home
    from nightschool.columns import RELEASE_TABLES
    from nightschool.storage.quarantine.spreadsheets import count_formulas, without_formulas
    from nightschool.storage.release_reader import Reader

    tables = {known.name: known for known in RELEASE_TABLES}
    if table not in tables:
        raise ConfigurationError("a release has no such table", seen=table, do=f"use one of {', '.join(tables)}")
    if out.suffix not in {".parquet", ".csv"}:
        raise ConfigurationError("unknown file type", seen=out.suffix, do="end the name in .parquet or .csv")
    reader = Reader.of(open_home(), release)
    rows = reader.table(tables[table]).with_columns(pl.lit(reader.release.release_id).alias("release_id"))
    frame = rows.sort(tables[table].key).collect()
    try:
        frame.write_parquet(out) if out.suffix == ".parquet" else without_formulas(frame).write_csv(out)
    except OSError as error:
        raise ConfigurationError(f"cannot write {out}", seen=str(error), do="give another --out") from error
    if out.suffix == ".csv" and (formulas := count_formulas(frame)):
        typer.echo(f"{formulas:,} texts that look like formulas got a ' before them; .parquet is exact", err=True)
    if as_json:
        show.show_json({"release_id": reader.release.release_id, "table": table, "rows": frame.height, "out": str(out)})
        return
    show.console.print(f"{frame.height:,} rows of {table}, release {reader.release.release_id}, written to {out}")
