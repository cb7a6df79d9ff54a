"""The page of an item over a real release."""

from collections.abc import Iterator
from dataclasses import replace
from html import unescape

import polars as pl
import pytest

from serving.catalogue import Catalogue
from serving.item_users import item_users
from serving.neighbours import similar_items
from serving.next_items import next_items
from tests.serving.client import Api
from tests.serving.conftest import Served, copied
from tests.serving.page.apps import Pages

ITEM, USER = 32, "14"


@pytest.fixture(scope="module")
def pages(served: Served, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pages]:
    with Api.over(copied(served.home, tmp_path_factory.mktemp("items") / "home")) as api:
        yield Pages(api, USER)


def test_an_item_is_shown_with_what_is_like_it_and_what_follows_it(pages: Pages) -> None:
    page, snapshot = unescape(pages.get("reader", f"/items/{ITEM}").text), pages.api.snapshot
    item = snapshot.catalogue.item(ITEM)
    assert f"<h1><bdi>{item.title}</bdi></h1>" in page
    assert f"<title>{item.title} · Nightschool</title>" in page
    for other in (*similar_items(snapshot, ITEM, 8).items, *next_items(snapshot, ITEM, 6).items):
        assert f'href="/items/{other.item_id}"><bdi>{other.title}</bdi></a>' in page
    for labels in item.labels.values():
        assert f"<bdi>{labels[0]}</bdi></a>" in page


def test_a_text_is_shown_without_the_title_that_it_begins_with(pages: Pages, monkeypatch: pytest.MonkeyPatch) -> None:
    assert 'class="description"' not in pages.get("own", f"/items/{ITEM}").text
    snapshot = pages.api.snapshot
    longer = snapshot.catalogue.frame.with_columns(text=pl.format("{} More <of> it.", "title"))
    changed = replace(snapshot, catalogue=Catalogue(longer, snapshot.catalogue.columns))
    monkeypatch.setattr(type(pages.api.service.current), "snapshot", property(lambda _: changed))
    page = pages.get("own", f"/items/{ITEM}").text
    assert '<p class="description"><bdi>More &lt;of&gt; it.</bdi></p>' in page


def test_attributes_lead_to_the_items_that_share_them(pages: Pages) -> None:
    level = pages.api.snapshot.catalogue.item(ITEM).difficulty
    assert f'href="/catalogue?of.difficulty={level}"' in pages.get("own", f"/items/{ITEM}").text


def test_prerequisites_are_named_and_linked(pages: Pages) -> None:
    catalogue = pages.api.snapshot.catalogue
    place = next(place for place in range(len(catalogue)) if catalogue.prerequisites[[place]].nnz)
    before = catalogue.ids[catalogue.prerequisites[[place]].indices[0]]
    page = pages.get("own", f"/items/{catalogue.ids[place]}").text
    assert "Take before" in page
    assert f'href="/items/{before}"' in page


def test_who_took_it_is_shown_to_those_who_may_read_users_alone(pages: Pages) -> None:
    found = item_users(pages.api.snapshot, pages.api.service.current.erased, ITEM, 12)
    assert found.newest
    page = pages.get("operator", f"/items/{ITEM}").text
    assert f"{found.n_users} learners in this release" in page
    assert all(f'href="/learner/{user.user_id}"' in page for user in found.newest)
    own = pages.get("own", f"/items/{ITEM}").text
    assert "/learner/" not in own
    assert "learners liked it" in own


def test_a_learner_reacts_to_an_item_and_finds_it_in_their_history(pages: Pages) -> None:
    page = pages.get("own", "/me").text
    item_id = page.partition('name="item_id" value="')[2].partition('"')[0]
    assert '<form class="acts" action="/me/events" method="post">' in pages.get("own", f"/items/{item_id}").text
    assert pages.post("own", "/me/events", item_id=item_id, event="complete").status_code == 303
    after = pages.get("own", f"/items/{item_id}").text
    assert "In your history since" in after
    assert 'class="acts"' not in after
    assert f'href="/me?goal={item_id}#path"' in after


@pytest.mark.parametrize("item_id", ["999999", "x", "..%2Fme", "a%2Fb", "%00"])
def test_an_item_that_is_not_there_is_an_error_page(pages: Pages, item_id: str) -> None:
    answer = pages.get("own", f"/items/{item_id}")
    assert answer.status_code == 404
    assert "<h1>Nothing is here</h1>" in answer.text
    assert 'href="/problems/not-found"' in answer.text
    assert f"Request id <code>{answer.headers['x-request-id']}</code>" in answer.text
    assert 'href="/me"' in answer.text
