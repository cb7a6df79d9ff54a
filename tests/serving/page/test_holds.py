from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from nightschool.storage.lake import Lake
from nightschool.storage.releases import Releases
from tests.serving.fakes import FakeService
from tests.serving.nights import make_nights
from tests.serving.page.apps import page_over
from tests.serving.page.operators import noted
from tests.serving.server import client_of


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return make_nights(tmp_path / "nights")


@pytest.fixture
def client(lake: Lake) -> Iterator[httpx.Client]:
    keys = {"secret": "operate", "reader": "read"}
    with client_of(page_over(FakeService(), lake.root.parent, keys)) as client:
        client.headers["authorization"] = "Bearer secret"
        yield client


def test_publishing_is_held_until_a_time_and_let_go(client: httpx.Client, lake: Lake) -> None:
    assert "Nights publish." in client.get("/operator/holds").text
    asked = {"reason": "exams & <more>", "until": "2999-12-24T06:00"}
    done = client.post("/operator/holds", data=asked)
    assert (done.status_code, done.headers["location"]) == (303, "/operator/holds?just=held")
    hold = Releases(lake).holding()
    assert hold is not None
    assert (hold.reason, hold.by, hold.until) == ("exams & <more>", "secret", datetime(2999, 12, 24, 6, tzinfo=UTC))
    page = client.get("/operator/holds").text
    assert "on hold until 24 Dec 2999, 06:00 UTC: <bdi>exams &amp; &lt;more&gt;</bdi>" in page
    assert "on hold until 24 Dec 2999, 06:00 UTC" in client.get("/operator").text
    assert client.post("/operator/holds/end", data={"reason": "over"}).status_code == 303
    assert Releases(lake).held() is None
    assert client.get("/operator/holds").text.count("<bdi>secret</bdi>") == 2
    assert [action for _, action, _ in noted(lake.root.parent)] == ["held", "hold_ended"]


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"reason": " "}, "a hold needs a reason"),
        ({"reason": "x", "until": "2020-01-01T00:00"}, "cannot end in the past"),
        ({"reason": "x", "until": "soon"}, "the end is no time"),
    ],
)
def test_a_hold_that_says_nothing_is_refused(
    client: httpx.Client, lake: Lake, asked: dict[str, str], told: str
) -> None:
    answer = client.post("/operator/holds", data=asked)
    assert (answer.status_code, told in answer.text) == (422, True)
    assert Releases(lake).held() is None
    assert noted(lake.root.parent) == []


def test_who_reads_sees_holds_and_changes_none(client: httpx.Client, lake: Lake) -> None:
    headers = {"authorization": "Bearer reader"}
    assert "<form" not in client.get("/operator/holds", headers=headers).text.partition("<main")[2]
    assert client.post("/operator/holds", data={"reason": "x"}, headers=headers).status_code == 403
    assert Releases(lake).held() is None
