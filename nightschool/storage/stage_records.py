"""Records of a night's finished stages, so that a killed night resumes where it stopped."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nightschool.errors import NightschoolError
from nightschool.storage.durable import atomic_write_text

_STAGE = re.compile(r"[a-z][a-z0-9_-]*")


class StageRecords:
    """One small JSON document a finished stage of one run key, each whole or absent after a crash.

    It takes the place of Prefect's result files, which are opened and overwritten in place: a crash leaves half a one.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def get(self, stage: str) -> dict[str, Any] | None:
        """Read the stage's record; None when it has not finished.

        Raises:
            NightschoolError: The file is not a record, so something else wrote it.
        """
        path = self._path(stage)
        if not path.exists():
            return None
        try:
            record = json.loads(path.read_text(encoding="utf-8"))
        except ValueError:
            record = None
        if not isinstance(record, dict):
            raise NightschoolError(f"{path} is no stage record", do="remove it; the stage then runs again")
        return record

    def put(self, stage: str, record: Mapping[str, Any]) -> None:
        """Record the stage as finished; whatever the record refers to must be on the disk by now."""
        atomic_write_text(self._path(stage), json.dumps(dict(record), indent=2, allow_nan=False))

    def _path(self, stage: str) -> Path:
        if not _STAGE.fullmatch(stage):
            raise NightschoolError("malformed stage name", seen=stage, do="use lower-case letters, digits, '-' and '_'")
        return self.directory / f"{stage}.json"
