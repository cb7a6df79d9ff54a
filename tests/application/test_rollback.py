from nightschool.application.rollback import choice_of_release
from nightschool.columns import RECOMMENDATIONS
from nightschool.settings import Settings
from nightschool.storage.binding import bind
from nightschool.storage.home import Home
from tests.night.nights import TUESDAY, finish, make_home, meet, start

PLAIN = {"type": "string", "title": "release_id", "description": "Which.", "position": 0}


def publish(home: Home) -> str:
    release = finish(start(home)).release_id
    home.lake.replace_release(RECOMMENDATIONS, release, home.lake.schema(RECOMMENDATIONS).to_frame())
    return release


def test_the_releases_before_the_current_one_are_offered_and_any_other_id() -> None:
    assert choice_of_release(PLAIN) == PLAIN
    home = make_home(Settings().paths.root)
    bind(home.paths.binding, home.binding)
    first = publish(home)
    assert choice_of_release(PLAIN) == PLAIN
    meet(home, TUESDAY, row=2)
    second = publish(home)
    listed, another = choice_of_release(PLAIN)["anyOf"]
    assert listed["enum"] == [first]
    assert second not in listed["enum"]
    assert another["type"] == "string"


def test_a_form_that_offers_releases_is_offered_those_of_today() -> None:
    home = make_home(Settings().paths.root)
    bind(home.paths.binding, home.binding)
    first = publish(home)
    meet(home, TUESDAY, row=2)
    publish(home)
    offered = choice_of_release(PLAIN)
    assert choice_of_release({"type": "string", **offered}) == offered
    assert offered["anyOf"][0]["enum"] == [first]
    assert (offered["description"], offered["position"]) == ("Which.", 0)
