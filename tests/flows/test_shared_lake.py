"""Machines that share a lake in a real S3 server (moto's): each has a home and processes of its own."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from nightschool.storage.lease import LEASE
from nightschool.storage.store import Store
from tests.cli.conftest import NIGHT, Outcome, source, spawn
from tests.storage.stores import make_bucket, s3_server

Machine = Callable[..., Outcome]
__all__ = ["source"]  # the fixture
ASSIGNMENTS = [part for assignment in NIGHT for part in ("--set", assignment)]


@pytest.fixture(scope="module")
def server() -> Iterator[dict[str, str]]:
    with s3_server() as variables:
        yield variables


@pytest.fixture
def lake(server: dict[str, str], request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """An empty bucket, which this process finds too."""
    for name, value in server.items():
        monkeypatch.setenv(name, value)
    bucket = f"shelf-{abs(hash(request.node.name))}"
    make_bucket(bucket)
    return f"s3://{bucket}/nightschool"


@pytest.fixture
def machines(lake: str, tmp_path: Path) -> tuple[Machine, Machine]:
    """The command line on two machines."""

    def machine(name: str) -> Machine:
        home = tmp_path / name
        settings = {"NIGHTSCHOOL_HOME": str(home), "NIGHTSCHOOL_LAKE": lake, "PREFECT_HOME": str(home / "prefect")}
        return lambda *arguments: spawn(*arguments, **settings)

    return machine("one"), machine("two")


def night(machine: Machine, source: Path, *more: str) -> Outcome:
    return machine("retrain", "--dataset", "learning", "--source-root", source, "--json", *ASSIGNMENTS, *more)


def test_a_night_of_one_machine_is_gone_on_from_by_another(
    machines: tuple[Machine, Machine], source: Path, lake: str
) -> None:
    one, two = machines
    first = night(one, source)
    assert first.code == 0, first.err
    release_id = first.document["release_id"]
    assert [entry["id"] for entry in two("releases", "list", "--json").document] == [release_id]
    assert two("recommend", "--user", 3, "--json").document["release_id"] == release_id
    repeated = night(two, source)
    assert (repeated.code, repeated.document["status"]) == (0, "already published")
    assert one("forget", "--user", "3", "--yes").code == 0
    assert two("releases", "verify", release_id, "--json").document["state"] == "erased"
    store = Store.at(lake)
    assert {name.split("/")[0] for name in store.entries()} >= {"lake", "serving", "mlartifacts", "dataset.json"}


def test_a_night_waits_for_that_of_another_machine(machines: tuple[Machine, Machine], source: Path, lake: str) -> None:
    one, _ = machines
    store = Store.at(lake)
    until = (store.now()).replace(year=2999).isoformat()
    store.put(LEASE, json.dumps({"token": 1, "until": until, "holder": "machine two, process 7"}).encode())
    refused = night(one, source)
    assert refused.code == 6
    assert "is held; saw 'machine two, process 7" in refused.err
    assert not store.entries("lake")


@pytest.mark.slow
def test_a_killed_night_leaves_the_old_release_and_another_machine_goes_on(
    machines: tuple[Machine, Machine], source: Path, lake: str, tmp_path: Path
) -> None:
    one, two = machines
    first = night(one, source).document["release_id"]
    settings = {"NIGHTSCHOOL_HOME": str(tmp_path / "one"), "NIGHTSCHOOL_LAKE": lake}
    command = [sys.executable, "-c", "from nightschool.cli import main; main()", "retrain", "--force", *ASSIGNMENTS]
    victim = subprocess.Popen(
        command,
        env={**os.environ, **settings, "PREFECT_HOME": str(tmp_path / "one" / "prefect")},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    _wait_for(lambda: list((tmp_path / "one" / "nights").glob("*/refit*")), victim)
    os.killpg(victim.pid, signal.SIGKILL)
    victim.wait()
    assert two("releases", "list", "--json").document[-1]["id"] == first
    busy = night(two, source, "--force")
    assert busy.code == 6, busy.err
    # Nobody renews it any more: it runs out.
    store = Store.at(lake)
    held = store.read(LEASE)
    assert held is not None
    store.put(LEASE, json.dumps({**json.loads(held[0]), "until": store.now().isoformat()}).encode())
    second = night(two, source, "--force")
    assert second.code == 0, second.err
    resumed = one("retrain", "--json", *ASSIGNMENTS)
    assert resumed.code == 0, resumed.err
    assert two("recommend", "--user", 3, "--json").code == 0


@pytest.mark.parametrize(
    ("address", "code", "told"),
    [("s3://no-such-bucket/x", 7, "it is not there"), ("ftp://somewhere", 2, "no store can be opened there")],
)
def test_a_lake_that_cannot_be_used_is_told(
    server: dict[str, str], tmp_path: Path, source: Path, address: str, code: int, told: str
) -> None:
    settings = {**server, "NIGHTSCHOOL_HOME": str(tmp_path / "home"), "NIGHTSCHOOL_LAKE": address}
    refused = spawn("ingest", "--dataset", "learning", "--source-root", source, **settings)
    assert refused.code == code, refused.err
    assert told in refused.err
    assert server["AWS_SECRET_ACCESS_KEY"] not in refused.err.replace("tests", "")


def _wait_for(there: Callable[[], object], process: subprocess.Popen[bytes]) -> None:
    ends = time.monotonic() + 120
    while not there():
        assert process.poll() is None, "the night ended by itself"
        assert time.monotonic() < ends
        time.sleep(0.05)
