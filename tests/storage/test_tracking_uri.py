import os

import pytest

from nightschool.storage.tracking_uri import hand_over_credentials, without_credentials


@pytest.mark.parametrize(
    ("uri", "shown"),
    [
        ("sqlite:////data/a@b?c/mlflow.db", "sqlite:////data/a@b?c/mlflow.db"),
        ("http://127.0.0.1:5000", "http://127.0.0.1:5000"),
        ("https://ada:p@ss/w@host:1/x?token=t", "https://host:1/x"),
        ("postgresql+psycopg://ada:s3cr3t@host/db", "postgresql+psycopg://host/db"),
        ("postgresql://host/db?user=ada&password=s3cr3t", "postgresql://host/db"),
    ],
)
def test_a_shown_uri_holds_no_secret(uri: str, shown: str) -> None:
    assert without_credentials(uri) == shown


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in ("MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD"):
        monkeypatch.setenv(name, "before")
    return monkeypatch


def test_mlflow_finds_a_web_servers_password_in_the_environment(environment: pytest.MonkeyPatch) -> None:
    assert hand_over_credentials("http://ada:s3cr%23t@host:5000/ml") == "http://host:5000/ml"
    assert os.environ["MLFLOW_TRACKING_USERNAME"] == "ada"
    assert os.environ["MLFLOW_TRACKING_PASSWORD"] == "s3cr#t"


@pytest.mark.parametrize("uri", ["sqlite:////data/mlflow.db", "http://host:5000", "postgresql://ada:s3cr3t@host/db"])
def test_other_uris_stay_as_they_are(uri: str, environment: pytest.MonkeyPatch) -> None:
    assert hand_over_credentials(uri) == uri
    assert os.environ["MLFLOW_TRACKING_PASSWORD"] == "before"
