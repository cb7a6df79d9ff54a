"""Result pages: claim, command and result of each benchmark, and their index."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from surroundings import machine

from models.catalog import MODELS, create, create_reranker
from nightschool.recipe import RERANKER

_FOLDER = Path(__file__).resolve().parent
RESULTS = _FOLDER / "results"
_MARKS = ("Claim", "Command", "Result", "Date")

_INDEX = """# Benchmarks

Each script measures one claim and writes one page below `results/`, with the date and what the figures depend on. Run
them from the repository's root with the environment's Python; the real data are looked for in `NIGHTSCHOOL_TEST_DATA`
(default `../shared/data`) and are only read. Homes are temporary. Figures are what was measured, those that fall short
too. This index is renewed by every run.

| claim | command | result | measured |
|---|---|---|---|
"""


@dataclass
class Page:
    """One page of results.

    Attributes:
        name: Its file name without the suffix.
        title: Its heading.
        claim: What is to be shown, in one line.
        command: The command line that made it.
        result: What came out, in one line.
        body: Further paragraphs and tables.
    """

    name: str
    title: str
    claim: str
    command: str
    result: str
    body: list[str] = field(default_factory=list)

    def write(self) -> None:
        """Write the page below `results/`, update the index, and print the page."""
        head = dict(
            zip(_MARKS, (self.claim, f"`{self.command}`", self.result, f"{datetime.now(UTC):%Y-%m-%d}"), strict=True)
        )
        lines = [f"# {self.title}", *(f"**{mark}.** {text}" for mark, text in head.items()), *self.body]
        lines.append(f"Measured on {machine()}.")
        text = "\n\n".join(lines) + "\n"
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / f"{self.name}.md").write_text(text, encoding="utf-8")
        rows = [_index_row(file) for file in sorted(RESULTS.glob("*.md"))]
        (_FOLDER / "README.md").write_text(_INDEX + "\n".join(rows) + "\n", encoding="utf-8")
        print(text)


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Write a Markdown table, the first column to the left and the others to the right."""
    rule = ["---", *["---:"] * (len(columns) - 1)]
    return "\n".join(f"| {' | '.join(row)} |" for row in (columns, rule, *rows))


def interval(figure: Sequence[float | None] | None) -> str:
    """Write a figure with its 95 % interval."""
    if figure is None or figure[0] is None:
        return "–"
    value, low, high = figure
    return f"{value:.4f}" if low is None or high is None else f"{value:.4f} [{low:.4f}, {high:.4f}]"


def settings(model: Mapping[str, Any]) -> str:
    """List a row's hyper-parameters that differ from the defaults in one line, those of a component under its name."""
    params = model["params"]
    if any(isinstance(value, Mapping) for value in params.values()):
        parts = [f"{part}.{each}" for part, inner in params.items() for each in _beyond_defaults(part, inner)]
    else:
        parts = _beyond_defaults(model["name"], params)
    return ", ".join(parts) or "defaults"


def _beyond_defaults(model: str, params: Mapping[str, Any]) -> list[str]:
    known = create_reranker({}) if model == RERANKER else create(model, {}) if model in MODELS else None
    defaults = known.config.model_dump(mode="json") if known else {}
    return [f"{name}={value}" for name, value in params.items() if name not in defaults or defaults[name] != value]


def goal_reached(value: float, goal: float, what: str) -> str:
    """Say in words whether a figure reaches its goal."""
    return f"{what} {value:.4f}, goal {goal:.4f} {'reached' if value >= goal else 'missed'}"


def notes(models: Sequence[Mapping[str, Any]]) -> list[str]:
    """Write one paragraph on fits that deviated from their settings; none where no fit did."""
    parts = [f"{model['name']}: {model['note']}" for model in models if model["note"]]
    return [f"Fits that deviated from their settings: {'; '.join(parts)}."] if parts else []


def label_of(model: Mapping[str, Any]) -> str:
    """Write a row's name, and whether validation chose it."""
    return f"{model['name']}{' (chosen)' if model.get('chosen') else ''}"


def chosen_of(models: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """Return the row that validation chose."""
    return next(model for model in models if model["chosen"])


def compare_with_goals(models: Sequence[Mapping[str, Any]], metric: str, goals: Mapping[str, float]) -> str:
    """Compare the blend and the reranked blend with their goals, and name the row that validation chose.

    Args:
        models: The rows of a comparison.
        metric: Which figure.
        goals: `blend` and `blend + reranker`, each with its goal; a row that was not tried is said to be missing.
    """
    found = {"blend": "blend(", "blend + reranker": " + reranker"}
    parts = []
    for name, goal in goals.items():
        rows = [model for model in models if found[name] in model["name"]]
        parts.append(goal_reached(rows[0]["metrics"][metric][0], goal, name) if rows else f"{name}: none was learned")
    return f"{metric}: {'; '.join(parts)}; chosen on validation: {chosen_of(models)['name']}"


def _index_row(file: Path) -> str:
    text = file.read_text(encoding="utf-8")
    parts = [text.partition(f"**{mark}.** ")[2].partition("\n")[0] for mark in _MARKS]
    claim, command, result, date = parts
    return f"| [{claim}](results/{file.name}) | {command} | {result} | {date} |"
