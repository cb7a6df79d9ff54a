"""Results of experiments whose shares follow the results."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from nightschool.cli import show

if TYPE_CHECKING:
    import sqlalchemy as sa

    from nightschool.experiments.adaptive import ArmOverDays
    from nightschool.experiments.store import Experiment


def show_allocation(database: "sa.Engine", experiment: "Experiment", *, as_json: bool) -> None:
    """Print the share of each arm today, and its difference to the control with every day weighed by its shares."""
    from nightschool.experiments.adaptive import analyze_over_days
    from nightschool.experiments.allocation import Allocations, shares_on
    from nightschool.experiments.user_days import DAY, read_user_days

    now = datetime.now(UTC)
    known = Allocations(database).of(experiment)
    user_days = read_user_days(database, experiment, now)
    shares = {day: shares_on(experiment, known, day) for day in [*user_days[DAY].unique(), now.date()]}
    found = analyze_over_days(user_days, [arm.name for arm in experiment.arms], shares)
    today = shares[now.date()]
    if as_json:
        by_day = {day.isoformat(): each.shares for day, each in known.items()}
        arms = [{**arm._asdict(), "share": share} for arm, share in zip(found, today, strict=True)]
        show.show_json(experiment.model_dump(mode="json") | {"result": {"arms": arms, "shares": by_day}})
        return
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


def _difference(arm: "ArmOverDays", *, control: bool) -> str:
    if control:
        return "control"
    if arm.difference is None or arm.low is None or arm.high is None:
        return "too few conversions yet"
    return f"{100 * arm.difference:+.2f} % ({100 * arm.low:+.2f} to {100 * arm.high:+.2f})"
