"""Results of experiments whose shares follow the results."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from nightschool.cli import show

if TYPE_CHECKING:
    import sqlalchemy as sa

    from nightschool.experiments.adaptive import ArmOverDays
    from nightschool.experiments.allocation import Allocation
    from nightschool.experiments.plan import Experiment


def allocation_document(database: "sa.Engine", experiment: "Experiment", now: datetime) -> dict[str, Any]:
    """Return an experiment with its results in JSON."""
    found, today, known = _read(database, experiment, now)
    by_day = {day.isoformat(): each.shares for day, each in known.items()}
    arms = [{**arm._asdict(), "share": share} for arm, share in zip(found, today, strict=True)]
    return experiment.model_dump(mode="json") | {"result": {"arms": arms, "shares": by_day}}


def show_allocation(database: "sa.Engine", experiment: "Experiment", now: datetime) -> None:
    """Print the share of each arm today, and its difference to the control with every day weighed by its shares."""
    found, today, _ = _read(database, experiment, now)
    columns = ["arm", "share today", "users' days", "converted", "against the control"]
    rows = [
        [arm.name, f"{share:.1%}", f"{arm.user_days:,}", f"{arm.conversions:,}", _difference(arm, control=not place)]
        for place, (arm, share) in enumerate(zip(found, today, strict=True))
    ]
    show.show_table(f"Experiment {experiment.name}, since {experiment.started_at:%Y-%m-%d %H:%M} UTC", columns, rows)
    show.console.print(
        f"Shares follow the results, none below {experiment.floor:.0%}; each night sets those of the next day. "
        "Differences weigh each user's day by the chance of its arm, and their intervals hold however often one looks; "
        "conversions of arms cannot be compared as they are."
    )


def _read(
    database: "sa.Engine", experiment: "Experiment", now: datetime
) -> "tuple[Sequence[ArmOverDays], tuple[float, ...], Mapping[date, Allocation]]":
    """Read the results of each arm, the shares of today and those of every day."""
    from nightschool.experiments.adaptive import analyze_over_days
    from nightschool.experiments.allocation import Allocations, shares_on
    from nightschool.experiments.user_days import DAY, read_user_days

    known = Allocations(database).of(experiment)
    user_days = read_user_days(database, experiment, now)
    shares = {day: shares_on(experiment, known, day) for day in [*user_days[DAY].unique(), now.date()]}
    found = analyze_over_days(user_days, [arm.name for arm in experiment.arms], shares)
    return found, shares[now.date()], known


def _difference(arm: "ArmOverDays", *, control: bool) -> str:
    if control:
        return "control"
    if arm.difference is None or arm.low is None or arm.high is None:
        return "too few conversions yet"
    return f"{100 * arm.difference:+.2f} % ({100 * arm.low:+.2f} to {100 * arm.high:+.2f})"
