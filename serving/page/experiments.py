"""The operator's page of experiments: start one, see how they go, stop one."""

from typing import Annotated, Final

import sqlalchemy as sa
from fastapi import APIRouter, Form, Query, Request, Response
from fastapi.responses import RedirectResponse

from nightschool.data.manifest.toml_files import checked, parse_toml
from nightschool.errors import ConfigurationError, NightschoolError, NotFound
from nightschool.experiments.plan import Plan
from nightschool.experiments.store import Experiments
from serving.catalogue import Catalogue
from serving.experiment_course import Look, course
from serving.listing import filter_misfit
from serving.operations import Curve, ExperimentResult, Figure, experiment_results
from serving.page.answers import PageRoute, caller_of, page, service_of
from serving.page.charts import Chart, chart
from serving.rules import Rules

_LONGEST: Final = 50_000
_TEMPLATE: Final = """name = ""
window_hours = 24

[[arms]]
name = "as published"
share = 0.5

[[arms]]
name = "other"
share = 0.5
alpha = 0.3
"""
_SAID: Final = {"started": "The experiment runs.", "stopped": "The experiment is stopped."}

router = APIRouter(include_in_schema=False, route_class=PageRoute)

Name = Annotated[str, Form(max_length=200)]


@router.get("/operator/experiments")
def show_experiments(request: Request, just: str = "") -> Response:
    """Show how the newest experiments go, and the form that starts one."""
    return _page(request, said=_SAID.get(just, ""))


@router.post("/operator/experiments")
def start_experiment(request: Request, plan: Annotated[str, Form(max_length=_LONGEST)]) -> Response:
    """Start an experiment by its TOML; the form comes back with what is wrong with it."""
    text = plan.replace("\r\n", "\n")
    try:
        planned = _read_plan(text, service_of(request).current.catalogue)
        operating = service_of(request).operating
        Experiments(operating.engine).start(planned)
        arms = {arm.name: arm.share for arm in planned.arms}
        operating.audit.note(caller_of(request).name, "experiment_started", planned.name, {"arms": arms})
    except NightschoolError as error:
        return _page(request, 422, text=text, refused=str(error))
    return RedirectResponse("/operator/experiments?just=started", 303)


@router.get("/operator/experiments/stop")
def confirm_stop(request: Request, name: Annotated[str, Query(max_length=200)]) -> Response:
    """Show the form that confirms that an experiment is to be stopped, and asks why.

    Raises:
        NotFound: No experiment of that name runs.
    """
    experiment = Experiments(service_of(request).operating.engine).get(name)
    if experiment.stopped_at is not None:
        raise NotFound("no experiment of that name runs", seen=name, do="go back: it is stopped already")
    return page(request, "stop_experiment.html", experiment=experiment)


@router.post("/operator/experiments/stop")
def stop_experiment(request: Request, name: Name, reason: Annotated[str, Form(max_length=500)] = "") -> Response:
    """Stop an experiment.

    Raises:
        ConfigurationError: No reason is given.
        NotFound: No experiment of that name runs.
    """
    why = reason.strip()
    if not why:
        raise ConfigurationError("stopping an experiment needs a reason", do="go back and say why")
    Experiments(service_of(request).operating.engine).stop(name, why)
    service_of(request).operating.audit.note(caller_of(request).name, "experiment_stopped", name, {"reason": why})
    return RedirectResponse("/operator/experiments?just=stopped", 303)


def _page(request: Request, status: int = 200, text: str = _TEMPLATE, refused: str = "", said: str = "") -> Response:
    service = service_of(request)
    results = experiment_results(service.settings)
    charts = {each.experiment.name: _charts(service.operating.engine, each) for each in results}
    variables = {"experiments": results, "charts": charts, "text": text, "refused": refused, "said": said}
    return page(request, "experiments.html", status, **variables)


def _charts(engine: sa.Engine, result: ExperimentResult) -> list[Chart]:
    """Draw the course of each arm's difference to the control, where there are users enough."""
    experiment = result.experiment
    if experiment.allocation != "fixed":
        return []
    names = [arm.name for arm in experiment.arms]
    outcomes = Experiments(engine).outcomes(experiment.name)
    looks = course(outcomes, names, experiment.shares, experiment.window)
    return [
        chart(Curve(f"{name}: conversion less that of {names[0]}", {"difference": _figures(found)}))
        for name, found in looks.items()
        if found
    ]


def _figures(looks: list[Look]) -> list[Figure]:
    return [Figure(f"{look.at:%Y-%m-%d %H:%M}", look.at, look.value, look.low, look.high) for look in looks]


def _read_plan(text: str, catalogue: Catalogue | None) -> Plan:
    """Read an experiment's plan.

    Args:
        text: Its TOML.
        catalogue: The items of the release that is served, which filters must fit; None without a release.

    Raises:
        ConfigurationError: It is no TOML, no plan, an arm has no such rule, or its filter does not fit the release.
    """
    plan = checked(Plan, parse_toml(text, "the plan"), "the plan")
    for arm in plan.arms:
        rules = Rules().overridden(arm.rules)
        if catalogue is not None and (misfit := filter_misfit(catalogue, rules.filter)):
            raise ConfigurationError(f"arm {arm.name}: {misfit}")
    return plan
