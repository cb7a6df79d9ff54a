import io
from collections.abc import Iterator
from pathlib import Path

import httpx
import polars as pl
import pytest

from nightschool.columns import RECOMMENDATIONS
from nightschool.storage.lake import Lake
from tests.serving.fakes import FakeService
from tests.serving.nights import FIRST, THIRD, make_nights
from tests.serving.page.apps import page_over
from tests.serving.page.operators import noted
from tests.serving.server import client_of


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return make_nights(tmp_path / "nights")


@pytest.fixture
def client(lake: Lake) -> Iterator[httpx.Client]:
    keys = {"ops": "operate", "reader": "read"}
    with client_of(page_over(FakeService(), lake.root.parent, keys)) as client:
        client.headers["authorization"] = "Bearer reader"
        yield client


def test_the_tables_of_a_release_are_offered(client: httpx.Client) -> None:
    page = client.get("/operator/tables").text
    assert f"Release <code>{THIRD}</code>" in page
    assert f"release_id={THIRD}&amp;table=recommendations&amp;kind=parquet" in page
    assert "quarantine as csv" not in page
    assert f"Release <code>{FIRST}</code>" in client.get(f"/operator/tables?release_id={FIRST}").text
    assert "quarantine as csv" in client.get("/operator/tables", headers={"authorization": "Bearer ops"}).text


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_table_comes_whole_under_its_name_and_is_noted(client: httpx.Client, lake: Lake, kind: str) -> None:
    asked = {"release_id": THIRD, "table": "recommendations", "kind": kind}
    answer = client.get("/operator/tables/download", params=asked)
    assert answer.status_code == 200
    assert answer.headers["content-disposition"] == f'attachment; filename="d-{THIRD}-recommendations.{kind}"'
    stored = lake.scan(RECOMMENDATIONS, THIRD).collect()
    body = io.BytesIO(answer.content)
    came = pl.read_csv(body, schema=stored.schema) if kind == "csv" else pl.read_parquet(body)
    assert came.equals(stored)
    assert noted(lake.root.parent) == [("reader", "downloaded", f"table recommendations of {THIRD}")]


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ({"release_id": "nothing", "table": "metrics"}, 404),
        ({"release_id": THIRD, "table": "quarantine"}, 404),
        ({"release_id": THIRD, "table": "../metrics"}, 404),
        ({"release_id": THIRD, "table": "metrics", "kind": "xlsx"}, 422),
    ],
)
def test_what_is_no_table_is_a_page_that_says_so(
    client: httpx.Client, lake: Lake, asked: dict[str, str], status: int
) -> None:
    assert client.get("/operator/tables/download", params=asked).status_code == status
    assert noted(lake.root.parent) == []


def test_a_home_without_a_release_has_a_page(client: httpx.Client, lake: Lake, tmp_path: Path) -> None:
    (lake.root / "releases").rename(tmp_path / "releases")
    assert "No release yet" in client.get("/operator/tables").text
