"""The source files of a simulated platform whose catalogue grows while it is played."""

from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from nightschool.closed_loop.world import World
from nightschool.columns import USER_ID
from nightschool.simulator.config import SimulatorConfig
from nightschool.simulator.simulate import simulate
from nightschool.simulator.truth import Truth
from nightschool.simulator.vocabulary import CONTENT_FILE, CONTENT_ID, ENGAGEMENTS_FILE, TRUTH_FILE


class SourceFiles:
    """The files of a simulation, from which items that are not there yet are held back."""

    def __init__(self, folder: Path, config: SimulatorConfig, new_items: float, days: int) -> None:
        """Simulate, and hold back a share of the items, which come in one after the other over some days.

        Args:
            folder: Where the files are written.
            config: Of the simulation; latent.
            new_items: The share.
            days: Over how many days they come in.

        Raises:
            ConfigurationError: The folder cannot be written.
        """
        simulate(config, folder)
        self.folder = folder
        self.world = World.of(Truth.read(folder / TRUTH_FILE), new_items, days, config.seed)
        self._content = pl.read_csv(folder / CONTENT_FILE, infer_schema=False)
        self.arrive(0)
        self._hold_back_engagements()

    def arrive(self, day: int) -> None:
        """Write the content of a day: what was there before, and what comes in."""
        there = pl.Series(self.world.there(day)[self._items(self._content)])
        arrives = pl.Series(self.world.arrives[self._items(self._content)])
        rows = self._content.with_columns(arrives.alias("arrives")).filter(there)
        rows.sort("arrives", maintain_order=True).drop("arrives").write_csv(self.folder / CONTENT_FILE)

    def _hold_back_engagements(self) -> None:
        """Leave out engagements with items that are not there, and note who knows which of the others."""
        log = pl.read_csv(self.folder / ENGAGEMENTS_FILE, infer_schema=False)
        log = log.filter(pl.Series(self.world.there(0)[self._items(log)]))
        log.write_csv(self.folder / ENGAGEMENTS_FILE)
        self.world.done[log[USER_ID].cast(pl.Int64).to_numpy() - 1, self._items(log)] = True

    @staticmethod
    def _items(rows: pl.DataFrame) -> NDArray[np.int64]:
        places: NDArray[np.int64] = rows[CONTENT_ID].cast(pl.Int64).to_numpy() - 1
        return places
