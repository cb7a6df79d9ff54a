"""What Prefect shows of a run: name, tags and links of a night; and the parameters that it must not keep."""

import logging

import httpx
from prefect.artifacts import create_link_artifact
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import DeploymentUpdate
from prefect.context import FlowRunContext
from prefect.exceptions import ObjectNotFound, PrefectException

from nightschool.application.announce import dataset_of_home
from nightschool.application.rollback import choice_of_release
from nightschool.errors import NotFound
from nightschool.settings import Settings
from nightschool.storage.lake import UNREADABLE, Lake
from nightschool.storage.mlflow_addresses import run_page
from nightschool.storage.nights import NightRow
from nightschool.storage.releases import Releases

logger = logging.getLogger("nightschool.application")


def label_run(row: NightRow, lake: Lake, report: str | None) -> None:
    """Name the run after its release, tag it with outcome and dataset, and link the release's page and MLflow run.

    A run that cannot be labelled is a warning in the log; without a Prefect run nothing is done.

    Args:
        row: The night's row.
        lake: The tables.
        report: The address of the report on its release; None without.
    """
    context = FlowRunContext.get()
    if context is None or context.flow_run is None:
        return
    tags = {*context.flow_run.tags, row.outcome, dataset_of_home()} - {""}
    try:
        with get_client(sync_client=True) as client:
            client.update_flow_run(context.flow_run.id, name=row.release_id or None, tags=sorted(tags))
            if row.release_id:
                _offer_releases(client)
        if row.release_id:
            _link(row.release_id, lake)
        if report:
            create_link_artifact(report, link_text="report", key="report", description="The report of the release.")
    except (httpx.HTTPError, PrefectException, NotFound, *UNREADABLE) as error:
        logger.warning("the run could not be named and tagged: %s", error)
    except Exception:
        # The night has ended: what only decorates its run must not fail it.
        logger.exception("the run could not be named and tagged")


def withhold_parameters() -> None:
    """Take the parameters of the present run from Prefect's record of it; without a Prefect run nothing is done.

    Raises:
        PrefectException: There is no such run.
        HTTPError: The server did not change the record; an error of httpx.
    """
    context = FlowRunContext.get()
    if context is None or context.flow_run is None:
        return
    withheld = dict.fromkeys(context.flow_run.parameters, "withheld")
    with get_client(sync_client=True) as client:
        client.update_flow_run(context.flow_run.id, parameters=withheld).raise_for_status()


def _offer_releases(client: SyncPrefectClient) -> None:
    """Let the form of a rollback offer the releases that there are now; nothing where no server holds that form."""
    try:
        deployment = client.read_deployment_by_name("rollback/rollback")
    except ObjectNotFound:
        return
    schema = dict(deployment.parameter_openapi_schema or {})
    fields = dict(schema.get("properties", {}))
    schema["properties"] = {
        **fields,
        "release_id": choice_of_release({"type": "string", **fields.get("release_id", {})}),
    }
    client.update_deployment(deployment.id, DeploymentUpdate.model_validate({"parameter_openapi_schema": schema}))


def _link(release_id: str, lake: Lake) -> None:
    settings = Settings()
    page = f"{settings.page}/operator?releases=all#release-{release_id}"
    create_link_artifact(page, link_text=release_id, key="release", description="The release on the operator's page.")
    run_id = Releases(lake).get(release_id).mlflow_run_id
    if run_id:
        link = f"{settings.mlflow_page}{run_page(run_id)}"
        create_link_artifact(link, link_text=run_id, key="mlflow", description="The night in MLflow.")
