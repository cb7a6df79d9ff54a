"""Pages of the catalogue beside slow and obvious sorts of it."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nightschool.errors import ConfigurationError, NotFound
from nightschool.storage.home import Home
from serving.item_activity import ItemActivity
from serving.item_pages import item_detail, item_page
from serving.schemas.catalogue import CatalogueQuery, ItemPage, ListedItem
from serving.schemas.common import ExternalId
from serving.snapshot import Snapshot
from tests.serving.conftest import Served, opened
from tests.serving.homes import publish


@pytest.fixture
def snapshot(served: Served) -> Snapshot:
    return served.snapshot


def page(snapshot: Snapshot, **asked: Any) -> ItemPage:
    return item_page(snapshot, CatalogueQuery.model_validate(asked))


def everything(snapshot: Snapshot, **asked: Any) -> list[ListedItem]:
    """The items of all pages."""
    items, after = [], None
    while True:
        found = page(snapshot, after=after, **asked)
        items += found.items
        assert found.total >= len(items)
        after = found.next
        if after is None:
            assert found.total == len(items)
            return items


def ids(items: Sequence[ListedItem]) -> list[ExternalId]:
    return [item.item_id for item in items]


def likes_of(snapshot: Snapshot) -> dict[ExternalId, int]:
    return dict(zip(snapshot.catalogue.ids, snapshot.popularity.tolist(), strict=True))


def test_without_words_the_most_popular_items_come_first(snapshot: Snapshot) -> None:
    likes = likes_of(snapshot)
    found = page(snapshot, k=200)
    assert (found.sort, found.total, found.matched, found.next) == ("popular", len(likes), None, None)
    assert ids(found.items) == sorted(likes, key=lambda item: (-likes[item], item))
    assert [item.score for item in found.items] == [item.likes for item in found.items]
    assert [item.likes for item in found.items] == sorted(likes.values(), reverse=True)
    assert [item.rank for item in found.items] == [*range(1, len(likes) + 1)]
    first = snapshot.catalogue.item(found.items[0].item_id)
    assert first.model_dump().items() <= found.items[0].model_dump().items()
    assert page(snapshot, q=" \n ") == page(snapshot)


def test_the_newest_items_come_first_and_those_without_a_time_last(snapshot: Snapshot) -> None:
    n, as_of = len(snapshot.catalogue), snapshot.release.as_of
    since = [None if place % 5 == 0 else as_of - timedelta(days=place % 9, hours=1) for place in range(n)]
    times = np.array([None if each is None else each.replace(tzinfo=None) for each in since], dtype="datetime64[us]")
    dated = replace(snapshot)
    vars(dated)["activity"] = ItemActivity(times, has_times=True, trends=None)
    known = dict(zip(snapshot.catalogue.ids, since, strict=True))

    def age(item: ExternalId) -> timedelta:
        born: datetime | None = known[item]
        return timedelta.max if born is None else as_of - born

    found = everything(dated, sort="new", k=50)
    assert ids(found) == sorted(known, key=lambda item: (age(item), item))
    assert [item.known_since for item in found] == [known[item.item_id] for item in found]
    assert [item.score for item in found] == pytest.approx(
        [None if known[item] is None else age(item) / timedelta(days=1) for item in ids(found)], abs=1e-6
    )


def test_a_trend_is_told_with_its_window(snapshot: Snapshot) -> None:
    trends = snapshot.activity.trends
    assert trends is not None
    found = page(snapshot, sort="trending", k=200)
    scores = dict(zip(snapshot.catalogue.ids, trends.scores.tolist(), strict=True))
    likes = likes_of(snapshot)
    assert ids(found.items) == sorted(scores, key=lambda item: (-scores[item], -likes[item], item))
    assert found.window_days == trends.days
    assert [item.score for item in found.items] == [round(scores[item.item_id], 6) for item in found.items]
    recent = dict(zip(snapshot.catalogue.ids, trends.recent.tolist(), strict=True))
    assert [item.recent_likes for item in found.items] == [recent[item.item_id] for item in found.items]
    assert page(snapshot).items[0].recent_likes is None


@pytest.mark.parametrize(
    ("has_times", "reason"), [(False, "the data have no times"), (True, "nobody liked anything in the months before")]
)
def test_without_trends_nothing_is_sorted_by_them(snapshot: Snapshot, has_times: bool, reason: str) -> None:
    quiet = replace(snapshot)
    vars(quiet)["activity"] = replace(snapshot.activity, has_times=has_times, trends=None)
    with pytest.raises(ConfigurationError, match=reason):
        page(quiet, sort="trending")
    assert page(quiet, sort="new").items


def test_words_find_the_best_match_first_and_equal_ones_by_likes(snapshot: Snapshot) -> None:
    found = page(snapshot, q="statistics", k=200)
    assert (found.sort, found.matched, found.total) == ("relevance", "all", len(found.items))
    assert all("statistics" in f"{item.title} {item.labels}".lower() for item in found.items)
    places = [(-(item.score or 0), -item.likes, item.item_id) for item in found.items]
    assert places == sorted(places)
    assert {*ids(page(snapshot, q="statistics", sort="popular", k=200).items)} == {*ids(found.items)}
    likes = [item.likes for item in page(snapshot, q="statistics", sort="popular", k=200).items]
    assert likes == sorted(likes, reverse=True)
    equal = replace(snapshot)
    vars(equal)["search"] = SimpleNamespace(find=lambda query, allowed, related: flat(snapshot, query, allowed))
    likes_by_item = likes_of(snapshot)
    order = sorted(ids(found.items), key=lambda item: (-likes_by_item[item], item))
    assert ids(page(equal, q="statistics", k=200).items) == order


def flat(snapshot: Snapshot, query: str, allowed: Any) -> Any:
    """What a search finds, as if all of it matched alike."""
    found = snapshot.search.find(query, allowed)
    return found._replace(scores=np.ones(len(found.items)))


def test_only_words_have_a_relevance(snapshot: Snapshot) -> None:
    with pytest.raises(ConfigurationError, match="sort=relevance needs words"):
        page(snapshot, sort="relevance")


def test_a_category_is_one_that_lists_know(snapshot: Snapshot) -> None:
    for label in snapshot.catalogue.label_names:
        held = {snapshot.catalogue.ids[place] for place in np.flatnonzero(snapshot.catalogue.labelled(label))}
        assert {*ids(page(snapshot, category=label, k=200).items)} == held
    both = page(snapshot, category="python", q="data")
    assert {*ids(both.items)} <= {*ids(page(snapshot, category="python", k=200).items)}
    with pytest.raises(ConfigurationError, match="no such category; saw 'nothing'; use one of"):
        page(snapshot, category="nothing")


def test_a_filter_keeps_what_lists_keep_and_others_narrow_it_further(snapshot: Snapshot) -> None:
    kept = snapshot.catalogue.matching('difficulty <= "Intermediate"') & snapshot.available
    assert {*ids(everything(snapshot, filter='difficulty <= "Intermediate"'))} == {
        snapshot.catalogue.ids[place] for place in np.flatnonzero(kept)
    }
    query = CatalogueQuery(filter='difficulty <= "Intermediate"', k=200)
    assert {item.difficulty for item in item_page(snapshot, query, filters=['difficulty != "Beginner"']).items} == {
        "Intermediate"
    }
    with pytest.raises(ConfigurationError, match="filter, character 1: there is no such item column"):
        page(snapshot, filter="colour == 1")


@pytest.mark.parametrize(
    "asked", [{}, {"sort": "new"}, {"sort": "trending"}, {"q": "a"}, {"category": "Video"}], ids=str
)
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True)
@given(k=st.integers(1, 130))
def test_pages_hold_every_item_once(snapshot: Snapshot, asked: dict[str, Any], k: int) -> None:
    """Also where all scores are equal, as all items of this home became known at once."""
    found = everything(snapshot, k=k, **asked)
    assert ids(found) == ids(page(snapshot, k=200, **asked).items)
    assert len({*ids(found)}) == len(found) > 1
    assert [item.rank for item in found] == [*range(1, len(found) + 1)]


def test_pages_may_differ_in_length(snapshot: Snapshot) -> None:
    first = page(snapshot, k=3)
    assert ids(page(snapshot, k=5, after=first.next).items) == ids(page(snapshot, k=8).items)[3:]


def test_a_cursor_of_another_release_is_refused(snapshot: Snapshot, own_home: Home) -> None:
    later = opened(own_home, publish(own_home)).snapshot
    with pytest.raises(ConfigurationError, match=r"the cursor is of another release; saw '20.*ask again without after"):
        page(later, after=page(snapshot).next)


@pytest.mark.parametrize("after", ["x", "abcd", "====", "é", "x" * 500, "YS9iL2M=", "Lw==", "Ly8="])
def test_what_is_no_cursor_is_refused(snapshot: Snapshot, after: str) -> None:
    with pytest.raises(ConfigurationError, match="after is no cursor"):
        page(snapshot, after=after)


def test_a_damaged_cursor_is_refused(snapshot: Snapshot) -> None:
    good = page(snapshot).next
    assert good is not None
    other = urlsafe_b64encode(urlsafe_b64decode(good).replace(b"/20/", b"/21/")).decode()
    cases = [other, f"{good} ", f" {good}", good[:-5], *(good[:at] + "A" + good[at + 1 :] for at in range(len(good)))]
    for damaged in (case for case in cases if case != good):
        with pytest.raises(ConfigurationError, match=r"no cursor|another release|damaged"):
            page(snapshot, after=damaged)


def test_a_cursor_of_other_parameters_is_refused(snapshot: Snapshot) -> None:
    after = page(snapshot, k=2).next
    for asked in ({"sort": "new"}, {"sort": "trending"}, {"q": "statistics"}, {"category": "Video"}):
        with pytest.raises(ConfigurationError, match="damaged, or of other parameters"):
            page(snapshot, after=after, **asked)


def test_an_item_has_its_likes_and_prerequisites(snapshot: Snapshot) -> None:
    catalogue, likes = snapshot.catalogue, likes_of(snapshot)
    required = 0
    for place, item in enumerate(catalogue.ids):
        found = item_detail(snapshot, item)
        assert (found.item, found.available, found.likes) == (catalogue.item(item), True, likes[item])
        assert found.prerequisites == [
            catalogue.ids[n] for n in np.flatnonzero(catalogue.prerequisites[[place]].todense())
        ]
        required += len(found.prerequisites)
    assert required > 0
    for nobody in (987_654, "x", ""):
        with pytest.raises(NotFound, match="no such item"):
            item_detail(snapshot, nobody)
