"""Output of the command line: aligned tables, or one JSON document."""

import json
import re
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

_PAGE = 150
_FIGURE = re.compile(r"[+-]?\d+\.\d{4}\b")

_NEXT = (
    ("recommend --user ID", "a user's list with reasons"),
    ("similar-items --item ID", "the items most similar to an item"),
    ("releases list", "every release; `releases rollback ID` goes back"),
)

# What is printed may come from a source file: square brackets and colons in it are no markup.
console = Console(highlight=False, markup=False, emoji=False, width=None if sys.stdout.isatty() else _PAGE)

_AGES = ("7d", "30d")
_HEADS = {"precision": "prec", "coverage": "cover"}
"""Shorter names at the heads of a night's tables."""


def printable(text: str) -> str:
    """Replace control characters, which a terminal would obey, by a mark."""
    return re.sub(r"[\x00-\x1f\x7f-\x9f]", "\N{REPLACEMENT CHARACTER}", text)


def show_json(document: object) -> None:
    """Print one JSON document and nothing else."""
    ascii_only = (getattr(sys.stdout, "encoding", None) or "utf-8").lower().replace("-", "") != "utf8"
    typer.echo(json.dumps(document, indent=2, ensure_ascii=ascii_only, default=str, allow_nan=False))


def show_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a table of rows under their column names, numbers right-aligned."""
    table = Table(title=title, title_justify="left", title_style="bold", box=SIMPLE_HEAD, pad_edge=False)
    for index, name in enumerate(columns):
        numeric = bool(rows) and all(isinstance(row[index], int | float) for row in rows)
        figure = numeric or any(_FIGURE.match(str(row[index])) for row in rows)
        table.add_column(name, justify="right" if numeric else "left", overflow="fold", no_wrap=figure)
    for row in rows:
        table.add_row(*(_text(value) for value in row))
    console.print(table)


def show_rows_in(tables: Mapping[str, Mapping[str, Any]]) -> None:
    """Print how many source rows were known, accepted and quarantined, by table."""
    rows = [
        [
            name,
            *(int(counts[key]) for key in ("rows_in", "already_known", "accepted", "quarantined")),
            ", ".join(f"{reason} {count:,}" for reason, count in counts["reasons"].items()),
        ]
        for name, counts in tables.items()
    ]
    columns = ["table", "rows in", "= known", "+ accepted", "+ quarantined", "reasons"]
    show_table("Rows in = already known + accepted + quarantined", columns, rows)


def show_night(report: Mapping[str, Any]) -> None:
    """Print the report of a night."""
    show_rows_in(report["rows"])
    if report["status"] in ("already published", "unchanged"):
        for warning in report["warnings"]:
            console.print(f"Note: {warning}.")
        console.print(f"{report['status'].capitalize()}: {report['sentence']}.")
        return
    show_effects(report["signals"])
    show_candidates("Candidates on validation, 95 % intervals", report["candidates"])
    if report["search"]:
        console.print(f"Search: {report['search']}.")
    if report["trials"]:
        counts = ", ".join(f"{model} {count}" for model, count in report["trials"].items())
        console.print(f"Settings tried, the defaults among them: {counts}.")
    for model, reason in report["failures"].items():
        console.print(f"Left out: {model}: {reason}")
    _show_notes(report["candidates"])
    show_sweep(report["sweep"])
    show_candidates(f"On the test ({report['protocol']}), refitted", report["roles"])
    for warning in report["warnings"]:
        console.print(f"Note: {warning}.")
    show_freshness(report["freshness"])
    show_gates(report["gates"])
    console.print(f"Verdict: {report['sentence']}.")
    if report["learner"]:
        _show_example(report["learner"])
    console.print(f"{report['status'].capitalize()}: {report['release_id'] or 'nothing'} (T = {report['as_of']})")
    if report["release_id"]:
        from nightschool.settings import Settings

        home = Settings().paths.root
        console.print("\nWhere to look next:")
        for command, what in _NEXT:
            console.print(f"  nightschool --home {home} {command:<28} {what}", soft_wrap=True)
        console.print(f"  nightschool --home {home} {'up':<28} Prefect and MLflow in the browser: compare the α runs")
        page = Settings().paths.reports / f"{report['release_id']}.html"
        console.print(f"  {page}  what was decided and why, data, models, cost", soft_wrap=True)
        console.print(
            f"  {Settings().paths.docs / 'index.html'}  each rule for the data, and what was seen", soft_wrap=True
        )


def _show_example(user: Mapping[str, Any]) -> None:
    history = [[str(h["timestamp"] or "")[:16], str(h["item_id"]), h["title"]] for h in user["history"]]
    show_table(f"User {user['user_id']}: newest history", ["when", "item", "title"], history)
    show_list(f"User {user['user_id']}: top {len(user['items'])}", user["items"])


def show_evaluation(document: Mapping[str, Any]) -> None:
    """Print an offline comparison: the metrics of every model, and its difference to popularity.

    A protocol that makes several comparisons has them under `tables`.
    """
    show_effects(document.get("signals", ()))
    title = f"{document['dataset']}, protocol {document['protocol']}, 95 % intervals over users"
    if "tables" not in document:
        _show_comparison(title, document, document["k"])
    for table in document.get("tables", ()):
        _show_comparison(f"{title}: {table['name']} ({table['n_users']:,} users)", table, document["k"])
    for warning in document["warnings"]:
        console.print(f"Note: {warning}.")


def _show_comparison(title: str, document: Mapping[str, Any], k: int) -> None:
    from nightschool.evaluation.catalog import Place, labels

    metrics = labels(Place.ACCURACY, k)
    rows = [
        [
            model["name"],
            *(_interval(model["metrics"].get(metric)) for metric in metrics),
            _difference(model),
            _seconds(model.get("fit_seconds")),
        ]
        for model in document["models"]
    ]
    show_table(title, ["model", *metrics, f"ndcg@{k} over popularity", "fit s"], rows)
    beyond = [label for label in labels(Place.BEYOND, k) if any(label in m["metrics"] for m in document["models"])]
    if beyond:
        lists = [
            [model["name"], *(_interval(model["metrics"].get(metric)) for metric in beyond)]
            for model in document["models"]
        ]
        show_table("Beyond accuracy", ["model", *beyond], lists)
    for model, reason in document.get("failures", {}).items():
        console.print(f"Left out: {model}: {reason}")
    _show_notes(document["models"])
    for model in document["models"]:
        if (over := model.get("over_shuffled")) and None not in over:
            value, low, high = over
            interval = f"{value:+.4f} ± {(high - low) / 2:.4f}"
            console.print(f"Order: {model['name']}: ndcg@{k} {interval} over itself on shuffled histories.")


def show_cross_validation(document: Mapping[str, Any]) -> None:
    """Print the errors of rating models over folds, and the best model by segment of users."""
    title = f"{document['dataset']}, {document['folds']} folds of {document['n_ratings']:,} ratings, 95 % over users"
    rows = [
        [
            model["name"],
            "yes" if model["in_context"] else "no",
            *(
                text
                for metric in ("rmse", "mae")
                for text in (_interval(model["metrics"][metric]), f"{model['spread'][metric]:.4f}")
            ),
            _seconds(model["fit_seconds"]),
        ]
        for model in document["models"]
    ]
    heads = ["model", "in context", "rmse", "rmse over folds", "mae", "mae over folds", "fit s"]
    show_table(title, heads, rows)
    if any(model["in_context"] for model in document["models"]):
        console.print("In context: the prediction used the time of the rating, which is unknown beforehand.")
    best = [
        [
            *(found[name] for name in ("segment", "users", "pairs", "model")),
            _interval(found["rmse"]),
            "–" if found["next"] is None else found["next"] + (" (shown)" if found["shown"] else " (not shown)"),
        ]
        for found in document["best_by_segment"]
    ]
    show_table("Best by segment", ["segment", "users", "pairs", "best", "rmse", "better than"], best)


def show_effects(effects: Sequence[Mapping[str, Any]]) -> None:
    """Print how many rows, users and items each rule affected."""
    if effects:
        columns = ["rule", "setting", "rows", "users", "items"]
        show_table("Signals and filters: what they touch", columns, [[e[name] for name in columns] for e in effects])


def show_candidates(title: str, candidates: Sequence[Mapping[str, Any]]) -> None:
    """Print one line a model, each metric with its 95 % interval."""
    from nightschool.evaluation.catalog import night_labels

    metrics = night_labels()
    rows = [
        [c["name"], *(_interval(c["metrics"].get(metric)) for metric in metrics), _seconds(c.get("fit_seconds"))]
        for c in candidates
    ]
    show_table(title, ["model", *map(shorten, metrics), "fit s"], rows)


def shorten(label: str) -> str:
    """Shorten the label of a metric for the head of a narrow column: `prec@5` for `precision@5`."""
    name, at, k = label.partition("@")
    return f"{_HEADS.get(name, name)}{at}{k}"


def show_sweep(sweep: Sequence[Mapping[str, Any]]) -> None:
    """Print validation ndcg@10 by α, each with a bar."""
    if not sweep:
        return
    heights = [point["metrics"]["ndcg@10"][0] or 0.0 for point in sweep]
    top = max(heights) or 1.0
    rows = [
        [f"{point['alpha']:.1f}", _interval(point["metrics"]["ndcg@10"]), "█" * round(40 * height / top)]
        for point, height in zip(sweep, heights, strict=True)
    ]
    show_table("α sweep on validation: α · collaborative + (1 − α) · content", ["α", "ndcg@10", ""], rows)


def show_freshness(shares: Mapping[str, float | None]) -> None:
    """Print the shares of recent events and of list places that go to new items."""
    if any(share is not None for share in shares.values()):
        rows = [[age, *(shares[f"new_item_{share}_{age}"] for share in ("events", "places"))] for age in _AGES]
        show_table("Shares that go to young items", ["younger than", "events of 28 days", "places 1–10"], rows)


def show_gates(gates: Sequence[Mapping[str, Any]]) -> None:
    """Print the result of each gate."""
    rows = [[gate["name"], "yes" if gate["passed"] else "NO", gate["seen"], gate["demanded"]] for gate in gates]
    show_table("Gates", ["gate", "passed", "seen", "demanded"], rows)


def show_list(title: str, items: Sequence[Mapping[str, Any]]) -> None:
    """Print a user's list: rank, item, title, reason."""
    show_table(
        title, ["rank", "item", "title", "why"], [[i["rank"], str(i["item_id"]), i["title"], i["why"]] for i in items]
    )


def show_next(following: Mapping[str, Any]) -> None:
    """Print what others took soon after a user's newest item: item, title, share."""
    after = following["after"]
    rows = [[str(i["item_id"]), i["title"], f"{i['share']:.0%} went on to it"] for i in following["items"]]
    show_table(f"Study next, after {after['title'] or after['item_id']}", ["item", "title", "why"], rows)


def _show_notes(models: Sequence[Mapping[str, Any]]) -> None:
    for model in models:
        if model.get("note"):
            console.print(f"Note: {model['name']}: {model['note']}.")


def _interval(triple: Sequence[float] | None) -> str:
    """Format a metric with half the width of its interval."""
    if triple is None or triple[0] is None:
        return "–"
    value, low, high = triple
    return f"{value:.4f}" if low is None or high is None else f"{value:.4f} ± {(high - low) / 2:.4f}"


def _difference(model: Mapping[str, Any]) -> str:
    """Format the paired difference to popularity with half the width of its interval, and the verdict."""
    over = model.get("over_popularity")
    if over is None or None in over or model["name"] == "popularity":
        return "–"
    value, low, high = over
    return f"{value:+.4f} ± {(high - low) / 2:.4f} {model['verdict']}"


def _seconds(value: float | None) -> str:
    return "–" if value is None else f"{value:.1f}"


def _text(value: object) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:.4f}" if isinstance(value, float) else printable(str(value))
