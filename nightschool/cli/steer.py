"""Commands that pin, boost and ban items."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nightschool.cli import show
from nightschool.cli.night import Json

if TYPE_CHECKING:
    from nightschool.storage.interventions import Asked, Intervention, Interventions
    from nightschool.storage.release_reader import Reader

app = typer.Typer(no_args_is_help=True)

Item = Annotated[str, typer.Argument(help="Id of the item.")]
Reason = Annotated[str, typer.Option(help="Why; stored with it and in the audit log.")]
Until = Annotated[datetime, typer.Option(formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M"], help="When it ends by itself, UTC.")]
Scenario = Annotated[str | None, typer.Option(help="The scenario whose lists it changes; all lists when left out.")]


@app.command()
def pin(
    item: Item,
    until: Until,
    reason: Reason,
    place: Annotated[int, typer.Option(help="Where in the list, from 1.")] = 1,
    scenario: Scenario = None,
    as_json: Json = False,
) -> None:
    """Put an item at a place of every list that may show it."""
    from nightschool.storage.interventions import Asked

    _set(Asked(item, "pin", reason, _utc(until), place=place, scenario=scenario), as_json)


@app.command()
def boost(
    item: Item,
    points: Annotated[float, typer.Option(help="What its score gains, in standard deviations of a user's scores.")],
    until: Until,
    reason: Reason,
    scenario: Scenario = None,
    as_json: Json = False,
) -> None:
    """Raise an item in lists, or lower it with points below 0."""
    from nightschool.storage.interventions import Asked

    _set(Asked(item, "boost", reason, _utc(until), points=points, scenario=scenario), as_json)


@app.command()
def ban(
    item: Item,
    reason: Reason,
    until: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M"], help="When it ends by itself, UTC; by hand when left out."
        ),
    ] = None,
    scenario: Scenario = None,
    as_json: Json = False,
) -> None:
    """Show an item nowhere: in no list, neighbour, path or search."""
    from nightschool.storage.interventions import Asked

    _set(Asked(item, "ban", reason, _utc(until) if until else None, scenario=scenario), as_json)


@app.command("list")
def list_interventions(as_json: Json = False) -> None:
    """List the pins, boosts and bans in force, the newest first."""
    from nightschool.settings import Settings
    from nightschool.storage.database import find_database
    from nightschool.storage.interventions import Interventions

    database = find_database(Settings().events_address)
    found = Interventions(database).in_force() if database else ()
    if as_json:
        show.show_json([_document(each) for each in found])
    elif found:
        rows = [[each.intervention_id, each.asked.item_id, *_row(each)] for each in found]
        show.show_table("In force", ["id", "item", "what", "lists", "until (UTC)", "why", "by"], rows)
    else:
        show.console.print("Nothing is pinned, boosted or banned.")


@app.command()
def end(
    intervention_id: Annotated[int, typer.Argument(help="Its id, as `steer list` shows it.")], as_json: Json = False
) -> None:
    """End a pin, boost or ban before its time."""
    from nightschool.application.audit import COMMAND_LINE

    ended = _opened().end(intervention_id, COMMAND_LINE)
    if as_json:
        show.show_json(_document(ended))
        return
    show.console.print(f"The {ended.asked.kind} of item {ended.asked.item_id} is over.")


def _set(asked: "Asked", as_json: bool) -> None:
    """Set an intervention for an item of the current release."""
    from nightschool.application.audit import COMMAND_LINE
    from nightschool.application.home import open_home
    from nightschool.errors import NotFound
    from nightschool.ids import require_id
    from nightschool.storage.release_reader import Reader
    from serving.scenarios import load_scenarios

    home = open_home()
    item_id = require_id(asked.item_id, home.binding.item_id, "item")
    if not _holds(Reader.of(home), item_id):
        raise NotFound("no such item", seen=asked.item_id, do="give an id that the catalogue holds")
    if asked.scenario is not None:
        load_scenarios(home.paths.scenarios).get(asked.scenario)
    done = _opened().add(asked._replace(item_id=str(item_id)), COMMAND_LINE)
    if as_json:
        show.show_json(_document(done))
        return
    what, lists, until, *_ = _row(done)
    show.console.print(f"Item {done.asked.item_id}: {what}, {lists}, until {until}. Servers follow within a second.")


def _holds(reader: "Reader", item_id: object) -> bool:
    """Return whether the catalogue of a release or a list of it holds an item."""
    import polars as pl

    from nightschool.columns import CANDIDATE_SCORES, ITEM_ID, ITEMS

    rows = (reader.known(ITEMS), reader.table(CANDIDATE_SCORES))
    return any(not each.filter(pl.col(ITEM_ID) == item_id).head(1).collect().is_empty() for each in rows)


def _opened() -> "Interventions":
    from nightschool.settings import Settings
    from nightschool.storage.database import open_database
    from nightschool.storage.interventions import Interventions

    return Interventions(open_database(Settings().events_address))


def _document(found: "Intervention") -> dict[str, Any]:
    document = {**found.asked._asdict(), **found._asdict()}
    del document["asked"]
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in document.items()}


def _row(found: "Intervention") -> list[str]:
    asked = found.asked
    what = {"pin": f"pin at {asked.place}", "boost": f"boost by {asked.points or 0:+g}", "ban": "ban"}[asked.kind]
    until = f"{asked.until.astimezone(UTC):%Y-%m-%d %H:%M}" if asked.until else "it is ended"
    return [what, asked.scenario or "all lists", until, asked.reason, found.set_by]


def _utc(instant: datetime) -> datetime:
    return instant.replace(tzinfo=UTC)
