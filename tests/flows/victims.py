"""Nights in processes of their own, which die where a test says, and readers that watch them."""

import json
import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import forkserver, get_context
from pathlib import Path
from typing import Any, NamedTuple

from prefect.settings import PREFECT_API_URL, temporary_settings

import nightschool.application.opening
from flows.retrain import retrain
from nightschool.application.home import open_home
from nightschool.application.tracking import registry
from nightschool.columns import RELEASE_TABLES
from nightschool.errors import NotFound
from nightschool.night.config import NightConfig
from nightschool.night.night import Night
from nightschool.night.records import STAGES, ProveRecord, RecommendRecord, RefitRecord
from nightschool.storage.fingerprints import content_hash
from nightschool.storage.release_reader import Reader
from nightschool.storage.serving_files import ServingFile, lists_path
from nightschool.storage.stage_records import StageRecords
from tasks.publish import publish

PATIENCE = 300.0
"""Seconds after which a process counts as hanging."""
KEPT = tuple(record.stage for record in STAGES if record.kept)
"""The stages that an interrupted night does not repeat."""
CONFIG = NightConfig(
    k=10,
    models=("popularity", "ease", "content"),
    params={"ease": {"l2": 50.0}},
    alpha_steps=2,
    minutes=0.01,
    min_users=50,
    window_days=56,
)

# What a night imports, late imports of Prefect and MLflow included, is imported once, where all others are forked from.
_PROCESSES = get_context("forkserver")
_PROCESSES.set_forkserver_preload(
    [
        __name__,
        "anyio._backends._asyncio",
        "mlflow.store.model_registry.sqlalchemy_store",
        "mlflow.store.tracking.sqlalchemy_store",
        "prefect.engine",
        "prefect.flow_engine",
        "prefect.task_engine",
        "prefect.utilities.visualization",
    ]
)


def warm_up() -> None:
    """Starts the process that all others are forked from; the first of them waits until it has imported everything."""
    forkserver.ensure_running()


class Moment(NamedTuple):
    """Right before or right after a call of a method with these first arguments."""

    owner: type
    method: str
    arguments: tuple[object, ...] = ()
    after: bool = True


def after(stage: str) -> Moment:
    """When the stage is on record."""
    return Moment(StageRecords, "put", (stage,))


@dataclass(frozen=True)
class Scene:
    """Where a night happens.

    Attributes:
        home: The home.
        source: The folder of the source files.
        notes: A folder for what the processes leave to be read.
        prefect_api: The address of the Prefect server.
    """

    home: Path
    source: Path
    notes: Path
    prefect_api: str

    def night(self, name: str, die: Moment | None = None) -> "Process":
        """A night that has started, in a process group of its own."""
        return Process(self, name, _live_night, die)

    def publication(self, name: str) -> "Process":
        """The last stage of an interrupted night, waiting to be told to go on."""
        return Process(self, name, _live_publication)

    def reader(self, name: str) -> "Process":
        """A reader that has started."""
        return Process(self, name, _read)


class Process:
    """A process that has started; its output is in `<name>.log`, what it has to say in `<name>.json`."""

    def __init__(self, scene: Scene, name: str, live: Callable[..., Any], *arguments: object) -> None:
        self._scene = scene
        self._name = name
        self._process = _PROCESSES.Process(target=_begin, args=(scene, name, live, *arguments), daemon=True)
        self._process.start()

    @property
    def pid(self) -> int:
        """Its id and that of its group."""
        return self._process.pid or 0

    def end(self) -> int:
        """The exit code, negative for a signal."""
        self._process.join(PATIENCE)
        assert self._process.exitcode is not None, f"{self._name} hangs"
        return self._process.exitcode

    def result(self) -> Any:
        """What it has to say, after it ended well."""
        assert self.end() == 0, self.log()
        return json.loads(self._note("json").read_text())

    def kill(self) -> None:
        """Ends the group without a warning, wherever it is; nothing when it has ended."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)

    def wait_until(self, kind: str) -> None:
        """Returns when the process has left this note."""
        deadline = time.monotonic() + PATIENCE
        while not self._note(kind).exists():
            assert time.monotonic() < deadline, f"{self._name} is never {kind}: {self.log()}"
            time.sleep(0.005)

    def tell(self, kind: str) -> None:
        """Leaves a note for the process."""
        self._note(kind).touch()

    def stop(self) -> Any:
        """What it has to say, after it was told to stop."""
        self.tell("stop")
        return self.result()

    def log(self) -> str:
        return self._note("log").read_text()

    def stages(self) -> list[str]:
        """The stages that it finished."""
        path = self._note("stages")
        return path.read_text().split() if path.exists() else []

    def _note(self, kind: str) -> Path:
        return self._scene.notes / f"{self._name}.{kind}"


def _begin(scene: Scene, name: str, live: Callable[..., Any], *arguments: object) -> None:
    os.setsid()
    os.environ["NIGHTSCHOOL_HOME"] = str(scene.home)
    log = os.open(scene.notes / f"{name}.log", os.O_CREAT | os.O_WRONLY | os.O_TRUNC)
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
        os.dup2(log, stream.fileno())
    said = live(scene, name, *arguments)
    (scene.notes / f"{name}.json").write_text(json.dumps(said))


def _live_night(scene: Scene, name: str, die: Moment | None) -> dict[str, Any]:
    """What the night reported, and how it left the home."""
    # The sources may be edited while the test runs.
    nightschool.application.opening.code_version = lambda: "as the test began"
    finished = (scene.notes / f"{name}.stages").open("a", buffering=1)
    _watch(Moment(StageRecords, "put"), lambda stage, _: print(stage, file=finished))
    if die is not None:
        _watch(die, lambda *_: os.killpg(0, signal.SIGKILL))
    with temporary_settings({PREFECT_API_URL: scene.prefect_api}):
        report = retrain("learning", scene.source, config=CONFIG)
    return {"status": report["status"], "accepted": report["rows"]["interactions"]["accepted"], **_left_behind()}


def _live_publication(scene: Scene, name: str) -> dict[str, Any]:
    """How the home is left by the last stage of a night that was interrupted before it, or in it."""
    nightschool.application.opening.code_version = lambda: "as the test began"
    night = nightschool.application.opening.open_night(open_home(), CONFIG, None, force=False)
    (scene.notes / f"{name}.ready").touch()
    while not (scene.notes / f"{name}.go").exists():
        time.sleep(0.005)
    if isinstance(night, Night):
        records = (night.require(ProveRecord), night.require(RefitRecord), night.require(RecommendRecord))
        publish.fn(night, *records, dry_run=False)
        night.close()
    return _left_behind()


def _left_behind() -> dict[str, Any]:
    home = open_home()
    current = home.releases.current()
    assert current is not None
    return {
        "release_id": current.release_id,
        "history": [(row.status, row.release_id) for row in home.releases.history()],
        "content_hashes": dict(current.content_hashes),
        "champion": registry(home).champion(),
        "left_over": sorted(path.name for path in home.paths.nights.glob("*")),
    }


def _watch(moment: Moment, notice: Callable[..., None]) -> None:
    original = getattr(moment.owner, moment.method)

    def watched(self: object, *arguments: object) -> object:
        is_it = arguments[: len(moment.arguments)] == moment.arguments
        if is_it and not moment.after:
            notice(*arguments)
        result = original(self, *arguments)
        if is_it and moment.after:
            notice(*arguments)
        return result

    setattr(moment.owner, moment.method, watched)


def _read(scene: Scene, name: str) -> list[str | None]:
    """The release of each poll, every one of them whole."""
    seen = []
    while not (scene.notes / f"{name}.stop").exists():
        seen.append(read_whole_release())
        time.sleep(0.1)
    return seen


def read_whole_release() -> str | None:
    """The id of the current release, whose tables and lists are what its row says; None before the first one."""
    try:
        reader = Reader.of(open_home())
    except NotFound:
        return None
    release, lake = reader.release, reader.home.lake
    for table in RELEASE_TABLES:
        rows = lake.scan(table, release.release_id).collect()
        assert rows.height == release.row_counts[table.name], table.name
        assert content_hash(rows, table) == release.content_hashes[table.name], table.name
    assert len(ServingFile(lists_path(reader.home.paths.serving, release.release_id))) > 0
    return release.release_id
