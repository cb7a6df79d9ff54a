"""Settings of an installation: the home folder and the servers, from NIGHTSCHOOL_* variables."""

from functools import cached_property
from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from nightschool.sqlite import SQLITE, sqlite_address


class Settings(BaseSettings):
    """The folder and the servers of one installation."""

    model_config = SettingsConfigDict(env_prefix="NIGHTSCHOOL_", frozen=True)

    home: Path = Field(default=Path(".nightschool"), description="The folder that holds everything of one dataset.")
    lake: str = Field(
        default="",
        description="The object store that tables, models and served files are kept in, as s3://bucket/prefix "
        "or az://container/prefix; the home is a copy of it then. Empty: the home alone.",
    )
    mlflow_tracking_uri: SecretStr = Field(
        default=SecretStr(""),
        description="MLflow's store; empty: a SQLite file below the home. It may hold a password.",
    )
    events_uri: SecretStr = Field(
        default=SecretStr(""),
        description="The database of events, keys and experiments, sqlite:/// or postgresql://; empty: a SQLite file "
        "below the home. It may hold a password.",
    )
    prefect_page: str = Field(
        default="http://127.0.0.1:4200", description="Address of Prefect's page, for links to runs."
    )
    mlflow_page: str = Field(
        default="http://127.0.0.1:5000", description="Address of MLflow's page, for links to runs."
    )
    page: str = Field(
        default="http://127.0.0.1:8000", description="Address of the web page; runs in Prefect link to it."
    )
    notify: SecretStr = Field(
        default=SecretStr(""),
        description="Who is notified of nights that were refused, failed, missed or recovered: addresses as Apprise "
        "writes them (json://host, mailto://user:password@host), separated by spaces or commas; empty: nobody.",
    )
    heartbeat: SecretStr = Field(
        default=SecretStr(""),
        description="An address that gets one plain GET after each night that ended with exit code 0; a watchdog "
        "service that misses it raises the alarm. Empty: none.",
    )
    webhook: SecretStr = Field(
        default=SecretStr(""),
        description="An address that gets a POST when another release becomes current, also by a rollback; empty: "
        "none. It may hold a password.",
    )
    webhook_secret: SecretStr = Field(
        default=SecretStr(""),
        description="What messages to that address are signed with, as Standard Webhooks writes it (whsec_ and "
        "base64); empty: they are not signed.",
    )
    cors_origins: str = Field(
        default="",
        description="Origins of other sites whose pages may use the API from a browser, with a key of their own: each "
        "exact, as in https://app.example or http://localhost:3000, separated by commas or spaces. Empty: none.",
    )
    block_megabytes: int = Field(default=64, ge=1, description="Memory of one dense block of scores, in MB.")

    @cached_property
    def paths(self) -> "HomePaths":
        """Return the folders and files below the home."""
        return HomePaths(self.home.absolute(), self.lake)

    @property
    def tracking_uri(self) -> str:
        """Return MLflow's tracking URI, password included: the configured one, else SQLite below the home."""
        return self.mlflow_tracking_uri.get_secret_value() or sqlite_address(self.paths.mlflow_database)

    @property
    def events_address(self) -> str:
        """Return the address of the events database, password included: the configured one, else SQLite."""
        return self.events_uri.get_secret_value() or f"{SQLITE}{self.paths.events_database}"


class HomePaths:
    """Every path below one home; no other module spells them.

    Attributes:
        root: The home.
        store: The address of the object store that it is a copy of; empty without one.
        lake: The Delta tables, one folder each.
        encodings: Vectors of texts that encoders have made, one folder an encoder; what is missing is made again.
        nights: Stage records and intermediate files of nights, one folder a run key.
        tries: A record of each try of a night that did not get as far as its tables.
        prefect: The database and logs of the Prefect server of this home.
        serving: What servers map into memory, one folder a release.
        mlflow_database: Runs, figures and registered models.
        mlflow_artifacts: Files of MLflow's runs: plots, tables, the registered model.
        events_database: Events, keys and experiments, where `NIGHTSCHOOL_EVENTS_URI` names no other database.
        rules: Rules of the lists; written by hand, read again when it changes.
        scenarios: The placements of a product; likewise.
        docs: Great Expectations' pages: every rule and what the last night saw. Open `index.html`.
        reports: Pages on releases, and on nights that published none.
        logs: The log of `nightschool up` and of its parts.
        webhook: Which release the webhook was told of last.
        webhook_lock: Held by the process that tells it.
        lock: Held by the night that runs; freed by the kernel when its process ends.
        version: Which version of Nightschool wrote the home last.
        binding: The dataset that the home is bound to, its manifest and its source root.
        erasure: An erasure that has begun and is not finished.
        scratch: Temporary files; may be removed while nothing runs.
        replica: What the object store and the home had in common last.
        replica_lock: Held by who reads or writes that.
        replica_turn: Held while the home changes, or follows the store: what is removed here must not be fetched again.
    """

    def __init__(self, root: Path, store: str = "") -> None:
        self.root = root
        self.store = store
        self.lake = root / "lake"
        self.encodings = root / "encodings"
        self.nights = root / "nights"
        self.tries = root / "tries"
        self.prefect = root / "prefect"
        self.serving = root / "serving"
        self.mlflow_database = root / "mlflow.db"
        self.mlflow_artifacts = root / "mlartifacts"
        self.events_database = root / "events.db"
        self.rules = root / "rules.toml"
        self.scenarios = root / "scenarios.toml"
        self.docs = root / "docs"
        self.reports = root / "reports"
        self.logs = root / "logs"
        self.webhook = root / "webhook.json"
        self.webhook_lock = root / "webhook.lock"
        self.lock = root / "lock"
        self.version = root / "version"
        self.binding = root / "dataset.json"
        self.erasure = root / "erasure.json"
        self.scratch = root / "scratch"
        self.replica = root / "replica.json"
        self.replica_lock = root / "replica.lock"
        self.replica_turn = root / "replica.turn"
