"""The command that lists nights: every attempt, and the days without one."""

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from nightschool.cli import show
from nightschool.cli.night import Json

if TYPE_CHECKING:
    from nightschool.storage.nights import NightRow


def nights(
    n: Annotated[int, typer.Option("-n", min=1, help="How many of the newest to list.")] = 14, as_json: Json = False
) -> None:
    """List the nights, newest first: outcome, duration, memory; and scheduled nights that never started."""
    from nightschool.settings import Settings
    from nightschool.storage.nights import Nights, with_missed

    rows = with_missed(Nights.of(Settings().paths).all(), datetime.now(UTC))[:n]
    if as_json:
        show.show_json([json.loads(row.model_dump_json()) for row in rows])
    elif rows:
        columns = ["began", "outcome", "code", "seconds", "memory", "newest event", "release or reason"]
        show.show_table("Nights", columns, [_cells(row) for row in rows])
    else:
        show.console.print("No night yet: `nightschool retrain` runs the first.")


def _cells(row: "NightRow") -> list[object]:
    memory = max((figures["gigabytes"] for figures in row.stages.values()), default=None)
    return [
        _minute(row.at),
        row.outcome,
        "" if row.exit_code is None else row.exit_code,
        "" if row.seconds is None else f"{row.seconds:,.0f}",
        "" if memory is None else f"{memory:.1f} GB",
        _minute(row.newest_event),
        row.release_id if row.succeeded and row.release_id else row.reason,
    ]


def _minute(instant: datetime | None) -> str:
    return f"{instant:%Y-%m-%d %H:%M}" if instant else ""
