"""Erasing a user from tables, from the recommenders that MLflow keeps and from texts, or finishing what was begun."""

import logging
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from models.published import forget_user
from nightschool.application.home import manifest_of
from nightschool.application.tracking import registry
from nightschool.errors import ConfigurationError, NotFound
from nightschool.ids import require_id
from nightschool.ingest.feedback_events import count_feedback, erase_feedback
from nightschool.privacy.erase import begin_erasure, count_user_rows, erase_rows, erase_texts
from nightschool.privacy.locate import UserRecords
from nightschool.privacy.repairs import erase_repairs
from nightschool.settings import Settings
from nightschool.storage.erasure_log import Erasure, UserId, end, unfinished
from nightschool.storage.home import Home

logger = logging.getLogger("nightschool.application")


def look_for(home: Home, user: str) -> dict[str, int]:
    """Count the rows that name a user by table, over all releases together.

    Raises:
        NotFound: No table names such a user.
    """
    user_id = parse_user(home, user)
    pending = unfinished(home.paths.erasure)
    if pending is not None and pending.user_id == user_id:
        return dict(pending.removed)
    return count_user_rows(home, manifest_of(home), user_id, count_feedback(user_id, Settings().events_address))


def forget(home: Home, user: str) -> dict[str, Any]:
    """Erase a user from the home, and report what was removed. Call it under the home's lock.

    An erasure of another user that was cut short is finished first.

    Raises:
        NotFound: No table names such a user.
        Unavailable: The files of a registered recommender are gone; nothing was removed.
        Busy: A Prefect server keeps its database busy; the next try continues from there.
    """
    user_id = parse_user(home, user)
    pending = unfinished(home.paths.erasure)
    if pending is not None:
        report = _erase(home, pending)
        if pending.user_id == user_id:
            return report
    sent = count_feedback(user_id, Settings().events_address)
    if _has_store(home):
        registry(home).require_files()
    return _erase(home, begin_erasure(home, manifest_of(home), user_id, datetime.now(UTC), sent))


def finish_erasure(home: Home) -> None:
    """Finish an erasure that was cut short, if there is one. Call it under the home's lock."""
    pending = unfinished(home.paths.erasure)
    if pending is not None:
        _erase(home, pending)


def parse_user(home: Home, user: str) -> UserId:
    """Parse a user's id, which must be written as the sources write it: 007 or +7 never erases user 7.

    Raises:
        NotFound: It can be no id of the home.
    """
    return require_id(manifest_of(home).folded(user), str(home.lake.user_id), "user")


def _erase(home: Home, erasure: Erasure) -> dict[str, Any]:
    manifest = manifest_of(home)
    erase_rows(home, manifest, erasure)
    erase_feedback(home, manifest, erasure.user_id, Settings().events_address, datetime.now(UTC))
    erase_repairs(UserRecords(erasure.user_id, home.lake, manifest), Settings().events_address)
    recommenders = _erase_from_recommenders(home, erasure.user_id)
    erase_texts(home, erasure.user_id)
    # Until the store has no trace either it is unfinished: the next turn would fetch what was removed here.
    if home.lake.replica is not None:
        home.lake.replica.push_in_turn()
    end(home.paths.erasure)
    return {
        "user_id": erasure.user_id,
        "erased_at": erasure.erased_at.isoformat(),
        "removed": dict(erasure.removed),
        "recommenders": recommenders,
    }


def _erase_from_recommenders(home: Home, user_id: UserId) -> int:
    """Erase the user from the registered recommenders; return how many of them were rewritten."""
    scratch = home.paths.scratch
    shutil.rmtree(scratch, ignore_errors=True)

    def rewrite(artifacts: Path) -> bool:
        model = artifacts / "model"
        try:
            return forget_user(model, artifacts / "audiences.npz", user_id)
        except (ConfigurationError, NotFound) as error:
            logger.warning("a registered recommender cannot be read and loses its files: %s", error)
            shutil.rmtree(model, ignore_errors=True)
            return True

    rewritten = registry(home).rewrite_models(rewrite, scratch) if _has_store(home) else 0
    if home.paths.store:
        # Models that other machines registered are known to their own MLflow alone.
        others = list(home.paths.mlflow_artifacts.rglob("audiences.npz"))
        rewritten += sum(rewrite(audiences.parent) for audiences in others)
    shutil.rmtree(scratch, ignore_errors=True)
    return rewritten


def _has_store(home: Home) -> bool:
    """Return whether MLflow was ever used; a store is not created only to look into it."""
    return home.paths.mlflow_database.exists() or bool(Settings().mlflow_tracking_uri.get_secret_value())
