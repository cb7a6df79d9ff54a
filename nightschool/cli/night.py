"""Commands that simulate data, ingest, run nights and evaluate models."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

import typer

from nightschool.cli import show
from nightschool.errors import Busy, ConfigurationError
from nightschool.imports import importing

Dataset = Annotated[
    str | None,
    typer.Option("--dataset", help="Name of a shipped dataset or path of a manifest; needed for a new home only."),
]
SourceRoot = Annotated[
    Path | None, typer.Option("--source-root", help="The folder of the manifest's files; the home remembers it.")
]
Assignments = Annotated[
    list[str] | None,
    typer.Option(
        "--set", help="Override a value of the configuration, as k=20, tune=now or ease.l2=300; may be repeated."
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of tables.")]


def simulate(
    out: Annotated[Path, typer.Option(help="The folder to write users.csv, content.csv and engagements.csv to.")],
    users: Annotated[int, typer.Option(min=1, help="Number of users.")] = 5_000,
    items: Annotated[int, typer.Option(min=1, help="Number of items.")] = 1_000,
    interactions: Annotated[int, typer.Option(min=1, help="Number of interactions.")] = 150_000,
    mode: Annotated[
        str, typer.Option(help="latent: users have planted preferences; independent: they have none.")
    ] = "latent",
    seed: Annotated[int, typer.Option(min=0, help="Seed of the random numbers.")] = 42,
    days: Annotated[int, typer.Option(min=1, help="Length of the simulated period in days; its end is fixed.")] = 365,
    ordered: Annotated[
        float, typer.Option(help="Share of users who take the items of a topic in its planted order.")
    ] = 0.0,
    devices: Annotated[
        bool, typer.Option("--devices", help="Engagements say on which device; read them as learning-devices.")
    ] = False,
    damage: Annotated[
        float, typer.Option(help="Share of rows to damage in each file, up to 0.5; damage.parquet lists them.")
    ] = 0.0,
    live: Annotated[
        bool,
        typer.Option(
            "--live", help="Then play days and nights in the home: people see what is served and choose by the truth."
        ),
    ] = False,
    nights: Annotated[int, typer.Option(min=1, help="How many days, each with its night, --live plays.")] = 7,
    visits: Annotated[int, typer.Option(min=1, help="People who come on a day of --live.")] = 300,
    new_items: Annotated[
        float, typer.Option(min=0, max=0.9, help="Share of the items that come in during --live.")
    ] = 0.1,
    assignments: Assignments = None,
    as_json: Json = False,
) -> None:
    """Simulate a learning platform: write users.csv, content.csv and engagements.csv.

    With --live, play it: people see what the home's service shows them and choose by the planted truth, the service is
    told, and each night learns from it.
    """
    from nightschool.simulator.config import SimulatorConfig
    from nightschool.simulator.simulate import simulate as write

    size = {"users": users, "items": items, "interactions": interactions, "days": days}
    form = {"mode": mode, "seed": seed, "ordered": ordered, "devices": devices, "damage": damage}
    config = SimulatorConfig.model_validate({**size, **form})
    if live:
        from nightschool.cli.live import Length, play_live
        from nightschool.night.config import NightConfig

        played = Length(nights, visits, new_items)
        play_live(config, out, played, NightConfig.load(None, assignments or []), as_json=as_json)
        return
    report = write(config, out)
    if as_json:
        show.show_json(report.model_dump(mode="json"))
        return
    counts = f"{report.users:,} users, {report.items:,} items, {report.interactions:,} engagements"
    damaged = f", {report.damaged:,} rows damaged" if damage else ""
    show.console.print(f"Simulated {counts} ({report.mode}){damaged} in {out}")


def ingest(dataset: Dataset = None, source_root: SourceRoot = None, as_json: Json = False) -> None:
    """Ingest source rows into the tables, each exactly once."""
    from nightschool.application.bind_home import bind_home
    from nightschool.application.sources import ingest_sources
    from nightschool.settings import Settings
    from nightschool.storage.erasure_log import unfinished
    from nightschool.storage.turn import home_turn

    paths = Settings().paths
    with home_turn(paths):
        home = bind_home(dataset, source_root)
        if unfinished(paths.erasure) is not None:
            # It loads the models.
            from nightschool.application.forget import finish_erasure

            finish_erasure(home)
        report = ingest_sources(home, None)
    if as_json:
        show.show_json(report.to_dict())
        for warning in report.warnings:
            typer.echo(f"Note: {show.printable(warning)}.", err=True)
        return
    show.show_rows_in(report.to_dict())
    for warning in report.warnings:
        show.console.print(f"Note: {show.printable(warning)}.", soft_wrap=True)


def retrain(
    dataset: Dataset = None,
    source_root: SourceRoot = None,
    as_of: Annotated[
        str | None,
        typer.Option(help="T, as 2026-03-01T02:00: use only data known at that time, UTC; now when left out."),
    ] = None,
    config: Annotated[Path | None, typer.Option(help="A TOML file with the configuration of the night.")] = None,
    assignments: Assignments = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Do everything except publish.")] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Run again even if the same night has been decided already.")
    ] = False,
    make_current: Annotated[
        bool,
        typer.Option(
            "--make-current", help="Make the release current even if its T is before that of the current release."
        ),
    ] = False,
    as_json: Json = False,
) -> None:
    """Run the whole night: ingest, validate, select, prove, refit, recommend, publish."""
    from nightschool.cli.environment import prepare_flow_run

    with prepare_flow_run() as server:
        with importing():
            from nightschool.application.bind_home import bind_home
            from nightschool.night.config import NightConfig
            from nightschool.settings import Settings
            from nightschool.storage.turn import home_turn

        instant = parse_instant(as_of)
        settings = NightConfig.load(config, assignments or [])
        try:
            with home_turn(Settings().paths):
                # The night does this too; but wrong usage should be reported before Prefect's server has started.
                bind_home(dataset, source_root)
        except Busy as busy:
            from nightschool.application.attempt import leave_rows_of

            leave_rows_of(busy, instant)
            raise
        server.start()
        with importing():
            from flows.retrain import retrain as run_night
    server.wait()
    report = run_night(
        dataset=dataset,
        source_root=source_root,
        as_of=instant,
        config=settings,
        force=force,
        dry_run=dry_run,
        make_current=make_current,
    )
    show.show_json(report) if as_json else show.show_night(report)


def evaluate(
    models: Annotated[str, typer.Option(help="Names of models, separated by commas.")] = "dlae,ials,gfcf,content",
    dataset: Annotated[str | None, typer.Option(help="Name of the dataset that the home must hold.")] = None,
    protocol: Annotated[
        str,
        typer.Option(
            help="How the test is split off: temporal; temporal-user: each user's own last part, for few users; "
            "leave-one-out: each user's last item; next-session: their last session; leave-users, leave-items: cold "
            "start; k-fold: rating models."
        ),
    ] = "temporal",
    k: Annotated[
        int, typer.Option("-k", "--k", min=1, help="Length of the lists, and k of the metric that decides.")
    ] = 10,
    relevant: Annotated[
        str, typer.Option(help="Which held-out pairs count as relevant: all, or those that the manifest defines.")
    ] = "manifest",
    release: Annotated[str | None, typer.Option(help="Evaluate the lists of this release instead of models.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the random numbers.")] = 42,
    session_minutes: Annotated[
        float, typer.Option(min=0.0, help="Minutes between two events that end a session, for next-session.")
    ] = 30.0,
    assignments: Assignments = None,
    as_json: Json = False,
) -> None:
    """Compare models on a held-out test of the ingested data, with intervals; publish nothing."""
    from nightschool.application.cold_start import evaluate_cold_start
    from nightschool.application.evaluate import Offline, evaluate_models, evaluate_release
    from nightschool.application.home import open_home
    from nightschool.data.splits.cold_start import PROTOCOLS as COLD_START
    from nightschool.night.config import NightConfig

    if relevant not in {"all", "manifest"}:
        raise ConfigurationError("--relevant has no such value", seen=relevant, do="use all or manifest")
    names = tuple(name.strip() for name in models.split(",") if name.strip())
    settings = NightConfig.load(None, assignments or [])
    if protocol == "k-fold":
        from nightschool.application.cross_validate import cross_validate_models

        validated = cross_validate_models(open_home(dataset), names, seed, settings)
        show.show_json(validated) if as_json else show.show_cross_validation(validated)
        return
    counted: Literal["all", "manifest"] = "all" if relevant == "all" else "manifest"
    asked = Offline(names, protocol, k, seed, counted, settings, session_minutes)
    home = open_home(dataset)
    if release:
        document = evaluate_release(home, asked, release)
    elif protocol in COLD_START:
        document = evaluate_cold_start(home, asked)
    else:
        document = evaluate_models(home, asked)
    show.show_json(document) if as_json else show.show_evaluation(document)


def parse_instant(text: str | None) -> datetime | None:
    """Parse an ISO 8601 date or instant, in UTC unless it names a zone.

    Raises:
        ConfigurationError: It is neither.
    """
    if text is None:
        return None
    try:
        instant = datetime.fromisoformat(text)
    except ValueError as error:
        raise ConfigurationError("not an instant", seen=text, do="write 2026-03-01 or 2026-03-01T02:00:00Z") from error
    return instant.astimezone(UTC) if instant.tzinfo else instant.replace(tzinfo=UTC)
