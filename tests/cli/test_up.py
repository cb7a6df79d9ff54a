"""What `nightschool up` does before anything is started; the rest is shown by tests/flows/test_deployments.py."""

import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from nightschool.cli.up import (
    Ports,
    answers,
    child_environment,
    mlflow_arguments,
    repository_root,
    require_free_ports,
    serve_until_stopped,
)
from nightschool.errors import ConfigurationError
from nightschool.settings import Settings

PORTS = Ports(prefect=4200, mlflow=5000, page=8000)


class HealthOnly(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/health" else 404)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


@pytest.fixture
def server() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), HealthOnly) as http:
        threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01}).start()
        yield f"http://127.0.0.1:{http.server_port}"
        http.shutdown()


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def test_a_server_answers_with_200_or_not_at_all(server: str) -> None:
    assert answers(f"{server}/health")
    assert not answers(f"{server}/nothing")


def test_a_server_that_takes_long_answers_who_waits() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/health"
        assert not answers(url, 0.05)
        listener.accept()[0].close()

        def answer_late() -> None:
            with listener.accept()[0] as connection:
                time.sleep(0.2)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

        late = threading.Thread(target=answer_late)
        late.start()
        assert answers(url, 30)
        late.join()


def test_nothing_answers_where_nothing_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert not answers(f"http://127.0.0.1:{port}/health")
    require_free_ports({"--port": port})


def test_a_taken_port_is_named_with_its_option(taken: int) -> None:
    with pytest.raises(ConfigurationError, match=f"port {taken} cannot .* choose another with --mlflow-port"):
        require_free_ports({"--port": 65_535, "--mlflow-port": taken})


def test_two_servers_need_two_ports() -> None:
    with pytest.raises(ConfigurationError, match=r"--port and --mlflow-port are the same port"):
        require_free_ports({"--port": 65_535, "--mlflow-port": 65_535})


def test_children_find_the_home_from_any_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    environment = child_environment(Settings(home=Path("mine")), PORTS)
    assert environment["NIGHTSCHOOL_HOME"] == str(tmp_path / "mine")
    assert environment["PREFECT_API_URL"] == "http://127.0.0.1:4200/api"


def test_a_password_of_mlflow_is_no_argument_of_a_process(monkeypatch: pytest.MonkeyPatch) -> None:
    uri = "postgresql+psycopg://nightly:s3cr3t@127.0.0.1/mlflow"
    monkeypatch.setenv("NIGHTSCHOOL_MLFLOW_TRACKING_URI", uri)
    assert child_environment(Settings(), PORTS)["MLFLOW_BACKEND_STORE_URI"] == uri
    assert uri not in mlflow_arguments(Settings(), 5000)
    assert "s3cr3t" not in repr(Settings())


def test_children_do_not_call_home() -> None:
    environment = child_environment(Settings(), PORTS)
    assert environment["PREFECT_SERVER_ANALYTICS_ENABLED"] == "false"
    assert environment["MLFLOW_DISABLE_TELEMETRY"] == "true"


def test_deployments_are_read_from_the_repository() -> None:
    assert (repository_root() / "prefect.yaml").is_file()


def test_a_home_that_was_copied_serves_its_own_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[Path, Path]] = []

    def stop(*files: Path) -> None:
        seen.append((files[0], files[1]))
        raise KeyboardInterrupt

    monkeypatch.setattr("nightschool.cli.up.relocate", stop)
    monkeypatch.setattr("nightschool.cli.up.require_free_ports", lambda _: None)
    with pytest.raises(KeyboardInterrupt):
        serve_until_stopped(PORTS)
    paths = Settings().paths
    assert seen == [(paths.mlflow_database, paths.mlflow_artifacts)]


def test_the_mlflow_server_finds_files_below_any_path(tmp_path: Path) -> None:
    arguments = mlflow_arguments(Settings(home=tmp_path / "what? 学习#"), 5000)
    assert arguments[-1] == (tmp_path.resolve() / "what? 学习#" / "mlartifacts").as_uri()
