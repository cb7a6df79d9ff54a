"""The command that serves what was published: the API and the page."""

import os
import tempfile
from ipaddress import ip_address
from typing import Annotated, Final

import typer

from nightschool.errors import ConfigurationError

FIGURES: Final = "PROMETHEUS_MULTIPROC_DIR"
"""Names the folder where workers add up their figures; prometheus-client looks for it once, as it is imported."""

_START_SECONDS: Final = 5.0
"""How long starting waits for a database that somebody else keeps."""

_GRACE_SECONDS = 3
"""How long a worker may finish its answers, once the server is told to end."""

Host = Annotated[str, typer.Option(help="The address to listen on; other machines need a key: nightschool keys add.")]
Port = Annotated[int, typer.Option(min=1, max=65_535, help="The port to listen on.")]
Workers = Annotated[int, typer.Option(min=1, max=64, help="Processes that answer; each maps the same release.")]


def serve(host: Host = "127.0.0.1", port: Port = 8000, workers: Workers = 1) -> None:
    """Serve the current release: API, live feedback and the page for people; Ctrl-C ends it."""
    from granian.constants import Interfaces

    from nightschool.cli.up import require_free_ports
    from nightschool.cli.workers import PersistentServer
    from nightschool.settings import Settings
    from serving.rules import load_rules

    load_rules(Settings().paths.rules)
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
    """Nothing; an address that other machines reach is not opened without keys."""
    from nightschool.settings import Settings
    from nightschool.storage.database import open_database
    from nightschool.storage.keys import Keys

    keys = Keys(open_database(Settings().events_address, _START_SECONDS))
    try:
        local = host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        raise ConfigurationError("no such address", seen=host, do="give an IP address, such as 127.0.0.1") from None
    if not local and not keys.any():
        raise ConfigurationError(
            "other machines could read and write without a key", seen=host, do="make one first: nightschool keys add"
        )
