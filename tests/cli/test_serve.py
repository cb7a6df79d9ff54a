"""The server as its operators run it: processes of its own, killed, and served anew while they answer."""

import json
import os
import signal
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from nightschool.application.forget import forget
from nightschool.settings import Settings
from nightschool.storage.database import open_database
from nightschool.storage.events import EventStore
from nightschool.storage.home import Home
from nightschool.storage.keys import Keys
from tests.cli.conftest import Run, require_refusal
from tests.serving.conftest import copied
from tests.serving.homes import make_home, publish, settings_of
from tests.serving.processes import Running, free_port, serving, wait_until

POPULAR = {"components": [{"model": "popularity", "weight": 1}]}


@pytest.fixture(scope="module")
def two_releases(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home that has two releases."""
    home = make_home(tmp_path_factory.mktemp("two") / "home")
    publish(home)
    publish(home, POPULAR)
    return home


@pytest.fixture(scope="module")
def running(two_releases: Home, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Running, Home]]:
    """A server of two workers."""
    home = copied(two_releases, tmp_path_factory.mktemp("running") / "home")
    with serving(home.paths.root, workers=2) as server:
        yield server, home


def fresh(server: Running, path: str) -> httpx.Response:
    """An answer over a new connection, which either worker may take."""
    return httpx.get(server.address + path, timeout=30, verify=False)


def listed(server: Running, user: int) -> dict[str, Any]:
    return dict(fresh(server, f"/v1/users/{user}/recommendations").json())


def is_cold_user(server: Running, user: int) -> bool:
    """Whether a list knows nothing of a user; while a release is being rewritten, 503 may be the answer."""
    answer = fresh(server, f"/v1/users/{user}/recommendations")
    assert answer.status_code in {200, 503}, answer.text
    return answer.status_code == 200 and not answer.json()["known"] and not answer.json()["overlay"]


def test_an_event_is_seen_by_every_worker_within_a_second(running: tuple[Running, Home]) -> None:
    server, _ = running
    for user in range(1, 3):
        gone = listed(server, user)["items"][0]["item_id"]
        event = {"user_id": user, "item_id": gone, "event": "hide"}
        assert httpx.post(f"{server.address}/v1/events", json=event, verify=False).status_code == 201
        time.sleep(1)
        for _ in range(8):
            answer = listed(server, user)
            assert answer["overlay"]
            assert gone not in [item["item_id"] for item in answer["items"]]


def test_figures_of_both_workers_add_up(running: tuple[Running, Home]) -> None:
    server, _ = running

    def asked() -> float:
        lines = fresh(server, "/metrics").text.splitlines()
        return float(next(line for line in lines if line.startswith("nightschool_lists_asked_total ")).split()[1])

    before = asked()
    for user in range(40):
        listed(server, user)
    assert [asked() for _ in range(8)] == [before + 40] * 8


def test_releases_change_under_load_without_a_failed_request(running: tuple[Running, Home]) -> None:
    change_releases(*running, times=4)


@pytest.mark.slow
def test_a_hundred_releases_change_under_load(running: tuple[Running, Home]) -> None:
    change_releases(*running, times=100)


def change_releases(server: Running, home: Home, times: int) -> None:
    """Asserts that each change is served by both workers within seconds, and that no request fails meanwhile."""
    over, statuses, seen = threading.Event(), Counter[int](), set[str]()

    def ask(user: int) -> None:
        while not over.is_set():
            answer = fresh(server, f"/v1/users/{user}/recommendations")
            statuses[answer.status_code] += 1
            assert answer.status_code == 200, answer.text
            seen.add(answer.json()["release_id"])

    ids = [release.release_id for release in home.releases.published()]
    with ThreadPoolExecutor(3) as pool:
        asking = [pool.submit(ask, user) for user in (1, 2, 3)]
        try:
            for turn in range(times):
                current = home.releases.current()
                assert current is not None
                other = next(each for each in ids if each != current.release_id)
                home.releases.rollback(other, f"turn {turn}")
                wait_until(lambda other=other: all(listed(server, 9)["release_id"] == other for _ in range(8)), 30)
        finally:
            over.set()
        for each in asking:
            each.result(60)
    assert set(statuses) == {200}
    assert statuses[200] > times
    assert seen == set(ids)


def test_a_forgotten_persons_list_is_gone_within_seconds(
    running: tuple[Running, Home], monkeypatch: pytest.MonkeyPatch
) -> None:
    server, home = running
    monkeypatch.setenv("NIGHTSCHOOL_HOME", str(home.paths.root))
    user = 20
    event = {"user_id": user, "item_id": listed(server, user)["items"][0]["item_id"], "event": "like"}
    assert httpx.post(f"{server.address}/v1/events", json=event, verify=False).status_code == 201
    forget(home, str(user))
    wait_until(lambda: all(is_cold_user(server, user) for _ in range(8)), 10)
    assert httpx.post(f"{server.address}/v1/events", json=event, verify=False).status_code == 404


def test_the_log_is_json_and_holds_no_address(running: tuple[Running, Home]) -> None:
    server, _ = running
    listed(server, 1)
    time.sleep(0.2)
    lines = [json.loads(line) for line in server.log.read_text().splitlines() if line.startswith("{")]
    requests = [line for line in lines if line["message"] == "request"]
    assert requests
    assert {name for line in requests for name in line} == {
        "at", "level", "message", "request_id", "method", "path", "status", "milliseconds",
    }  # fmt: skip
    assert "127.0.0.1" not in "".join(json.dumps(line) for line in lines)


@pytest.mark.faults
def test_every_acknowledged_event_outlives_a_kill_and_none_is_there_twice(two_releases: Home, tmp_path: Path) -> None:
    home = copied(two_releases, tmp_path / "copy")
    acknowledged: list[str] = []
    port = free_port()

    def send(sender: int) -> None:
        """Sends until the server is gone, then all of it again."""
        for number in range(100_000):
            name = f"{sender}-{number}"
            sent[sender].append(name)
            try:
                address = f"http://127.0.0.1:{port}/v1/events"
                answer = httpx.post(address, json=event(sender, name), timeout=10, verify=False)
            except httpx.TransportError:
                return
            assert answer.status_code == 201
            acknowledged.append(name)

    def event(sender: int, name: str) -> dict[str, Any]:
        return {"user_id": sender + 1, "item_id": 1 + hash(name) % 100, "event": "like", "event_id": name}

    sent: dict[int, list[str]] = {sender: [] for sender in range(4)}
    with serving(home.paths.root, workers=2, port=port) as server, ThreadPoolExecutor(4) as pool:
        sending = [pool.submit(send, sender) for sender in sent]
        wait_until(lambda: len(acknowledged) > 30, 60)
        server.kill()
        for each in sending:
            each.result(30)
    store = EventStore(open_database(settings_of(home).events_address))
    stored = [one.event_id for sender in sent for one in store.of_user(str(sender + 1))]
    assert set(acknowledged) <= set(stored)
    assert len(stored) == len(set(stored))
    with serving(home.paths.root, workers=2) as server:
        for sender, names in sent.items():
            for name in names[-4:]:
                answer = httpx.post(f"{server.address}/v1/events", json=event(sender, name), verify=False)
                assert answer.json()["events"][0]["repeated"] == (name in stored)
    after = [one.event_id for sender in sent for one in store.of_user(str(sender + 1))]
    assert len(after) == len(set(after))
    assert set(after) == set(stored) | {name for names in sent.values() for name in names[-4:]}


def test_a_port_in_use_is_refused(run: Run) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        require_refusal(run("serve", "--port", port), 2, port)


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "::"])
def test_other_machines_need_a_key(run: Run, host: str) -> None:
    require_refusal(run("serve", "--host", host, "--port", free_port()), 2, host, "nightschool keys add")


def test_faulty_rules_are_refused(run: Run, home: Path) -> None:
    home.mkdir()
    (home / "rules.toml").write_text("quota = 0")
    require_refusal(run("serve"), 2, "rules.toml", "quota")


def test_faulty_origins_are_refused(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NIGHTSCHOOL_CORS_ORIGINS", "https://app.example/")
    require_refusal(run("serve"), 2, "NIGHTSCHOOL_CORS_ORIGINS", "https://app.example/")
    monkeypatch.setenv("NIGHTSCHOOL_CORS_ORIGINS", "*")
    require_refusal(run("serve"), 2, "NIGHTSCHOOL_CORS_ORIGINS", "*")


def test_a_name_is_no_address(run: Run) -> None:
    require_refusal(run("serve", "--host", "example.org"), 2, "example.org")


def test_the_server_ends_when_it_is_asked_to(two_releases: Home, tmp_path: Path) -> None:
    home = copied(two_releases, tmp_path / "copy")
    Keys(open_database(Settings(home=home.paths.root).events_address)).add("somebody", "read")
    with serving(home.paths.root, workers=1) as server:
        assert fresh(server, "/v1/releases").status_code == 401
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(20) in {0, -signal.SIGTERM, 143}


def workers_of(server: Running) -> set[int]:
    """The processes of the server that answer requests."""
    workers = set()
    for child in psutil.Process(server.process.pid).children():
        with suppress(psutil.NoSuchProcess):
            if "tracker" not in " ".join(child.cmdline()):
                workers.add(child.pid)
    return workers


def test_the_next_list_knows_of_an_event_whichever_of_two_workers_makes_it(running: tuple[Running, Home]) -> None:
    server, _ = running
    assert still_shown(server, range(41, 81)) == 0


def test_the_next_list_knows_of_an_event_whichever_of_four_workers_makes_it(two_releases: Home, tmp_path: Path) -> None:
    home = copied(two_releases, tmp_path / "copy")
    with serving(home.paths.root, workers=4) as server:
        assert still_shown(server, range(1, 41)) == 0


def test_workers_that_die_are_replaced_however_often(running: tuple[Running, Home]) -> None:
    server, _ = running
    for _ in range(3):
        before = workers_of(server)
        os.kill(max(before), signal.SIGKILL)
        wait_until(lambda before=before: bool(workers_of(server) - before), 20)
    assert server.process.poll() is None
    assert listed(server, 1)["items"]


def still_shown(server: Running, users: Sequence[int]) -> int:
    """Of how many users a list that is asked for right after a hide, over a new connection, still shows the item."""
    shown = 0
    for user in users:
        gone = listed(server, user)["items"][0]["item_id"]
        event = {"user_id": user, "item_id": gone, "event": "hide"}
        assert httpx.post(f"{server.address}/v1/events", json=event, verify=False).status_code == 201
        shown += gone in [item["item_id"] for item in listed(server, user)["items"]]
    return shown
