"""The closed loop of `nightschool simulate --live`: people who see what is served, and nights that learn from it."""

from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from nightschool.cli import show
from nightschool.errors import ConfigurationError
from nightschool.imports import importing

if TYPE_CHECKING:
    from nightschool.closed_loop.figures import Day, Played
    from nightschool.night.config import NightConfig
    from nightschool.simulator.config import SimulatorConfig

_LIST_TITLE: Final = "Days, each with its night"


class Length(NamedTuple):
    """How much is played.

    Attributes:
        nights: Days, each with its night.
        visits: People who come on a day.
        new_items: The share of the items that come in meanwhile.
    """

    nights: int
    visits: int
    new_items: float


def play_live(config: "SimulatorConfig", out: Path, length: Length, settings: "NightConfig", *, as_json: bool) -> None:
    """Simulate a platform, play its days and nights in the home, and print what came of them.

    Args:
        config: Of the simulation.
        out: The folder of its files.
        length: How much is played.
        settings: Of each night.
        as_json: Whether one JSON document is printed.

    Raises:
        ConfigurationError: Nobody has preferences, or files are damaged.
    """
    from nightschool.cli.environment import prepare_flow_run

    if config.mode != "latent" or config.damage:
        raise ConfigurationError(
            "--live needs people with preferences, and whole files",
            seen=config.mode,
            do="leave out --mode and --damage",
        )
    with prepare_flow_run() as server:
        with importing():
            from nightschool.closed_loop.figures import summarise
            from nightschool.closed_loop.play import play
            from nightschool.closed_loop.source import SourceFiles
            from nightschool.settings import Settings
        files = SourceFiles(out, config, length.new_items, length.nights)
        server.start()
        with importing():
            from flows.retrain import retrain
    server.wait()

    def night(instant: datetime) -> object:
        return retrain(dataset="learning", source_root=out, as_of=instant, config=settings)

    days = [*play(files, Settings(), night, nights=length.nights, visits=length.visits, seed=config.seed)]
    played = summarise(days, files.world.arrives)
    if as_json:
        show.show_json({"days": [day.to_dict() for day in days], "played": asdict(played)})
        return
    _show(days, played)


def _show(days: "list[Day]", played: "Played") -> None:
    rows = [
        [
            str(day.number),
            f"{day.lists:,}",
            f"{day.opened.sum() / max(day.lists, 1):.2f}",
            f"{day.satisfaction:.1%}",
            f"{(day.shown > 0).sum():,} of {day.there.sum():,}",
        ]
        for day in days
    ]
    columns = ["day", "lists", "opened a list", "of the best possible", "items shown"]
    show.show_table(_LIST_TITLE, columns, rows)
    waited = "" if played.new_days is None else f", after a median of {played.new_days:g} days"
    show.console.print(
        f"Of what would have been opened of the best lists by the planted truth, {played.satisfaction:.1%} was. The "
        f"lists of the last seven days showed {played.coverage:.1%} of the items; people saw {played.new_found:.0%} of "
        f"the new ones ten times{waited}."
    )
