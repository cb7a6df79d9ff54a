import io
import json
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import httpx
import polars as pl
import pytest

from nightschool.columns import QUARANTINE
from nightschool.settings import Settings
from nightschool.storage.database import open_database
from nightschool.storage.lake import Lake
from nightschool.storage.quarantine.repairs import Place, Repairs, hash_row
from serving.quarantine import find_row
from tests.serving.fakes import FakeService
from tests.serving.nights import ODD, READ, THIRD, make_nights
from tests.serving.page.apps import page_over
from tests.serving.page.operators import noted
from tests.serving.server import client_of

PLACE = Place("interactions", "events.csv", 1)
NAMED = {"table": "interactions", "file": "events.csv", "row": "1"}


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return make_nights(tmp_path / "nights")


@pytest.fixture
def repairs(lake: Lake) -> Repairs:
    return Repairs(open_database(Settings(home=lake.root.parent).events_address))


@pytest.fixture
def client(lake: Lake) -> Iterator[httpx.Client]:
    keys = {"ops": "operate", "reader": "read", "sender": "events"}
    with client_of(page_over(FakeService(), lake.root.parent, keys)) as client:
        client.headers["authorization"] = "Bearer ops"
        yield client


def form(lake: Lake, **texts: str) -> dict[str, str]:
    """What the page's form sends of the first row, with some texts changed."""
    row = find_row(lake, PLACE)
    fields = {f"row.{name}": text for name, text in {**row.cells, **texts}.items()}
    return {**NAMED, "seen": hash_row(row.row), **fields}


def test_rows_are_listed_with_their_values_and_filtered(client: httpx.Client) -> None:
    page = unescape(client.get("/operator/quarantine").text)
    assert "3 rows" in page
    assert "events.csv row 3" in page
    assert ODD in page
    one = client.get("/operator/quarantine", params={"reason": "missing_item", "file": "events.csv"}).text
    assert "1 row</h2>" in one
    assert '<option value="missing_item" selected>' in one
    assert "/operator/quarantine/download?reason=missing_item&amp;file=events.csv" in one
    assert "No row fits." in client.get("/operator/quarantine", params={"reason": "nothing"}).text


def test_many_rows_are_shown_a_page_at_a_time(client: httpx.Client, lake: Lake) -> None:
    row = {"table": "users", "source_file": "users.csv", "quarantined_at": READ, "reason": "duplicate_id", "row": "{}"}
    rows = [{**row, "source_row": number} for number in range(120)]
    lake.append(QUARANTINE, pl.DataFrame(rows, schema=lake.schema(QUARANTINE)))
    first = client.get("/operator/quarantine?reason=duplicate_id").text
    assert first.count('<tr><th scope="row">') == 50
    assert "reason=duplicate_id&amp;start=50" in first
    last = client.get("/operator/quarantine?reason=duplicate_id&start=100").text
    assert (last.count('<tr><th scope="row">'), "Older" in last, "start=50" in last) == (20, False, True)


def test_a_corrected_row_waits_and_can_be_taken_back(client: httpx.Client, lake: Lake, repairs: Repairs) -> None:
    page = unescape(client.get("/operator/quarantine/row", params=NAMED).text)
    assert 'name="row.user"' in page
    assert f'value="{hash_row(find_row(lake, PLACE).row)}"' in page
    done = client.post("/operator/quarantine/repair", data=form(lake, user="7"))
    assert (done.status_code, done.headers["location"]) == (303, "/operator/quarantine?just=asked")
    (waiting,) = repairs.waiting()
    assert (waiting.place, waiting.asked_by) == (PLACE, "ops")
    assert json.loads(waiting.row or "") == {"user": "7", "item": "5", "rating": "4"}
    assert "corrected, waits" in client.get("/operator/quarantine").text
    again = client.get("/operator/quarantine/row", params=NAMED).text
    assert "A correction waits" in again
    assert 'value="7"' in again
    assert client.post("/operator/quarantine/take-back", data=NAMED).status_code == 303
    assert repairs.waiting() == ()
    what = "interactions events.csv row 1"
    assert noted(lake.root.parent) == [("ops", "asked_repair", what), ("ops", "took_back_row", what)]


def test_a_row_is_dismissed_with_a_reason(client: httpx.Client, lake: Lake, repairs: Repairs) -> None:
    asked = form(lake)
    refused = client.post("/operator/quarantine/dismiss", data={**asked, "reason": " "})
    assert (refused.status_code, "needs a reason" in refused.text) == (422, True)
    assert client.post("/operator/quarantine/dismiss", data={**asked, "reason": "a test"}).status_code == 303
    assert [(each.reason, each.dismisses) for each in repairs.waiting()] == [("a test", True)]
    assert "to be dismissed" in client.get("/operator/quarantine").text


def test_what_became_of_corrections_is_told(client: httpx.Client, repairs: Repairs) -> None:
    repairs.ask(PLACE, "{}", '{"user":"7"}', "ops")
    repairs.end(repairs.waiting()[0], "refused", READ, "unknown_user")
    page = client.get("/operator/quarantine").text
    assert "refused once more" in page
    assert "unknown user" in page


def test_a_form_about_another_row_is_refused(client: httpx.Client, lake: Lake, repairs: Repairs) -> None:
    other = {**form(lake, user="7"), "seen": hash_row("{}")}
    for path, more in (("repair", {}), ("dismiss", {"reason": "x"})):
        answer = client.post(f"/operator/quarantine/{path}", data={**other, **more})
        assert (answer.status_code in {409, 422}, "has changed since" in answer.text) == (True, True)
    same = client.post("/operator/quarantine/repair", data=form(lake))
    assert (same.status_code, "nothing was corrected" in same.text) == (422, True)
    gone = client.post("/operator/quarantine/repair", data={**other, "row": "99"})
    assert gone.status_code == 404
    assert client.post("/operator/quarantine/repair", data={}).status_code == 404
    assert repairs.waiting() == ()


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_rows_are_downloaded_as_they_are_filtered(client: httpx.Client, lake: Lake, kind: str) -> None:
    answer = client.get("/operator/quarantine/download", params={"reason": "missing_item", "kind": kind})
    assert answer.headers["content-disposition"] == f'attachment; filename="d-{THIRD}-quarantine.{kind}"'
    body = io.BytesIO(answer.content)
    rows = pl.read_csv(body) if kind == "csv" else pl.read_parquet(body)
    assert rows["source_row"].to_list() == [3]
    assert noted(lake.root.parent) == [("ops", "downloaded", "table quarantine")]


@pytest.mark.parametrize("key", ["reader", "sender"])
def test_no_other_key_sees_or_changes_rows(client: httpx.Client, lake: Lake, repairs: Repairs, key: str) -> None:
    headers = {"authorization": f"Bearer {key}"}
    for path in ("", "/row?table=interactions&file=events.csv&row=1", "/download"):
        assert client.get(f"/operator/quarantine{path}", headers=headers).status_code == 403
    assert client.post("/operator/quarantine/repair", data=form(lake, user="7"), headers=headers).status_code == 403
    assert repairs.waiting() == ()
    assert 'href="/operator/quarantine' not in client.get("/operator", headers=headers).text
