import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from nightschool.settings import Settings
from nightschool.storage.database import open_database
from nightschool.storage.keys import Keys, hash_of
from tests.serving.fakes import FakeService
from tests.serving.page.apps import page_over
from tests.serving.page.operators import noted
from tests.serving.server import client_of


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    return Keys(open_database(Settings(home=tmp_path).events_address))


@pytest.fixture
def client(tmp_path: Path, keys: Keys) -> Iterator[httpx.Client]:
    held = {"ops": "operate", "reader": "read", "sender": "events"}
    with client_of(page_over(FakeService(), tmp_path, held)) as client:
        client.headers["authorization"] = "Bearer ops"
        yield client


def test_a_key_is_shown_once_and_kept_nowhere(client: httpx.Client, keys: Keys, tmp_path: Path) -> None:
    keys.add("ops", "operate")
    asked = {"name": "platform <x>", "role": "events", "user": "", "per_second": "50"}
    answer = client.post("/operator/keys", data=asked)
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    found = re.search(r'<code class="key">([^<]+)</code>', answer.text)
    assert found is not None
    known = keys.by_hash()[0][hash_of(found[1])]
    assert (known.name, known.role, known.user_id, known.per_second) == ("platform <x>", "events", None, 50.0)
    page = client.get("/operator/keys").text
    assert found[1] not in page
    assert "<bdi>platform &lt;x&gt;</bdi>" in page
    assert noted(tmp_path) == [("ops", "key_added", "platform <x>")]
    for file in tmp_path.glob("events.db*"):
        assert found[1].encode() not in file.read_bytes()


def test_keys_are_listed_with_what_is_known_of_them(client: httpx.Client, keys: Keys) -> None:
    keys.add("browser", "read", "14")
    keys.note_use({"browser": datetime(2026, 5, 1, 12, 30, tzinfo=UTC)})
    page = client.get("/operator/keys").text
    row = page[page.index("<bdi>browser</bdi>") :].partition("</tr>")[0]
    assert re.findall(r'data-of="([^"]+)"[^>]*>(?:<bdi>)?([^<]+)', row) == [
        ("Role", "read"),
        ("For", "14"),
        ("A second", "10"),
        ("Added, UTC", f"{keys.list()[0].added_at:%-d %b %Y, %H:%M}"),
        ("Last used, UTC", "1 May 2026, 12:30"),
    ]


def test_a_revocation_is_confirmed(client: httpx.Client, keys: Keys, tmp_path: Path) -> None:
    for name in ("ops", "other"):
        keys.add(name, "operate")
    assert "you will be signed out" in client.get("/operator/keys/revoke?name=ops").text
    assert "you will be signed out" not in client.get("/operator/keys/revoke?name=other").text
    done = client.post("/operator/keys/revoke", data={"name": "other"})
    assert (done.status_code, done.headers["location"]) == (303, "/operator/keys?just=other")
    assert "The key other is revoked." in client.get(done.headers["location"]).text
    assert [key.name for key in keys.list()] == ["ops"]
    assert client.post("/operator/keys/revoke", data={"name": "other"}).status_code == 404
    assert noted(tmp_path) == [("ops", "key_revoked", "other")]


def test_the_last_key_that_operates_stays(client: httpx.Client, keys: Keys) -> None:
    keys.add("ops", "operate")
    keys.add("platform", "events")
    refused = client.post("/operator/keys/revoke", data={"name": "ops"})
    assert "the last key that operates" in refused.text
    assert refused.status_code in {400, 409}
    assert len(keys.list()) == 2


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"name": " ", "role": "operate"}, "a key needs a name"),
        ({"name": "x", "role": "read"}, "the first key has to open this page"),
        ({"name": "x", "role": "operate", "per_second": "0"}, "no such rate"),
        ({"name": "x", "role": "operate", "per_second": "many"}, "no such rate"),
        ({"name": "x", "role": "operate", "per_second": "nan"}, "no such rate"),
        ({"name": "x", "role": "operate", "user": "14"}, "a key for one user cannot operate"),
        ({"name": "x", "role": "admin"}, "role"),
    ],
)
def test_what_can_be_no_key_is_refused(client: httpx.Client, keys: Keys, asked: dict[str, str], told: str) -> None:
    answer = client.post("/operator/keys", data=asked)
    assert answer.status_code in {400, 409, 422}
    assert told in answer.text
    assert keys.list() == ()


@pytest.mark.parametrize("key", ["reader", "sender"])
def test_no_other_key_sees_or_changes_keys(client: httpx.Client, keys: Keys, key: str) -> None:
    headers = {"authorization": f"Bearer {key}"}
    assert client.get("/operator/keys", headers=headers).status_code == 403
    assert client.get("/operator/keys/revoke?name=ops", headers=headers).status_code == 403
    asked = {"name": "mine", "role": "operate"}
    assert client.post("/operator/keys", data=asked, headers=headers).status_code == 403
    assert client.post("/operator/keys/revoke", data={"name": "ops"}, headers=headers).status_code == 403
    assert keys.list() == ()
    assert "/operator/keys" not in client.get("/operator/holds", headers=headers).text


def test_no_page_of_another_site_adds_a_key(client: httpx.Client, keys: Keys) -> None:
    asked = {"name": "mine", "role": "operate"}
    assert client.post("/operator/keys", data=asked, headers={"sec-fetch-site": "cross-site"}).status_code == 403
    assert keys.list() == ()
