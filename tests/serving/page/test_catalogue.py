"""The catalogue's page over a real release."""

import re
from html import unescape
from urllib.parse import quote

import pytest

from serving.item_pages import item_page
from serving.page.catalogue import Browse
from serving.schemas.catalogue import CatalogueQuery
from tests.serving.client import Api


def shown(text: str) -> list[str]:
    """Ids of the items that a page lists, in order."""
    return re.findall(r'class="what"><a class="title[^"]*" href="/items/([^"]+)"', text)


def ids(api: Api, *filters: str, **asked: str) -> list[str]:
    """Ids of the first page as the API has it."""
    page = item_page(api.snapshot, CatalogueQuery.model_validate(asked), filters=filters)
    return [str(item.item_id) for item in page.items]


def test_items_are_searched_narrowed_and_sorted_by_plain_forms(reading: Api) -> None:
    assert shown(reading.get("/catalogue").text) == ids(reading)
    assert shown(reading.get("/catalogue?q=neural").text) == ids(reading, q="neural")
    assert shown(reading.get("/catalogue?sort=new&q=&filter=&of.domain=").text) == ids(reading, sort="new")
    domain = reading.snapshot.catalogue.frame["domain"][0]
    narrowed = reading.get("/catalogue", params={"of.domain": domain, "of.difficulty": "Beginner", "sort": "popular"})
    assert shown(narrowed.text) == ids(reading, f'domain == "{domain}"', 'difficulty == "Beginner"')
    assert f"<option selected>{domain}</option>" in unescape(narrowed.text)
    skill = reading.snapshot.catalogue.skill_names[0]
    by_skill = reading.get("/catalogue", params={"of.skills": skill, "filter": 'difficulty >= "Intermediate"'})
    assert shown(by_skill.text) == ids(reading, f'"{skill}" in skills', 'difficulty >= "Intermediate"')


def test_more_items_follow_by_the_cursor_and_none_comes_twice(reading: Api) -> None:
    page, found = reading.get("/catalogue?sort=popular").text, list[str]()
    while True:
        found += shown(page)
        more = re.findall(r'href="(/catalogue\?[^"]*after=[^"]+)"', page)
        if not more:
            break
        page = reading.get(unescape(more[0])).text
    assert len(found) == len(set(found)) == item_page(reading.snapshot, CatalogueQuery()).total


def test_htmx_gets_the_items_alone_and_focus_goes_to_the_first_new_one(reading: Api) -> None:
    part = reading.get("/catalogue?q=neural", headers={"hx-request": "true", "hx-target": "found"}).text
    assert "<form" not in part
    assert shown(part) == ids(reading, q="neural")
    after = item_page(reading.snapshot, CatalogueQuery()).next
    more = reading.get(f"/catalogue?after={after}", headers={"hx-request": "true", "hx-target": "more"}).text
    assert more.count(" autofocus") == 1
    assert 'start="21"' in more
    assert 'role="status"' not in more


def test_a_faulty_filter_is_marked_where_it_is_wrong(reading: Api) -> None:
    text = 'difficulty <= "Beginner" and colour == "<b>"'
    page = reading.get("/catalogue", params={"filter": text})
    assert page.status_code == 200
    assert "filter, character 30: there is no such item column" in page.text
    assert "<mark>colour</mark> == &#34;&lt;b&gt;&#34;" in page.text
    assert '<details class="tune" open>' in page.text
    long = reading.get("/catalogue", params={"filter": " or ".join(["a == 1"] * 120)})
    assert "the filter is too long" in long.text


def test_nothing_found_says_what_to_do(reading: Api) -> None:
    assert "No item matches" in reading.get("/catalogue?q=qqqqzzzz").text
    assert "there is no such level" in reading.get("/catalogue?of.difficulty=Expert").text


def test_a_cursor_of_another_release_begins_again(reading: Api) -> None:
    page = reading.get("/catalogue?after=eC8xL3g=").text
    assert shown(page) == ids(reading)
    assert "The catalogue has changed meanwhile" in page


@pytest.mark.parametrize("q", ["<script>alert(1)</script>", "' OR 1=1 --", "%", "\x00", "*" * 600])
def test_any_words_are_only_words(reading: Api, q: str) -> None:
    page = reading.get(f"/catalogue?q={quote(q)}")
    assert page.status_code == 200
    assert "<script>alert" not in page.text


def test_what_is_asked_comes_back_from_its_own_address(reading: Api) -> None:
    browse = Browse("a&b", "new", 'x == "y"', (("domain", "R&D"),))
    facets = reading.snapshot.catalogue.facets
    assert browse.query() == "?q=a%26b&sort=new&filter=x+%3D%3D+%22y%22&of.domain=R%26D"
    assert Browse.of({"q": "a&b", "sort": "new", "filter": 'x == "y"', "of.domain": "R&D"}, facets) == browse
    assert Browse.of({"sort": "odd", "of.colour": "red"}, facets) == Browse()
    assert Browse().query() == ""
