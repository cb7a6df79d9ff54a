"""The data of a night: scored events as of T, and their cut into train, validation and test."""

from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Self

import numpy as np
import polars as pl

from nightschool.columns import INTERACTIONS, ITEMS, USERS
from nightschool.data.build_log import build_event_log
from nightschool.data.dataset import EventLog
from nightschool.data.filters import Rules, check_rules
from nightschool.data.manifest.manifest import Manifest
from nightschool.data.splits.splitting import Cut, Window, choose_cut
from nightschool.errors import DataRefused
from nightschool.night.config import NightConfig
from nightschool.night.departed import present
from nightschool.night.filter_report import Row
from nightschool.night.night import Night
from nightschool.night.records import PrepareRecord
from nightschool.night.text_vectors import Encodings, with_text_vectors
from nightschool.storage.as_of import scan_at
from nightschool.storage.lake import Lake

_LABELS = "labels.npy"


@dataclass(frozen=True, eq=False)
class Prepared:
    """The night's events and their cut."""

    log: EventLog
    cut: Cut

    def save(self, folder: Path, signals: tuple[Row, ...]) -> PrepareRecord:
        """Write the arrays below the folder; return the record of the stage, with what signals and filters did."""
        self.log.save(folder / "log")
        np.save(folder / _LABELS, self.cut.labels, allow_pickle=False)
        return PrepareRecord(
            protocol=self.cut.protocol,
            validation_from=self.cut.validation_from,
            test_from=self.cut.test_from,
            warnings=(*self.cut.warnings, *self.log.notes),
            underpowered=self.cut.underpowered,
            users=self.log.empty.n_users,
            items=self.log.empty.n_items,
            events=self.log.events.height,
            events_by_part=np.bincount(self.cut.labels, minlength=3).tolist(),
            signals=signals,
        )

    @classmethod
    def load(cls, folder: Path, record: PrepareRecord) -> Self:
        """Read the events and the cut that `save` wrote below the folder."""
        cut = Cut(
            np.load(folder / _LABELS, allow_pickle=False),
            record.protocol,
            record.validation_from,
            record.test_from,
            record.warnings,
            record.underpowered,
        )
        return cls(EventLog.load(folder / "log"), cut)


def prepare_events(night: Night) -> Prepared:
    """Score and index the night's events, and cut them into train, validation and test.

    Raises:
        DataRefused: There are no interactions, or every user has left.
    """
    config = night.config
    home = night.home
    encodings = Encodings(home.paths.encodings)
    log = event_log(home.lake, night.manifest, night.identity.as_of, config, encodings=encodings)
    if not present(log.empty).any():
        raise DataRefused("every user has left", seen=log.empty.n_users, do="deliver the users who are there")
    return Prepared(log, cut_of(log, config))


def cut_of(log: EventLog, config: NightConfig) -> Cut:
    """Cut the events into train, validation and test as the configuration says."""
    window = Window(config.window_days, config.min_users, config.max_test_share)
    return choose_cut(log, seed=config.seed, window=window)


def event_log(
    lake: Lake,
    manifest: Manifest,
    as_of: datetime,
    rules: Rules,
    held_out: pl.DataFrame | None = None,
    encodings: Encodings | None = None,
) -> EventLog:
    """Build the log of every event known at T, with the manifest's given test where it is passed.

    Items have vectors of their texts where the manifest has an encoder, and `encodings` says where they are kept.

    Raises:
        DataRefused: There are no interactions.
        ConfigurationError: The rules do not fit the data.
    """
    check_rules(rules, manifest)
    users = scan_at(lake, USERS, as_of).collect() if manifest.users is not None else None
    items = scan_at(lake, ITEMS, as_of).collect() if manifest.items is not None else None
    notes: tuple[str, ...] = ()
    if manifest.items and manifest.items.text_encoder and items is not None and encodings is not None:
        items, notes = with_text_vectors(items, manifest.items.text_encoder, encodings)
    log = build_event_log(users, items, scan_at(lake, INTERACTIONS, as_of), manifest, held_out=held_out)
    return replace(log, rules=rules, as_of=as_of, notes=notes)
