"""One card for each model of the catalogue, from its class: what it does, and its hyper-parameters."""

from typing import Final

from pydantic import BaseModel

from docs.generate.schema import fields_table
from docs.generate.writing import code, docstring, first_line, table
from models.catalog import MODELS
from models.reranker.config import RerankerConfig
from models.reranker.reranker import Reranker
from nightschool.capabilities import FoldsIn, PredictsInContext, PredictsRatings, WeighsItems
from nightschool.contract import Space, Span
from nightschool.ranking.self_attention import Attends
from nightschool.recipe import RERANKER

_CAPABILITIES: Final = {
    FoldsIn: "scores users from a history it was not fitted on",
    WeighsItems: "has item-to-item weights, which explain its lists and follow events while served",
    Attends: "has a network that a release publishes, so that lists follow events while served",
    PredictsRatings: "predicts ratings",
    PredictsInContext: "predicts ratings in the context of their time (for analysis only)",
}

_FACTS: Final = {
    "personal": (False, "Everybody gets the same order."),
    "explains": (False, "Its lists come without a reason of their own: no item of the history explains an entry."),
    "needs_times": (True, "Needs the times of interactions."),
    "needs_order": (True, 'Needs the order of a user\'s interactions: times, or `order = "file"` in the manifest.'),
    "needs_scores": (True, "Needs graded scores."),
    "sequential": (True, "Uses the order of a user's interactions."),
}
"""Facts on a model's class that are worth a line, with the value that they have then."""

_HEAD: Final = """# Models

Validation chooses: one model, a hybrid with content (the α sweep), or a blend of several whose weights it learns; a
reranker may order what they found. Name the candidates of a night with `--set 'models=["popularity","dlae","ials"]'`,
compare any of them with `nightschool evaluate --models ease,dlae`.
"""


def index() -> str:
    """Return the page that lists all models."""
    rows = [
        (f"[{name}]({name}.md)", first_line(model), ", ".join(_short(model))) for name, model in sorted(cards().items())
    ]
    return f"{_HEAD}\n{table(('model', 'what it does', 'can also'), rows)}"


def cards() -> dict[str, type]:
    """Return each documented model's class by its name, the reranker included."""
    return {**MODELS, RERANKER: Reranker}


def card(name: str) -> str:
    """Return the card of a model."""
    model = cards()[name]
    config: type[BaseModel] = RerankerConfig if name == RERANKER else MODELS[name].config_type
    parts = [f"# {name}\n", docstring(model), ""]
    if can := [words for protocol, words in _CAPABILITIES.items() if _has(model, protocol)]:
        parts += ["**It also** " + "; ".join(can) + ".\n"]
    parts += [f"- {words}\n" for fact, (value, words) in _FACTS.items() if getattr(model, fact, None) is value]
    parts += ["## Hyper-parameters\n", f"Set one with `--set {name}.KEY=VALUE`; it is then not searched.\n"]
    parts.append(fields_table(config) if config.model_fields else "It has none.\n")
    if space := getattr(config, "space", {}):
        parts += ["### Searched when recipes are chosen\n", _searched(space)]
    parts.append(f"\nSource: `{model.__module__.replace('.', '/')}.py`\n")
    return "\n".join(parts)


def _short(model: type) -> list[str]:
    words = {FoldsIn: "fold in", WeighsItems: "explain", PredictsRatings: "predict ratings"}
    return [word for protocol, word in words.items() if _has(model, protocol)]


def _has(model: type, protocol: type) -> bool:
    return all(hasattr(model, name) for name in vars(protocol) if not name.startswith("_"))


def _searched(space: Space) -> str:
    rows = [(code(name), _values(values)) for name, values in space.items()]
    return table(("hyper-parameter", "values tried"), rows)


def _values(values: Span | tuple[object, ...]) -> str:
    if isinstance(values, Span):
        return f"{values.low:g} to {values.high:g}{', in equal ratios' if values.log else ''}"
    return ", ".join(code(each) for each in values)
