"""The two scripts of docker/: passwords are made once, and reach PostgreSQL's clients in a file."""

import stat
import subprocess
from pathlib import Path

import pytest

from tests.docker.files import ROOT, compose

ENTRYPOINT, MAKE_SECRETS = ROOT / "docker/entrypoint.sh", ROOT / "docker/make-secrets.sh"


def enter(folder: Path, *command: str, password: str | None = None) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": "/usr/bin:/bin", "PGPASSFILE": str(folder / "pgpass")}
    if password is not None:
        (folder / "password").write_text(password, encoding="utf-8")
        environment["DATABASE_PASSWORD_FILE"] = str(folder / "password")
    return subprocess.run(
        [ENTRYPOINT, *command], env=environment, capture_output=True, text=True, check=False, cwd=folder
    )


@pytest.mark.parametrize("password", ["0a1b2c", "p@ss/w0rd: 100%'\"$(id)`id`\n"])
def test_the_command_finds_the_password_in_a_file_of_its_own(tmp_path: Path, password: str) -> None:
    done = enter(tmp_path, "env", password=password)
    assert done.returncode == 0
    assert password.strip() not in done.stdout
    written = tmp_path / "pgpass"
    assert written.read_text(encoding="utf-8") == f"*:*:*:*:{password.strip()}\n"
    assert stat.S_IMODE(written.stat().st_mode) == 0o600


def test_the_command_gets_its_words_and_its_exit_code_counts(tmp_path: Path) -> None:
    done = enter(tmp_path, "sh", "-c", 'printf "%s|" "$@"; exit 7', "sh", "a b", "$c")
    assert (done.returncode, done.stdout) == (7, "a b|$c|")
    assert not (tmp_path / "pgpass").exists()


def test_a_password_that_clients_read_differently_is_refused(tmp_path: Path) -> None:
    done = enter(tmp_path, "env", password="back\\slash")
    assert (done.returncode, done.stdout) == (2, "")
    assert "backslash" in done.stderr
    assert "back\\slash" not in done.stderr


def test_a_missing_secret_is_told(tmp_path: Path) -> None:
    environment = {"PATH": "/usr/bin:/bin", "DATABASE_PASSWORD_FILE": str(tmp_path / "none"), "PGPASSFILE": "/dev/null"}
    done = subprocess.run([ENTRYPOINT, "true"], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "none" in done.stderr


def test_passwords_are_made_once(tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    subprocess.run([MAKE_SECRETS, folder], check=True)
    made = {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir()}
    assert set(made) == set(compose()["secrets"])
    assert len(set(made.values())) == len(made)
    assert all(len(password) == 48 and password.isalnum() for password in made.values())
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o444}
    subprocess.run([MAKE_SECRETS, folder], check=True)
    assert {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir()} == made
