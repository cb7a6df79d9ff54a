"""What clients say was shown: counted by the scenario of the list."""

from datetime import UTC, datetime, timedelta

import pytest

from nightschool.errors import ConfigurationError
from nightschool.storage.database import open_database
from nightschool.storage.home import Home
from serving.answers import ListRequest
from serving.schemas.impressions import Impression
from serving.service import Service
from serving.telemetry import IMPRESSIONS
from tests.serving.homes import settings_of
from tests.serving.sent import learner


@pytest.fixture
def service(own_home: Home) -> Service:
    return Service(settings_of(own_home))


def counted(scenario: str) -> float:
    return IMPRESSIONS.labels(scenario)._value.get()


def test_impressions_are_counted_by_scenario_once_each(service: Service) -> None:
    user = learner(service.current.snapshot)
    made = service.recommend(user, ListRequest())
    sent = Impression.model_validate({"list_id": made.list_id, "user_id": user, "impression_id": "a"})
    before = counted("")
    for repeated in (False, True):
        (taken,) = service.take_impressions([sent]).impressions
        assert (taken.impression_id, taken.sequence, taken.repeated) == ("a", 1, repeated)
    assert counted("") == before + 1


def test_a_list_that_is_not_written_down_yet_is_taken_and_counted_as_unknown(service: Service, own_home: Home) -> None:
    user = learner(service.current.snapshot)
    there = Service(settings_of(own_home))
    made = there.recommend(user, ListRequest())
    before = counted("unknown")
    service.take_impressions([Impression.model_validate({"list_id": made.list_id, "user_id": user})])
    assert counted("unknown") == before + 1


def test_times_are_corrected_as_those_of_events_are(service: Service) -> None:
    user, now = learner(service.current.snapshot), datetime.now(UTC)
    made = service.recommend(user, ListRequest())
    about = {"list_id": made.list_id, "user_id": user, "places": [3, 1, 3]}
    late = {"at": now + timedelta(hours=2), "sent_at": now + timedelta(hours=3)}
    service.take_impressions([Impression.model_validate({**about, **late})])
    with open_database(service.settings.events_address).connect() as connection:
        ((at, places),) = connection.exec_driver_sql("SELECT at, places FROM impressions").all()
    assert abs(datetime.fromisoformat(f"{at}+00:00") - now + timedelta(hours=1)) < timedelta(seconds=10)
    assert places == "[1, 3]"
    with pytest.raises(ConfigurationError, match="has no zone"):
        service.take_impressions([Impression.model_validate({**about, "at": datetime(2026, 1, 1)})])
