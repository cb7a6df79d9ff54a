"""Learning paths over a release: prerequisites, levels, reasons, and goals that cannot be reached."""

from typing import Any

import numpy as np
import pytest

from nightschool.columns import ITEMS
from nightschool.errors import NotFound
from nightschool.ranking.paths import skills_of
from serving.answers import ListRequest, make_list
from serving.paths import learning_path
from serving.rules import Rules
from serving.schemas.paths import LearningPath
from serving.snapshot import Snapshot
from serving.user_state import UserState
from tests.serving.client import Api
from tests.serving.conftest import Served


def plan(snapshot: Snapshot, user_id: Any, goal: object, length: int = 10) -> LearningPath:
    return learning_path(snapshot, UserState.of(snapshot, user_id), str(goal), length)


def done_by(snapshot: Snapshot, user_id: Any) -> set[int]:
    return {*UserState.of(snapshot, user_id).completed().tolist()}


def require_order(snapshot: Snapshot, done: set[int], path: LearningPath) -> None:
    """Every step is available, new, ready by what is declared, and no more than one level up."""
    done = done.copy()
    curriculum = snapshot.curriculum
    for entry in path.steps:
        place = snapshot.catalogue.position(entry.item_id)
        assert place is not None
        assert place not in done
        assert curriculum.available[place]
        assert {*curriculum.direct(place)} <= done
        assert curriculum.ranks[place] <= max(curriculum.ranks[[*done]], default=-1) + 1
        done.add(place)


def test_every_path_keeps_the_declared_order(served: Served) -> None:
    snapshot = served.snapshot
    users = [*snapshot.lists.keys[:25], 987_654]
    outcomes = dict[str, int]()
    for user in users:
        done = done_by(snapshot, user)
        for goal in snapshot.catalogue.ids[::5]:
            path = plan(snapshot, user, goal, 100)
            outcomes[path.outcome] = outcomes.get(path.outcome, 0) + 1
            require_order(snapshot, done, path)
            if path.outcome == "path":
                assert path.steps[-1].item_id == goal
                assert (path.steps[-1].reason, path.needed) == ("goal", len(path.steps))
    assert outcomes["path"] > 100
    assert {*outcomes} <= {"path", "completed"}


def test_skill_is_built_by_the_last_step(served: Served) -> None:
    snapshot = served.snapshot
    user = snapshot.lists.keys[0]
    done = np.isin(np.arange(len(snapshot.catalogue)), [*done_by(snapshot, user)])
    built = skills_of(snapshot.curriculum, done)
    for place, skill in enumerate(snapshot.catalogue.skill_names):
        path = plan(snapshot, user, skill)
        assert (path.goal.kind, path.goal.skill) == ("skill", skill)
        if built[place]:
            assert (path.outcome, path.needed, path.steps, path.skill_gap) == ("completed", 0, [], [])
            continue
        assert (path.outcome, path.skill_gap) == ("path", [skill])
        assert skill in path.steps[-1].builds
        assert (path.steps[-1].reason, path.steps[-1].why) == ("builds_skill", f"builds {skill!r}")


def test_longer_path_says_how_long_it_is(served: Served) -> None:
    snapshot = served.snapshot
    goals = snapshot.catalogue.ids
    whole = max((plan(snapshot, 987_654, goal, 100) for goal in goals), key=lambda path: path.needed or 0)
    assert whole.needed is not None
    assert whole.needed >= 3
    cut = plan(snapshot, 987_654, whole.steps[-1].item_id, 2)
    assert (cut.outcome, cut.needed, cut.steps) == ("longer", whole.needed, whole.steps[:2])
    assert cut.message.endswith("; these are the first 2.")
    assert (cut.known, cut.completed) == (False, 0)


def test_goal_that_is_completed_needs_nothing(served: Served) -> None:
    snapshot = served.snapshot
    user = snapshot.lists.keys[0]
    place = min(done_by(snapshot, user))
    path = plan(snapshot, user, snapshot.catalogue.ids[place])
    assert (path.outcome, path.needed, path.steps, path.skill_gap) == ("completed", 0, [], [])
    assert (
        path.message
        == f"Nothing is left to do for {snapshot.catalogue.item(path.goal.item.item_id).title}: it is completed."
    )


def test_unknown_goal_is_refused(served: Served) -> None:
    for goal in ("nothing", "007", "-1"):
        with pytest.raises(NotFound, match="no such item or skill"):
            plan(served.snapshot, 1, goal)


def test_api_answers_with_the_path_after_events(writing: Api) -> None:
    snapshot = writing.snapshot
    assert writing.get("/v1/users/1/path?goal=nothing").status_code == 404
    assert writing.get("/v1/users/1/path").status_code == 422
    assert writing.get("/v1/users/1/path?goal=1&length=0").status_code == 422
    goal = next(item for item in snapshot.catalogue.ids if (plan(snapshot, 77_777, item).needed or 0) > 1)
    before = writing.get("/v1/users/77777/path", params={"goal": goal}).json()
    assert (before["known"], before["outcome"], before["completed"]) == (False, "path", 0)
    first = before["steps"][0]["item_id"]
    writing.send(77_777, "complete", first)
    after = writing.get("/v1/users/77777/path", params={"goal": goal}).json()
    assert (after["known"], after["completed"], after["needed"]) == (True, 1, before["needed"] - 1)
    assert first not in [step["item_id"] for step in after["steps"]]


def test_lists_hold_nothing_that_is_not_ready(reading: Api) -> None:
    snapshot = reading.snapshot
    rules = Rules(prerequisites=True)
    curriculum = snapshot.curriculum
    unready = 0
    for user in [*reading.users[:40], 987_654]:
        done = done_by(snapshot, user)
        shown = [
            snapshot.catalogue.positions([entry["item_id"] for entry in make_list(snapshot, user, each, ListRequest())])
            for each in (Rules(), rules)
        ]
        unready += sum(not {*curriculum.direct(place)} <= done for place in shown[0].tolist())
        assert all({*curriculum.direct(place)} <= done for place in shown[1].tolist())
        assert len(shown[1]) == 10
    assert unready > 0


def test_release_of_a_manifest_without_prerequisites_has_none(own_home: Any) -> None:
    rows = own_home.lake.scan(ITEMS).collect().drop("prerequisites", "skills")
    own_home.lake.overwrite(ITEMS, rows.lazy())
    with Api.over(own_home) as api:
        assert api.snapshot.curriculum.requires.nnz == 0
        assert api.snapshot.catalogue.skill_names == []
        answer = api.get("/v1/users/1/path", params={"goal": api.snapshot.catalogue.ids[0]}).json()
        assert answer["skill_gap"] == []
        assert api.get("/learner/1").status_code == 200
