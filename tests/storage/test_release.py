import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from pydantic import ValidationError

from nightschool.storage.release import Draft, Release

NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)


def release(**fields: object) -> Release:
    given = {"release_id": "2024-05-01-aaaaaaaa", "as_of": NOON, "created_at": NOON, "commit_version": 3}
    return Release.model_validate({**given, "status": "published", **fields})


def test_a_row_holds_the_release_and_gives_it_back() -> None:
    given = release(gates={"trials": [{"model": "ease", "params": {"l2": 7.0}}]}, recipe={"alpha": 0.5})
    row = given.to_row()
    assert json.loads(row["gates"]) == {"trials": [{"model": "ease", "params": {"l2": 7.0}}]}
    assert Release.from_row(row) == given


def test_a_draft_is_what_the_release_says_without_its_place_in_history() -> None:
    assert release(reason="why").draft() == Draft(release_id="2024-05-01-aaaaaaaa", as_of=NOON, reason="why")


def test_instants_need_a_zone() -> None:
    assert release(as_of=NOON.astimezone(timezone(timedelta(hours=5)))).as_of == NOON
    with pytest.raises(ValidationError, match="timezone"):
        release(as_of=NOON.replace(tzinfo=None))


def test_a_row_has_one_of_the_known_statuses() -> None:
    assert release(status="backfilled").status == "backfilled"
    with pytest.raises(ValidationError, match="status"):
        release(status="gone")
