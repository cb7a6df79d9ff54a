"""Sequences of requests that follow the links of the OpenAPI document: each answer is as the document says."""

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings, strategies
from hypothesis.errors import Flaky
from hypothesis.stateful import Bundle, initialize, rule
from schemathesis import Case
from schemathesis.checks import CHECKS
from schemathesis.core.failures import FailureGroup
from schemathesis.core.transport import Response
from schemathesis.generation.stateful import APIStateMachine
from schemathesis.generation.stateful.state_machine import StepInput, StepOutput
from schemathesis.python.asgi import shutdown_lifespans

from nightschool.storage.database import open_database
from nightschool.storage.home import Home
from nightschool.storage.keys import Keys
from tests.serving.client import Api
from tests.serving.conftest import copied

UNFIT = ("positive_data_acceptance", "ignored_auth", "use_after_free")
"""Checks that do not hold here: an id that is right may name nobody, made-up keys go along with one that holds, and an
item that was withdrawn can still be read."""
STARTS = (
    "GET /v1/users/{user_id}/recommendations",
    "GET /v1/users/{user_id}/similar",
    "GET /v1/users/{user_id}/path",
    "PUT /v1/items/{item_id}",
    "PUT /v1/users/{user_id}",
    "POST /v1/events",
    "POST /v1/rank",
    "POST /v1/users/recommendations",
)
"""Requests that may come first, beside those that schemathesis chooses: it takes those with ids for hopeless."""


def known_ids(api: Api, case: Case) -> Case:
    """Puts ids of the home in place of most that name nothing, unless the request is to be wrong."""
    if case.meta is None or case.meta.generation.mode.is_negative:
        return case
    users, items = api.users, list(api.snapshot.catalogue.ids)
    known = {"user_id": users, "user_handle": users, "item_id": items}
    bodies = [case.body, *(case.body.get("events") or [])] if isinstance(case.body, dict) else []
    for part in (case.path_parameters, *bodies):
        for name, ids in known.items():
            if isinstance(part, dict) and name in part and str(part[name]) not in map(str, ids):
                place = sum(str(part[name]).encode(errors="replace"))
                part[name] = part[name] if place % 5 == 0 else ids[place % len(ids)]
    return case


class Seen:
    """What came of the requests.

    Attributes:
        answers: How many there were, by operation and status.
        faults: What does not fit the document, with the request and the answer; the first of each kind.
    """

    def __init__(self) -> None:
        self.answers: Counter[tuple[str, int]] = Counter()
        self.faults: dict[tuple[str, str], str] = {}

    def note(self, case: Case, response: Response, checks: Callable[[], None]) -> None:
        """Counts an answer and runs the checks of it."""
        self.answers[case.operation.label, int(response.status_code)] += 1
        try:
            checks()
        except FailureGroup as group:
            for fault in group.exceptions:
                told = f"{fault}\n{case.as_curl_command()}\n{response.text}"
                self.faults.setdefault((case.operation.label, type(fault).__name__), told[:4000])


def state_machine(api: Api, seen: Seen) -> type[APIStateMachine]:
    """The requests of somebody with a key to operate, who follows links."""
    key = Keys(open_database(api.service.settings.events_address)).add("all", "operate")
    headers = {"authorization": f"Bearer {key}"}
    api.service.refresh()
    schema = schemathesis.openapi.from_asgi("/openapi.json", api.app, headers=headers)

    @schema.hook
    def map_case(context: Any, case: Case) -> Case:
        return known_ids(api, case)

    unfit = [CHECKS.get_one(name) for name in UNFIT]
    # It knows no 414: an address that is too long is refused before anybody looks at what is in it.
    too_long = [CHECKS.get_one("negative_data_rejection")]
    cases = [schema[path][method].as_strategy() for method, path in map(str.split, STARTS)]

    class Requests(schema.as_state_machine()):  # type: ignore[misc]
        @initialize(number=strategies.integers(0, 2**64 - 1))
        def begin(self, number: int) -> None:
            """Makes each sequence another: Hypothesis expects the same answers to the same requests."""

        @rule(target=Bundle("catch_all"), case=strategies.one_of(cases))
        def start(self, case: Case) -> StepOutput | None:
            step = StepInput.initial(case)
            self.recorder.record_case(case=case)
            self.control.record_step(step, self.recorder)
            return self._step(step)

        def get_call_kwargs(self, case: Case) -> dict[str, Any]:
            return {"headers": headers}

        def validate_response(self, response: Response, case: Case, *others: Any, **told: Any) -> None:
            recorded = {"transport_kwargs": told, "recorder": self.recorder}
            left = [*unfit, *too_long] if response.status_code == HTTPStatus.REQUEST_URI_TOO_LONG else unfit
            seen.note(case, response, lambda: case.validate_response(response, excluded_checks=left, **recorded))

    return Requests


def run(api: Api, steps: int) -> Seen:
    """Sends so many requests, in sequences of up to 25; one that an earlier one has made impossible is given up."""
    seen = Seen()
    machine = state_machine(api, seen)
    wanted = settings(
        max_examples=1 + steps // 25,
        stateful_step_count=25,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    while seen.answers.total() < steps:
        with suppress(Flaky):
            machine.run(settings=wanted)
    return seen


@pytest.mark.parametrize("ids", ["numbers", "texts"])
def test_sequences_of_requests_are_answered_as_the_document_says(
    request: pytest.FixtureRequest, tmp_path: Path, ids: str
) -> None:
    home: Home = request.getfixturevalue("texts") if ids == "texts" else request.getfixturevalue("served").home
    with Api.over(copied(home, tmp_path / "copy")) as api:
        try:
            seen = run(api, 100)
        finally:
            shutdown_lifespans()
    assert seen.faults == {}
    assert {status // 100 for _, status in seen.answers} == {2, 4}
