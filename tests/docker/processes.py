"""Services of compose.yaml as plain processes: their own commands and environment, with other places and ports."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psutil

from nightschool.cli.process_group import GRACE_SECONDS, end
from tests.docker.files import COMPOSE, ROOT, Service, compose, service

_NOT_WRITABLE = "/proc/read-only"
"""Stands for what a container cannot write: nobody can, not even root."""
_PASSED_ON = ("LANG", "OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE", "PYTHONPATH")
_SECONDS = 300.0


class Machine:
    """A folder that stands for the volumes and the containers' own files, and ports that stand for theirs.

    Attributes:
        volumes: One folder for each volume.
        secrets: The secret files.
        logs: What each process prints.
    """

    def __init__(self, folder: Path, ports: Mapping[int, int], source: Path) -> None:
        self.volumes, self.secrets, self.logs = folder / "volumes", folder / "secrets", folder / "logs"
        self._own, self._ports, self._source = folder / "own", dict(ports), source
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self.logs.mkdir(parents=True)
        for volume in compose()["volumes"]:
            (self.volumes / volume).mkdir(parents=True)
        subprocess.run([ROOT / "docker" / "make-secrets.sh", self.secrets], check=True)

    def translate(self, text: str, of: Service) -> str:
        """What a service is told, with this machine's paths, hosts and ports; what it cannot write, nobody can here."""
        places = {
            "/run/secrets": self.secrets,
            "/opt/venv": Path(sys.prefix),
            "/app": ROOT,
            **dict.fromkeys(("/var/lib", "/var/cache", "/tmp"), _NOT_WRITABLE),
            **{path: self._own / of.name / path[1:] for path in of.scratch},
            **{path: self._mounted(source) for path, source in of.mounts.items()},
        }
        words = {**places, "0.0.0.0": "127.0.0.1", **{str(port): here for port, here in self._ports.items()}}
        paths = "|".join(map(re.escape, sorted(places, key=len, reverse=True)))
        hosts, ports = "|".join(compose()["services"]), "|".join(map(str, self._ports))
        pattern = (
            rf"(?<![\w/.-])(?:{paths})(?=[/\s:'\"]|$)|(?<![\w.])(?:{hosts})(?=:\d)|0\.0\.0\.0|(?<!\d)(?:{ports})(?!\d)"
        )
        return re.sub(pattern, lambda found: str(words.get(found[0], "127.0.0.1")), text)

    def environment(self, of: Service) -> dict[str, str]:
        """All that a service's processes find in their environment.

        What was compiled beside the code is used again, which saves a minute, where containers have a volume for it.
        """
        told = {name: self.translate(value, of) for name, value in of.environment.items() if name != "NUMBA_CACHE_DIR"}
        path = told.get("PATH", "$PATH").replace("$PATH", os.environ["PATH"])
        return {**{name: os.environ[name] for name in _PASSED_ON if name in os.environ}, **told, "PATH": path}

    def start(self, name: str) -> None:
        """Starts a service as soon as what it needs is healthy."""
        of = service(name)
        for needed in of.needs:
            self.until_healthy(needed)
        for path in of.scratch:
            Path(self.translate(path, of)).mkdir(parents=True, exist_ok=True)
        self._running[name] = self._spawn(of, [*of.command], name)

    def run(self, name: str, *command: str, seconds: float = _SECONDS) -> str:
        """What a command prints that is run in a container of a service, as `docker compose exec` runs it."""
        log = f"{name}-{time.monotonic_ns()}"
        return self._finish(self._spawn(service(name), list(command), log), log, seconds)

    def finish(self, name: str, seconds: float = _SECONDS) -> str:
        """What a service printed that ends by itself."""
        return self._finish(self._running.pop(name), name, seconds)

    def until_healthy(self, name: str) -> None:
        """Returns when a service's own health check passes."""
        of = service(name)
        deadline = time.monotonic() + _SECONDS
        while not self.is_healthy(of):
            process = self._running.get(name)
            assert process is None or process.poll() is None, f"{name} ended: {self.log(name)}"
            assert time.monotonic() < deadline, f"{name} was not healthy within {_SECONDS:.0f} s: {self.log(name)}"
            time.sleep(1)

    def is_healthy(self, of: Service) -> bool:
        """Whether a service's health check passes now."""
        words = [self.translate(word, of) for word in of.health]
        done = subprocess.run(words, env=self.environment(of), capture_output=True, check=False, timeout=30)
        return done.returncode == 0

    def log(self, name: str) -> str:
        """What a process printed."""
        path = self.logs / f"{name}.log"
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""

    def told_to_processes(self) -> Iterator[str]:
        """Arguments and environment of every process that runs now, and of its descendants."""
        for process in self._running.values():
            leader = psutil.Process(process.pid)
            for member in (leader, *leader.children(recursive=True)):
                yield "\n".join([*member.cmdline(), *member.environ().values()])

    def stop(self) -> None:
        """Ends all services, the last one first, as `docker stop` does: asks the first process, then kills them all."""
        for process in reversed(self._running.values()):
            leader = psutil.Process(process.pid)
            family = [leader, *leader.children(recursive=True)]
            process.terminate()
            _, alive = psutil.wait_procs(family, timeout=GRACE_SECONDS)
            for member in alive:
                member.kill()
            process.wait()
        self._running.clear()

    def _spawn(self, of: Service, command: list[str], log: str) -> subprocess.Popen[bytes]:
        words = [self.translate(word, of) for word in command]
        if words[0] == "entrypoint.sh":
            words[0] = str(COMPOSE.with_name("entrypoint.sh"))
        with (self.logs / f"{log}.log").open("wb") as out:
            return subprocess.Popen(
                words,
                cwd=ROOT,
                env=self.environment(of),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def _finish(self, process: subprocess.Popen[bytes], log: str, seconds: float) -> str:
        try:
            code = process.wait(seconds)
        finally:
            end(process, GRACE_SECONDS)
        assert code == 0, f"{process.args} ended with {code}: {self.log(log)}"
        return self.log(log)

    def _mounted(self, source: str) -> Path:
        if source.startswith("$"):
            return self._source
        return (COMPOSE.parent / source) if source.startswith(".") else self.volumes / source


@contextmanager
def machine(folder: Path, ports: Mapping[int, int], source: Path) -> Iterator[Machine]:
    """A machine whose services are ended afterwards, whatever happened."""
    made = Machine(folder, ports, source)
    try:
        yield made
    finally:
        made.stop()
