"""compose.yaml against the Compose Specification, and against the rules of this house."""

import json
import re
import tomllib
from typing import Any

import pytest
from jsonschema.validators import validator_for

from nightschool.cli.up import POOL
from nightschool.settings import Settings
from tests.docker.files import COMPOSE, ROOT, compose, image, service

FILE = compose()
SERVICES: dict[str, dict[str, Any]] = FILE["services"]
ENDS_BY_ITSELF = {"deployments": "deploys prefect.yaml and ends"}
"""Services without a health check, and why."""
each = pytest.mark.parametrize("name", SERVICES)


def test_it_is_a_compose_file() -> None:
    """The schema is https://github.com/compose-spec/compose-spec/blob/main/schema/compose-spec.json (Apache-2.0).

    Taken unchanged from check-jsonschema 0.39.0; LICENSE.compose-spec beside it.
    """
    schema = json.loads((ROOT / "tests/docker/compose-spec.json").read_text(encoding="utf-8"))
    validator = validator_for(schema)
    validator.check_schema(schema)
    assert [error.message for error in validator(schema).iter_errors(FILE)] == []
    assert list(validator(schema).iter_errors(FILE | {"service": {}}))


def test_the_services_are_those_of_the_issue() -> None:
    assert set(SERVICES) == {"postgres", "prefect", "mlflow", "worker", "deployments", "api"}


@each
def test_an_image_is_pinned_or_made_here(name: str) -> None:
    repository, _, version = SERVICES[name]["image"].partition(":")
    if "build" not in SERVICES[name]:
        assert re.fullmatch(r"\d+\.\d+-[a-z]+", version)
        return
    build = SERVICES[name]["build"]
    assert (COMPOSE.parent / build["context"]).resolve() == ROOT
    assert (ROOT / build["dockerfile"]).is_file()
    assert image(build["target"]).command
    assert repository == f"nightschool-{build['target']}"
    assert version == tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    # Nobody else's image of that name is ever fetched.
    assert SERVICES[name]["pull_policy"] == "build"


@each
def test_a_service_is_asked_for_its_health(name: str) -> None:
    assert bool(service(name).health) != (name in ENDS_BY_ITSELF)


@each
def test_no_password_is_in_the_environment(name: str) -> None:
    for variable, value in SERVICES[name].get("environment", {}).items():
        assert isinstance(value, str), f"{variable} is no text: YAML has its own idea of it"
        if re.search(r"PASSWORD|SECRET|TOKEN|KEY", variable):
            assert re.fullmatch(r"/run/secrets/[a-z_]+", value), variable
        assert not re.search(r"//[^/]*:[^/]*@", value), variable
        assert "$" not in value


@each
def test_a_secret_that_is_named_is_given_and_given_only_where_it_is_read(name: str) -> None:
    given = set(SERVICES[name].get("secrets", []))
    init = (ROOT / "docker/postgres/databases.sql").read_text(encoding="utf-8") if name == "postgres" else ""
    named = re.findall(r"/run/secrets/([a-z_]+)", " ".join(service(name).environment.values()) + init)
    assert set(named) == given


def test_every_secret_is_a_file_that_nobody_commits() -> None:
    used = {secret for told in SERVICES.values() for secret in told.get("secrets", [])}
    assert set(FILE["secrets"]) == used
    assert all(list(told) == ["file"] for told in FILE["secrets"].values())
    folders = {(COMPOSE.parent / told["file"]).resolve().parent for told in FILE["secrets"].values()}
    assert folders == {ROOT / "docker/secrets"}
    assert "docker/secrets/" in (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert not list((ROOT / "docker").rglob(".env"))


def test_every_volume_is_declared_and_used() -> None:
    used = {
        volume for name in SERVICES for volume in service(name).mounts.values() if not volume.startswith((".", "$"))
    }
    assert used == set(FILE["volumes"])


@each
def test_a_mount_lies_where_the_service_writes(name: str) -> None:
    """Everything else is read-only: a path of the environment below /var must be a volume's."""
    known = service(name)
    written = re.findall(r"/var/(?:lib|cache)/[a-z]+", " ".join([*known.environment.values(), *known.command]))
    # The image's own home is named everywhere, and mounted where it is needed.
    assert set(written) - {"/var/lib/nightschool"} <= set(known.mounts)


def test_what_is_mounted_from_the_host_cannot_be_written() -> None:
    volumes = [volume for told in SERVICES.values() for volume in told.get("volumes", [])]
    from_the_host = [volume for volume in volumes if volume.startswith((".", "/", "$"))]
    assert all(volume.endswith(":ro") for volume in from_the_host)
    assert all((COMPOSE.parent / volume.split(":")[0]).exists() for volume in from_the_host if volume.startswith("."))
    assert "home:/var/lib/nightschool:ro" in SERVICES["api"]["volumes"]


@each
def test_a_port_is_open_to_this_machine_only(name: str) -> None:
    for port in SERVICES[name].get("ports", []):
        assert re.fullmatch(r"127\.0\.0\.1:(\d+):\1", port)
    assert SERVICES[name].get("network_mode") is None


@each
def test_a_service_waits_until_what_it_needs_is_healthy(name: str) -> None:
    known = service(name)
    assert set(known.needs.values()) <= {"service_healthy"}
    hosts = re.findall(r"(?<=[/@])(" + "|".join(SERVICES) + r")(?=:\d)", " ".join(known.environment.values()))
    assert set(hosts) <= set(known.needs)
    assert all(service(needed).health for needed in known.needs)


@each
def test_a_service_meets_what_it_needs_on_a_network(name: str) -> None:
    networks = set(SERVICES[name]["networks"])
    assert networks <= set(FILE["networks"])
    for needed in service(name).needs:
        assert networks & set(SERVICES[needed]["networks"]) or needed not in str(service(name).environment)


def test_the_database_is_on_no_other_network() -> None:
    assert SERVICES["postgres"]["networks"] == ["database"]
    assert FILE["networks"]["database"]["internal"] is True
    assert "ports" not in SERVICES["postgres"]


@each
def test_a_service_can_do_as_little_as_possible(name: str) -> None:
    told = SERVICES[name]
    assert told["read_only"] is True
    assert told["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in told["security_opt"]
    assert not {"cap_add", "privileged", "devices", "pid", "ipc"} & set(told)
    assert told.get("user", "10001") not in {"0", "root"}
    assert "/tmp" in service(name).scratch


@each
def test_a_service_comes_back(name: str) -> None:
    assert SERVICES[name]["restart"] == ("on-failure:5" if name in ENDS_BY_ITSELF else "unless-stopped")
    assert SERVICES[name]["logging"]["driver"] == "local"


def test_our_own_settings_are_spelled_as_settings_py_spells_them() -> None:
    names = {
        variable for name in SERVICES for variable in service(name).environment if variable.startswith("NIGHTSCHOOL_")
    }
    assert names <= {f"NIGHTSCHOOL_{field}".upper() for field in Settings.model_fields}
    assert {"NIGHTSCHOOL_HOME", "NIGHTSCHOOL_EVENTS_URI", "NIGHTSCHOOL_MLFLOW_TRACKING_URI"} <= names


def test_the_traps_of_the_servers_are_avoided() -> None:
    prefect, mlflow, worker = service("prefect"), service("mlflow"), service("worker")
    assert prefect.environment["PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE"].endswith(".filesystem")
    assert prefect.environment["PREFECT_HOME"] in prefect.mounts
    assert mlflow.environment["MLFLOW_SERVER_ENABLE_JOB_EXECUTION"] == "false"
    asked = worker.environment["NIGHTSCHOOL_MLFLOW_TRACKING_URI"].removeprefix("http://")
    allowed = next(word for word in mlflow.command if word.startswith("--allowed-hosts=")).partition("=")[2].split(",")
    assert asked in allowed
    assert SERVICES["mlflow"]["ports"][0].rpartition(":")[0] in allowed
    assert worker.command[worker.command.index("--pool") + 1] == POOL
