"""What operators' programs ask for."""

from datetime import UTC, datetime

import pytest

from tests.serving.client import Api


def test_releases_are_listed_and_told_whole(reading: Api) -> None:
    release = reading.snapshot.release
    (entry,) = reading.get("/v1/releases").json()["releases"]
    assert (entry["id"], entry["current"]) == (release.release_id, True)
    whole = reading.get(f"/v1/releases/{release.release_id}").json()
    assert {name: whole[name] for name in entry} == entry
    assert whole["recipe"]["alpha"] == 0.7
    assert whole["row_counts"]["recommendations"] == 20 * len(reading.users)


def test_a_release_that_is_not_there_is_not_found(reading: Api) -> None:
    assert reading.get("/v1/releases/nothing").status_code == 404
    assert reading.get(f"/v1/releases/{'x' * 65}").status_code == 422


def test_readiness_tells_the_age_of_the_data_not_of_the_publication(reading: Api) -> None:
    told = reading.get("/ready").json()
    release = reading.snapshot.release
    assert (told["ready"], told["release_id"]) == (True, release.release_id)
    age = (datetime.now(UTC) - release.as_of).total_seconds()
    assert told["release_age_seconds"] == pytest.approx(age, abs=60)
    assert told["release_age_seconds"] > (datetime.now(UTC) - release.created_at).total_seconds() + 3600


def test_figures_count_by_route_not_by_user(reading: Api) -> None:
    reading.get(f"/v1/users/{reading.users[0]}/recommendations")
    reading.get("/nothing/at/all")
    text = reading.get("/metrics").text
    route = "/v1/users/{user_id:path}/recommendations"
    assert f'nightschool_requests_total{{route="{route}",status="200"}}' in text
    assert f'nightschool_request_seconds_bucket{{le="0.001",route="{route}"}}' in text
    assert 'nightschool_requests_total{route="none",status="404"}' in text
    assert "nightschool_release_age_seconds " in text
    assert "at/all" not in text


def test_figures_tell_of_the_nights(reading: Api) -> None:
    assert "nightschool_nights_readable 1.0" in reading.get("/metrics").text.splitlines()
