"""Resolving a night: whether it is new, unfinished, already decided or unchanged, and what it starts from."""

import shutil
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import polars as pl
from pydantic import BaseModel

from nightschool.columns import AVAILABLE_AT, ERASED_AT, ERASURES, ITEMS, UNTIL
from nightschool.data.manifest.manifest import Manifest
from nightschool.errors import GateRefused, Held, NightschoolError
from nightschool.evaluation.intervals import TAIL
from nightschool.night.basis import changed_basis
from nightschool.night.config import NightConfig
from nightschool.night.fidelity import find_doubts
from nightschool.night.identity import Identity, Request, identify, is_repeat_of, keyed_at, undecided
from nightschool.night.lineage import anchor_of, is_late, promotion_error, releases_before, tuning_is_due
from nightschool.night.records import STAGES, Record, StageRecord
from nightschool.recipe import Recipe
from nightschool.settings import HomePaths
from nightschool.storage.durable import atomic_write_text
from nightschool.storage.home import Home
from nightschool.storage.releases import Release
from nightschool.storage.stage_records import StageRecords


@dataclass(frozen=True)
class Night:
    """An open night: everything that its stages need.

    Attributes:
        base_version: Version of the `releases` table that the night starts from; None before the first release.
        champion: The release that was current before T; None on the first night.
        tune: Whether recipes are searched tonight.
        late: Whether a release of a later T is current, or the night repeats the current release's night.
        moves_pointer: Whether the release becomes current; a backfill's does not.
        basis_changes: The parts of the scoring basis that changed since the champion was made.
        anchor: The release of 28 days before, which a promotion must not be shown worse than.
        promotion_error: The chance with which a challenger may be promoted that is not better.
    """

    home: Home
    manifest: Manifest
    config: NightConfig
    identity: Identity
    base_version: int | None
    champion: Release | None
    tune: bool
    late: bool = False
    moves_pointer: bool = True
    basis_changes: tuple[str, ...] = ()
    anchor: Release | None = None
    promotion_error: float = TAIL

    @property
    def folder(self) -> Path:
        """The folder of the stages' outputs until the night ends."""
        return self.home.paths.nights / self.identity.run_key

    @property
    def records(self) -> StageRecords:
        """The records of the finished stages."""
        return StageRecords(self.folder)

    def record(self, kind: type[Record]) -> Record | None:
        """Return the record of a stage; None when the stage has not finished."""
        stored = self.records.get(kind.stage)
        return None if stored is None else kind.model_validate(stored)

    def require(self, kind: type[Record]) -> Record:
        """Return the record of a stage that has finished.

        Raises:
            NightschoolError: It has not.
        """
        record = self.record(kind)
        if record is None:
            raise NightschoolError(f"stage {kind.stage} has not finished", do="run the night again")
        return record

    def finished(self) -> list[StageRecord]:
        """Return the records of all stages that are on the disk, in the order of the stages."""
        found = [self.record(kind) for kind in STAGES if kind.kept]
        return [record for record in found if record is not None]

    @property
    def on_spark(self) -> bool:
        """Whether Spark computes the night."""
        return self.config.engine == "spark"

    @property
    def champion_recipe(self) -> Recipe | None:
        """The recipe of the current release; None where tonight's engine cannot fit it."""
        return _recipe(self.champion, self.config)

    @property
    def anchor_recipe(self) -> Recipe | None:
        """The recipe of the anchor, likewise."""
        return _recipe(self.anchor, self.config)

    @property
    def warnings(self) -> list[str]:
        """Return warnings about how the night came to its recipe, for the report."""
        found = []
        if self.basis_changes and self.champion:
            what = ", ".join(self.basis_changes)
            found.append(
                f"scoring changed ({what}): figures of before, such as release {self.champion.release_id}'s, "
                "are not comparable with tonight's"
            )
        if self.champion is not None and self.champion_recipe is None:
            found.append(
                f"Spark cannot fit the recipe of {self.champion.release_id}: tonight's was not compared with it"
            )
        if self.late:
            found += find_doubts(self.home.lake, self.manifest, self.identity.as_of)
        return found

    def close(self) -> None:
        """Remove the outputs and records of the stages, once the night has ended."""
        _clear(self.home.paths)


class _Unfinished(BaseModel):
    """The marker of a running night, on the disk until the night ends."""

    as_of: datetime
    run_key: str
    release_id: str
    champion: str | None


@dataclass(frozen=True)
class Unchanged:
    """A night that would publish the current release once more: nothing but T has changed since.

    Attributes:
        release: The current release, which stays current.
        as_of: T of the night.
    """

    release: Release
    as_of: datetime


def resolve_night(home: Home, manifest: Manifest, config: NightConfig, request: Request) -> Night | Release | Unchanged:
    """Return the night to run; or the release that the same night stored before, or that it would only repeat.

    An interrupted night goes on under its own T while nothing that it depends on has changed; otherwise it is marked
    abandoned and a new one starts. Call it under the home's lock.

    Raises:
        DataRefused: There are no interactions.
        GateRefused: Publishing is on hold, or the same night was refused before.
    """
    held = home.releases.held()
    if held is not None:
        raise Held("publishing is on hold", seen=held, do="run `nightschool releases release-hold` first")
    stored = _interrupted(home.paths)
    resumed = _resumed(home, manifest, config, request, stored) if stored else None
    identity = resumed or _identify(home, manifest, config, request, request.as_of, stored)
    decided = home.releases.find_run(identity.run_key)
    if decided is not None or resumed is None:
        _clear(home.paths)
    if decided is not None:
        return _published(decided)
    night = _begin(home, manifest, config, request, identity)
    champion = night.champion
    if champion is not None and resumed is None and not request.force and _is_unchanged(night, champion):
        return Unchanged(champion, identity.as_of)
    _remember(home.paths, identity, champion)
    return night


def _begin(home: Home, manifest: Manifest, config: NightConfig, request: Request, identity: Identity) -> Night:
    # The version first: a release that is published from here on is noticed.
    base_version = home.releases.version()
    history, as_of = home.releases.history(), identity.as_of
    published = [row for row in history if row.status == "published"]
    current = next(reversed(published), None)
    late = is_late(current, as_of, request.force)
    found = releases_before(history, as_of) if late else published
    champion = next(reversed(found), None)
    basis_changes = changed_basis(champion, manifest) if champion else ()
    due = config.tune == "now" or bool(basis_changes) or tuning_is_due(found, as_of)
    return Night(
        home=home,
        manifest=manifest,
        config=config,
        identity=identity,
        base_version=base_version,
        champion=champion,
        tune=due or _recipe(champion, config) is None,
        late=late,
        moves_pointer=current is None or as_of >= current.as_of or request.make_current,
        basis_changes=basis_changes,
        anchor=anchor_of(found, as_of),
        promotion_error=promotion_error(found, as_of),
    )


def _recipe(release: Release | None, config: NightConfig) -> Recipe | None:
    """Return the recipe of a release; None without one, or where the engine cannot fit it."""
    recipe = Recipe.model_validate(release.recipe) if release else None
    return recipe if recipe is not None and config.can_fit(recipe) else None


def _is_unchanged(night: Night, champion: Release) -> bool:
    """Return whether the night would do what its champion's night did, but for a later T that changes nothing."""
    lake, as_of = night.home.lake, night.identity.as_of
    if night.late or night.tune:
        return False
    then = keyed_at(night.identity, champion.as_of, night.manifest, night.config)
    if not is_repeat_of(then, champion.run_key, night.home.releases):
        return False
    erased = lake.scan(ERASURES).select((pl.col(ERASED_AT) > champion.created_at).any()).collect().item()
    begins_or_ends = [pl.col(name).is_between(champion.as_of, as_of, closed="right") for name in (AVAILABLE_AT, UNTIL)]
    changing = lake.scan(ITEMS).select(pl.any_horizontal(begins_or_ends).any()).collect().item()
    return not (erased or changing)


def _published(decided: Release) -> Release:
    if decided.status == "refused":
        raise GateRefused(
            f"night {decided.release_id} was refused before: {decided.reason}",
            do="change the data or the configuration, or run it again with --force",
        )
    return decided


def _interrupted(paths: HomePaths) -> _Unfinished | None:
    """Return the night that has not ended, decided or not; None without one."""
    marker = _marker(paths)
    return _Unfinished.model_validate_json(marker.read_bytes()) if marker.exists() else None


def _resumed(
    home: Home, manifest: Manifest, config: NightConfig, request: Request, stored: _Unfinished
) -> Identity | None:
    """Return the identity of the interrupted night where it may go on, else mark it abandoned."""
    if home.releases.find_run(stored.run_key) is not None:
        return None
    identity = _identify(home, manifest, config, request, stored.as_of, stored)
    champion = _champion(home, identity.as_of, request.force)
    same_night = request.as_of in (None, stored.as_of) and identity.run_key == stored.run_key
    if same_night and stored.champion == (champion.release_id if champion else None):
        return identity
    home.releases.abandon(
        release_id=stored.release_id,
        run_key=stored.run_key,
        as_of=stored.as_of,
        reason="data, configuration, code, environment, T or champion changed since it was interrupted",
    )
    return None


def _champion(home: Home, as_of: datetime, force: bool) -> Release | None:
    current = home.releases.current()
    if not is_late(current, as_of, force):
        return current
    return next(reversed(releases_before(home.releases.history(), as_of)), None)


def _identify(
    home: Home,
    manifest: Manifest,
    config: NightConfig,
    request: Request,
    as_of: datetime | None,
    stored: _Unfinished | None,
) -> Identity:
    """Identify the night as of T; a forced one by the first key that is undecided or was interrupted."""
    identity = identify(home.lake, manifest, config, request, as_of)
    if not request.force:
        return identity
    return undecided(identity, home.releases, stored.run_key if stored else None)


def _marker(paths: HomePaths) -> Path:
    return paths.nights / "unfinished.json"


def _clear(paths: HomePaths) -> None:
    """Remove the files of nights; the marker first, since a night without it is never resumed."""
    _marker(paths).unlink(missing_ok=True)
    shutil.rmtree(paths.nights, ignore_errors=True)


def _remember(paths: HomePaths, identity: Identity, champion: Release | None) -> None:
    paths.nights.mkdir(parents=True, exist_ok=True)
    unfinished = _Unfinished(
        as_of=identity.as_of,
        run_key=identity.run_key,
        release_id=identity.release_id,
        champion=champion.release_id if champion else None,
    )
    atomic_write_text(_marker(paths), unfinished.model_dump_json())
