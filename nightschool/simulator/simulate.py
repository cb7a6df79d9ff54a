"""A whole simulated learning platform, written as the source files of the `learning` data set."""

from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict

from nightschool.columns import TIMESTAMP
from nightschool.errors import ConfigurationError
from nightschool.simulator.config import SimulatorConfig
from nightschool.simulator.content import draw_content, with_topic_titles
from nightschool.simulator.curriculum import draw_curriculum, in_order
from nightschool.simulator.damage import DAMAGE_FILE, damage_files
from nightschool.simulator.devices import DEVICES, draw_habits, suitability, with_devices
from nightschool.simulator.engagements import independent_engagements, latent_engagements, mean_elapsed
from nightschool.simulator.planting import plant
from nightschool.simulator.users import draw_users
from nightschool.simulator.vocabulary import CONTENT_FILE, ENGAGEMENTS_FILE, TRUTH_FILE, USERS_FILE


class SimulationReport(BaseModel):
    """What a simulation wrote.

    `bots` counts the users that are bots, `damaged` the rows of damage.parquet; `first` and `last` are the times of the
    oldest and newest engagement, before damage.
    """

    model_config = ConfigDict(frozen=True)

    files: tuple[Path, ...]
    mode: Literal["latent", "independent"]
    seed: int
    users: int
    items: int
    interactions: int
    bots: int
    damaged: int
    first: datetime
    last: datetime


def simulate(config: SimulatorConfig, out: Path) -> SimulationReport:
    """Write users.csv, content.csv, engagements.csv and, in latent mode, truth.parquet; return what was written.

    With damage, damage.parquet says which rows of the three were spoilt; the others are those of the same config
    without damage. Files of an earlier simulation in the folder are replaced. The same config gives the same bytes.

    Raises:
        ConfigurationError: If the folder cannot be made or written, such as when a file has its name.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
        return _write(config, out)
    except OSError as error:
        raise ConfigurationError(
            "the simulation cannot be written", seen=str(out), do=f"choose a writable folder ({error.strerror})."
        ) from error


def _write(config: SimulatorConfig, out: Path) -> SimulationReport:
    streams = np.random.default_rng(config.seed).spawn(10)
    user_rng, content_rng, title_rng, plant_rng, log_rng, damage_rng, habit_rng, device_rng = streams[:8]
    curriculum_rng, order_rng = streams[8:]
    users = draw_users(config.users, user_rng)
    content = draw_content(config.items, content_rng)
    files = [out / name for name in (USERS_FILE, CONTENT_FILE, ENGAGEMENTS_FILE, TRUTH_FILE, DAMAGE_FILE)]
    for earlier in files:
        earlier.unlink(missing_ok=True)
    curriculum = draw_curriculum(content, curriculum_rng)
    bots = 0
    habits, suits = draw_habits(config.users, habit_rng), np.ones((config.items, len(DEVICES)))
    if config.mode == "latent":
        content = with_topic_titles(content, title_rng)
        suits = suitability(content)
        truth = replace(plant(config, users, content, mean_elapsed(config), plant_rng), places=curriculum.places)
        truth = replace(truth, habits=habits, suits=suits) if config.devices else truth
        log = latent_engagements(config, truth, log_rng)
        truth.write(out / TRUTH_FILE)
        bots = int(truth.bots.sum())
    else:
        log = independent_engagements(config, log_rng)
    log = in_order(log, curriculum, config.ordered, order_rng) if config.ordered else log
    if config.devices:
        log = with_devices(log, habits, suits, content, device_rng)
    content = content.with_columns(curriculum.declared)
    for frame, file in zip((users, content, log), files, strict=False):
        frame.write_csv(file, datetime_format="%Y-%m-%dT%H:%M:%SZ")
    damaged = damage_files(out, config.damage, damage_rng).height if config.damage else 0
    return SimulationReport(
        files=tuple(file for file in files if file.exists()),
        mode=config.mode,
        seed=config.seed,
        users=config.users,
        items=config.items,
        interactions=config.interactions,
        bots=bots,
        damaged=damaged,
        first=log.item(0, TIMESTAMP),
        last=log.item(-1, TIMESTAMP),
    )
