"""What a night learns from: scored events as of T, and their cut into train, validation and test."""

from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Self

import numpy as np
import polars as pl
from pydantic import TypeAdapter

from nightschool.columns import INTERACTIONS, ITEMS, USERS
from nightschool.data.dataset import EventLog, build_event_log
from nightschool.data.filters import Rules, check_rules
from nightschool.data.manifest.manifest import Manifest
from nightschool.data.splits.splitting import Cut, Window, choose_cut
from nightschool.errors import DataRefused
from nightschool.night.config import NightConfig
from nightschool.night.departed import present
from nightschool.night.night import Night
from nightschool.storage.as_of import scan_at
from nightschool.storage.lake import Lake

_INSTANT = TypeAdapter(datetime | None)
_LABELS = "labels.npy"


@dataclass(frozen=True, eq=False)
class Prepared:
    """The night's events and their cut."""

    log: EventLog
    cut: Cut

    def save(self, folder: Path) -> dict[str, Any]:
        """What the record of the stage holds; the arrays go below the folder."""
        self.log.save(folder / "log")
        np.save(folder / _LABELS, self.cut.labels, allow_pickle=False)
        return {
            "protocol": self.cut.protocol,
            "validation_from": _INSTANT.dump_python(self.cut.validation_from, mode="json"),
            "test_from": _INSTANT.dump_python(self.cut.test_from, mode="json"),
            "warnings": list(self.cut.warnings),
            "underpowered": self.cut.underpowered,
            "users": self.log.empty.n_users,
            "items": self.log.empty.n_items,
            "events": self.log.events.height,
            "events_by_part": np.bincount(self.cut.labels, minlength=3).tolist(),
        }

    @classmethod
    def load(cls, folder: Path, record: dict[str, Any]) -> Self:
        """What `save` left behind."""
        cut = Cut(
            np.load(folder / _LABELS, allow_pickle=False),
            record["protocol"],
            _INSTANT.validate_python(record["validation_from"]),
            _INSTANT.validate_python(record["test_from"]),
            tuple(record["warnings"]),
            record["underpowered"],
        )
        return cls(EventLog.load(folder / "log"), cut)


def prepare(night: Night) -> Prepared:
    """Return the night's events, scored, indexed and cut.

    Raises:
        DataRefused: There are no interactions, or every user has left.
    """
    config = night.config
    log = event_log(night.home.lake, night.manifest, night.identity.as_of, config)
    if not present(log.empty).any():
        raise DataRefused("every user has left", seen=log.empty.n_users, do="deliver the users who are there")
    return Prepared(log, cut_of(log, config))


def cut_of(log: EventLog, config: NightConfig) -> Cut:
    """Cut the events into train, validation and test as the configuration says."""
    window = Window(config.window_days, config.min_users, config.max_test_share)
    return choose_cut(log, seed=config.seed, window=window)


def event_log(
    lake: Lake, manifest: Manifest, as_of: datetime, rules: Rules, held_out: pl.DataFrame | None = None
) -> EventLog:
    """Everything known at T, and the manifest's given test where it is asked for.

    Raises:
        DataRefused: There are no interactions.
        ConfigurationError: The rules do not fit the data.
    """
    check_rules(rules, manifest)
    users = scan_at(lake, USERS, as_of).collect() if manifest.users is not None else None
    items = scan_at(lake, ITEMS, as_of).collect() if manifest.items is not None else None
    log = build_event_log(users, items, scan_at(lake, INTERACTIONS, as_of), manifest, held_out=held_out)
    return replace(log, rules=rules, as_of=as_of)
