"""The command that serves what was published: the API and the page."""

import os
import tempfile
from ipaddress import ip_address
from typing import Annotated, Final

import typer

from nightschool.errors import ConfigurationError

FIGURES: Final = "PROMETHEUS_MULTIPROC_DIR"
"""The variable that names the folder of the workers' metrics; prometheus-client reads it when it is imported."""

_START_SECONDS: Final = 5.0
"""How long the start waits for a database server."""

_GRACE_SECONDS = 3
"""How long a worker may finish its responses when the server ends."""

Host = Annotated[str, typer.Option(help="The IP address to listen on; requests of other machines need an API key.")]
Port = Annotated[int, typer.Option(min=1, max=65_535, help="The port to listen on.")]
Workers = Annotated[
    int, typer.Option(min=1, max=64, help="Number of worker processes; they share the release in memory.")
]


def serve(host: Host = "127.0.0.1", port: Port = 8000, workers: Workers = 1) -> None:
    """Serve the current release: API, live feedback and web page; Ctrl-C ends it."""
    from granian.constants import Interfaces

    from nightschool.cli.up import require_free_ports
    from nightschool.cli.workers import PersistentServer
    from nightschool.settings import Settings
    from serving.cors import parse_origins
    from serving.rules import load_rules

    settings = Settings()
    load_rules(settings.paths.rules)
    parse_origins(settings.cors_origins)
    _require_keys(host)
    require_free_ports({"--port": port}, host)
    with tempfile.TemporaryDirectory(prefix="nightschool-metrics-") as figures:
        if workers > 1:
            os.environ[FIGURES] = figures
        typer.echo(f"Nightschool is served at http://{host}:{port}; Ctrl-C ends it", err=True)
        PersistentServer(
            "serving.app:create",
            factory=True,
            interface=Interfaces.ASGI,
            address=host,
            port=port,
            workers=workers,
            websockets=False,
            respawn_failed_workers=True,
            workers_kill_timeout=_GRACE_SECONDS,
        ).serve()


def _require_keys(host: str) -> None:
    """Raise ConfigurationError if other machines can reach the address and there is no API key."""
    from nightschool.settings import Settings
    from nightschool.storage.database import open_database
    from nightschool.storage.keys import Keys

    keys = Keys(open_database(Settings().events_address, _START_SECONDS))
    try:
        local = host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        raise ConfigurationError("--host is not an IP address", seen=host, do="give one, such as 127.0.0.1") from None
    if not local and not keys.any():
        raise ConfigurationError(
            "other machines could read and write without a key", seen=host, do="run `nightschool keys add` first"
        )
