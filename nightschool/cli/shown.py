"""The command that says what was shown, and what came of it."""

from typing import TYPE_CHECKING

from nightschool.cli import show
from nightschool.cli.night import Json

if TYPE_CHECKING:
    from nightschool.reports.shown_rates import Rate


def shown(as_json: Json = False) -> None:
    """Show how often what was shown in four weeks was clicked and completed, by place, scenario and segment."""
    from nightschool.application.home import open_home
    from nightschool.application.shown import shown_until_now

    figures = shown_until_now(open_home())
    if as_json:
        rates = [rate._asdict() for rate in figures.rates]
        show.show_json({"as_of": figures.as_of.isoformat(), "unknown_impressions": figures.unknown, "rates": rates})
        return
    if not figures.rates:
        show.console.print("Nobody said that a list was shown: send POST /v1/impressions, and see again the day after.")
    for kind in dict.fromkeys(rate.kind for rate in figures.rates):
        rows = [_row(rate) for rate in figures.rates if rate.kind == kind]
        show.show_table(
            f"Shown, by {kind}" if kind != "all" else "Shown", [kind, "shown", "clicked", "completed"], rows
        )
    if figures.unknown:
        show.console.print(f"{figures.unknown:,} impressions were of lists that are not known, and count nowhere.")


def _row(rate: "Rate") -> list[object]:
    return [rate.value, rate.shown, *(f"{one.value:.2%} ({one.low:.2%} to {one.high:.2%})" for one in rate[3:])]
