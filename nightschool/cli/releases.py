"""Commands that list, inspect, roll back, hold and prune releases."""

from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from nightschool.cli import show
from nightschool.cli.night import Json, parse_instant
from nightschool.errors import GateRefused

app = typer.Typer(no_args_is_help=True)

_END_HOLD = "`nightschool releases release-hold`"
_INCOMPARABLE = "scoring changed: its figures do not compare with those of nights before"

ReleaseId = Annotated[str, typer.Argument(help="Id of the release, as `releases list` shows it.")]
Reason = Annotated[str, typer.Option(help="Why; stored in the releases table.")]


@app.command("list")
def list_releases(as_json: Json = False) -> None:
    """List every release, oldest first."""
    from nightschool.application.home import open_home

    releases = open_home().releases
    pruned = releases.pruned()
    listing = [{**entry, "pruned": entry["id"] in pruned} for entry in releases.listing()]
    if as_json:
        show.show_json(listing)
        return
    rows = [
        ["→" if entry["current"] else "", entry["id"], _status(entry), _short(entry["as_of"]), _why(entry)]
        for entry in listing
    ]
    if rows:
        show.show_table("Releases", ["", "release", "status", "as of", "why"], rows)
    else:
        show.console.print("No release yet: `nightschool retrain` makes the first.")
    held = releases.held()
    if held is not None:
        show.console.print(f"Publishing is on hold: {held}. {_END_HOLD} ends it.")


@app.command("show")
def show_release(release_id: ReleaseId, as_json: Json = False) -> None:
    """Show one release: recipe, gates, tables and fingerprints."""
    from nightschool.application.home import open_home

    release = open_home().releases.get(release_id)
    document: dict[str, Any] = release.model_dump(mode="json")
    if as_json:
        show.show_json(document)
        return
    facts = ("status", "reason", "as_of", "created_at", "run_key", "data_fingerprint", "code_version", "mlflow_run_id")
    show.show_table(f"Release {release_id}", ["", ""], [[name, document[name]] for name in facts])
    if not document["gates"].get("comparable", True):
        show.console.print(_INCOMPARABLE)
    components = [[c["model"], c["weight"], _assigned(c["params"])] for c in document["recipe"].get("components", [])]
    show.show_table("Recipe", ["model", "weight", "parameters"], components)
    show.show_gates(document["gates"].get("asked", []))
    tables = [[name, rows, document["content_hashes"][name][:16]] for name, rows in document["row_counts"].items()]
    show.show_table("Tables", ["table", "rows", "content hash"], tables)


@app.command()
def diff(
    left: ReleaseId,
    right: Annotated[str, typer.Argument(help="Id of the release that it is compared with.")],
    as_json: Json = False,
) -> None:
    """Show how two releases differ: recipes, users' lists, items, metrics, gates, and rows of tables."""
    from nightschool.application.home import open_home
    from nightschool.cli.release_diff import release_diff, show_diff

    document = release_diff(open_home(), left, right)
    if as_json:
        show.show_json(document)
    else:
        show_diff(document)


@app.command()
def verify(
    release_id: ReleaseId,
    rebuild: Annotated[
        bool,
        typer.Option(help="Also fit its recipe anew to what was known at its T, and compare the tables made of it."),
    ] = False,
    as_json: Json = False,
) -> None:
    """Check that a release is still what was published; exit code 4 when it is damaged, or comes out otherwise.

    It is `intact` as the night published it, or `erased` where `nightschool forget` removed rows.
    """
    from nightschool.application.home import open_home
    from nightschool.storage.verify import verify_release

    home = open_home()
    found, again = verify_release(home, release_id), None
    if rebuild:
        from nightschool.application.rebuild import rebuild_release

        again = rebuild_release(home, release_id)
    if as_json:
        document = {"release_id": release_id, "state": found.state, "parts": found.parts}
        show.show_json(document if again is None else {**document, "rebuilt": again.tables, "changed": again.changed})
    else:
        show.show_table("Compared with what was written", ["part", "state"], [*map(list, found.parts.items())])
        if again is not None:
            show.show_table("Made anew from the stored tables", ["table", "rows"], [*map(list, again.tables.items())])
            since = f"; since then changed: {', '.join(again.changed)}" if again.changed else ""
            show.console.print(f"Made anew, it is {'the same' if again.same else 'another'}{since}.")
        show.console.print(f"Release {release_id} is {found.state}.")
    if found.state == "damaged" or (again is not None and not again.same):
        raise typer.Exit(GateRefused.exit_code)


@app.command()
def rollback(
    release_id: ReleaseId,
    reason: Reason = "rolled back by hand",
    and_hold: Annotated[
        bool | None,
        typer.Option(
            "--hold/--no-hold",
            help="Also keep the next nights from publishing, so that they do not undo it; --hold by default.",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Make an earlier release current again."""
    from nightschool.application.rollback import roll_back
    from nightschool.storage.releases import ROLLBACK_HOLDS

    document = roll_back(release_id, reason, ROLLBACK_HOLDS if and_hold is None else and_hold)
    if as_json:
        show.show_json(document)
        return
    show.console.print(f"Release {document['release_id']} is current.")
    if document["held"] is not None:
        show.console.print(f"Nights do not publish until {_END_HOLD}.")


@app.command()
def hold(
    reason: Annotated[str, typer.Option(help="Why nights must not publish; stored in the releases table.")],
    until: Annotated[
        str | None,
        typer.Option(help="When the hold ends by itself, ISO 8601, as in 2026-12-24T06:00Z; never when left out."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Keep nights from publishing until `release-hold`, or until a time."""
    from nightschool.application.audit import note
    from nightschool.application.home import open_home

    end = parse_instant(until)
    open_home().releases.hold(reason, until=end)
    note("held", "publishing", {"reason": reason, "until": end and end.isoformat()})
    if as_json:
        show.show_json({"held": reason, "until": end and end.isoformat()})
        return
    show.console.print(f"Nights do not publish until {f'{end:%Y-%m-%d %H:%M %Z}, or ' if end else ''}{_END_HOLD}.")


@app.command("release-hold")
def release_hold(as_json: Json = False) -> None:
    """Let nights publish again."""
    from nightschool.application.audit import note
    from nightschool.application.home import open_home

    ended = open_home().releases.unhold()
    if ended is not None:
        note("hold_ended", "publishing")
    if as_json:
        show.show_json({"held": None, "was_held": ended is not None})
        return
    show.console.print("Nights publish again." if ended else "Publishing was not on hold.")


@app.command()
def prune(
    keep: Annotated[
        int,
        typer.Option(
            min=1, help="How many of the newest releases to keep, of the published and of the backfilled ones."
        ),
    ] = 30,
    as_json: Json = False,
) -> None:
    """Remove the tables of old releases and tidy the home; the current release always stays.

    Tidying compacts the files of tables, and removes runs older than 90 days that no kept release needs.
    """
    from nightschool.application.home import open_home
    from nightschool.application.tracking import prune_releases, tidy
    from nightschool.storage.turn import home_turn

    home = open_home()
    with home_turn(home.paths):
        removed = prune_releases(home, keep)
        tidy(home, datetime.now(UTC))
    if as_json:
        show.show_json({"removed": removed})
        return
    noun = "release" if len(removed) == 1 else "releases"
    show.console.print(f"{len(removed)} {noun} removed{': ' if removed else ''}{', '.join(removed)}")


def _why(entry: dict[str, Any]) -> str:
    return str(entry["reason"]) if entry["comparable"] else f"{entry['reason']} ({_INCOMPARABLE})"


def _assigned(params: dict[str, Any]) -> str:
    return ", ".join(f"{name}={value}" for name, value in params.items())


def _status(entry: dict[str, Any]) -> str:
    return f"{entry['status']}, pruned" if entry["pruned"] else str(entry["status"])


def _short(instant: str) -> str:
    return instant[:16].replace("T", " ")
