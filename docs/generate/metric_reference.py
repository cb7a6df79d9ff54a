"""The reference of metrics: each with its formula, meaning and direction."""

from typing import Final

from docs.generate.descriptions import read, require_same
from docs.generate.writing import code, table
from nightschool.evaluation.evaluation import _ERROR_METRICS
from nightschool.evaluation.metrics import LIST_METRICS

_HEAD: Final = """# Metrics

Means are over users who have relevant held-out items; each carries n and a 95 % interval, normal from per-user values
when n ≥ 200, bootstrap below. `name@k` counts the first k places. Candidates are the items available at the split
instant that the user has not seen. [What is compared, and when one is better](../explanation/evaluation.md).
"""


def page() -> str:
    """Return the page: one row for each metric."""
    described = read("metrics")
    require_same("metrics", described, names() | {*described})
    rows = [(code(name), code(d["formula"]), d["better"], d["meaning"]) for name, d in described.items()]
    return f"{_HEAD}\n{table(('metric', 'formula', 'better', 'meaning'), rows)}"


def names() -> set[str]:
    """Return the name of every metric that is computed."""
    return {*LIST_METRICS, *_ERROR_METRICS}
