"""How two releases differ, as one document and as tables."""

from collections.abc import Mapping
from typing import Any

from nightschool.cli import show
from nightschool.storage.home import Home
from serving.differences import TOP, compare_gates, compare_lists, compare_metrics, compare_rows
from serving.operations import recipe_name

Document = Mapping[str, Any]


def release_diff(home: Home, left: str, right: str) -> Document:
    """Compare two releases of a home.

    Raises:
        NotFound: There is no such release, or its tables were pruned.
    """
    first, second = (home.releases.whole(release_id) for release_id in (left, right))
    lists, moved = compare_lists(home.lake, left, right)
    return {
        "left": left,
        "right": right,
        "as_of": [release.as_of.isoformat() for release in (first, second)],
        "recipes": [recipe_name(release) for release in (first, second)],
        "lists": lists._asdict(),
        "items": [{**item._asdict(), "change": item.change} for item in moved],
        "metrics": [pair._asdict() for pair in compare_metrics(home.lake, left, right)],
        "gates": [pair._asdict() for pair in compare_gates(first, second)],
        "rows": [pair._asdict() for pair in compare_rows(first, second)],
    }


def show_diff(document: Document) -> None:
    """Print the document of two releases as tables."""
    left, right = sides = document["left"], document["right"]
    facts = [["as of", *document["as_of"]], ["recipe", *document["recipes"]]]
    show.show_table("Releases", ["", *sides], facts)
    lists = document["lists"]
    overlap = "–" if lists["overlap"] is None else f"{lists['overlap']:.3f}"
    differences = [
        ["users with a list in both", f"{lists['users']:,}"],
        [f"only in {left}", f"{lists['only_left']:,}"],
        [f"only in {right}", f"{lists['only_right']:,}"],
        [f"first {TOP} changed", f"{lists['changed']:.1%}"],
        ["with another item", f"{lists['other_items']:.1%}"],
        ["mean rank-biased overlap", overlap],
    ]
    show.show_table("Users' lists", ["", ""], differences)
    items = [[str(one["item_id"]), one["title"], one["left"], one["right"], one["change"]] for one in document["items"]]
    if items:
        title = f"Items that moved most, by the lists whose first {TOP} hold them"
        show.show_table(title, ["item", "title", *sides, "change"], items)
    metrics = [[pair["name"], _figure(pair["left"]), _figure(pair["right"])] for pair in document["metrics"]]
    show.show_table("Metrics on each night's test, 95 % intervals", ["metric", *sides], metrics)
    gates = [[pair["name"], _gate(pair["left"]), _gate(pair["right"])] for pair in document["gates"]]
    show.show_table("Gates", ["gate", *sides], gates)
    rows = [
        [p["name"], p["left"] or 0, p["right"] or 0, (p["right"] or 0) - (p["left"] or 0)] for p in document["rows"]
    ]
    show.show_table("Rows", ["table", *sides, "change"], rows)


def _figure(value: tuple[float, float | None, float | None] | None) -> str:
    if value is None:
        return "–"
    mean, low, high = value
    return f"{mean:.4f}" if low is None or high is None else f"{mean:.4f} [{low:.4f}, {high:.4f}]"


def _gate(gate: Mapping[str, Any] | None) -> str:
    return "not asked" if gate is None else f"{'yes' if gate['passed'] else 'NO'}: {gate['seen']}"
