"""The reference of gates: what each asks, and what follows when it says no."""

from typing import Final

from docs.generate.writing import code, table
from nightschool.night.gates import TABLE_GATES
from nightschool.night.recipe_gates import MODEL_GATES, OFF_POLICY

_HEAD: Final = """# Gates

A gate is a yes-or-no question that is asked before anybody sees a release. Model gates decide which recipe is
published; table gates decide whether the lists are. The answers, with what was seen and what was demanded, stand in the
night's output, in `releases show`, on the operator's page and in the column `gates` of [releases](tables.md#releases).
"""


def page() -> str:
    """Return the page: one row for each gate."""
    rows = [(code(gate.name), gate.asks, gate.otherwise) for gate in (*MODEL_GATES, OFF_POLICY)]
    rows += [(code(gate.name), gate.asks, "Nothing is published (exit 4).") for gate in TABLE_GATES]
    return f"{_HEAD}\n{table(('gate', 'asks', 'otherwise'), rows)}"
