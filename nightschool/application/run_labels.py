"""Name, tags and links of a night's Prefect run, for the list of runs."""

import logging

import httpx
from prefect.artifacts import create_link_artifact
from prefect.client.orchestration import get_client
from prefect.context import FlowRunContext
from prefect.exceptions import PrefectException

from nightschool.application.announce import dataset_of_home
from nightschool.errors import NotFound
from nightschool.settings import Settings
from nightschool.storage.lake import UNREADABLE, Lake
from nightschool.storage.mlflow_addresses import VIEW
from nightschool.storage.nights import NightRow
from nightschool.storage.releases import Releases

logger = logging.getLogger("nightschool.application")


def label_run(row: NightRow, lake: Lake) -> None:
    """Name the run after its release, tag it with outcome and dataset, and link the release's page and MLflow run.

    A run that cannot be labelled is a warning in the log; without a Prefect run nothing is done.
    """
    context = FlowRunContext.get()
    if context is None or context.flow_run is None:
        return
    tags = {*context.flow_run.tags, row.outcome, dataset_of_home()} - {""}
    try:
        with get_client(sync_client=True) as client:
            client.update_flow_run(context.flow_run.id, name=row.release_id or None, tags=sorted(tags))
        if row.release_id:
            _link(row.release_id, lake)
    except (httpx.HTTPError, PrefectException, NotFound, *UNREADABLE) as error:
        logger.warning("the run could not be named and tagged: %s", error)


def _link(release_id: str, lake: Lake) -> None:
    settings = Settings()
    page = f"{settings.page}/operator?releases=all#release-{release_id}"
    create_link_artifact(page, link_text=release_id, key="release", description="The release on the operator's page.")
    run_id = Releases(lake).get(release_id).mlflow_run_id
    if run_id:
        link = f"{settings.mlflow_page}/#/experiments/1/runs/{run_id}?{VIEW}"
        create_link_artifact(link, link_text=run_id, key="mlflow", description="The night in MLflow.")
