"""The generated pages of the docs, by their path."""

from collections.abc import Callable, Mapping
from typing import Final

from docs.generate import (
    benchmark_pages,
    command_line,
    configuration,
    exit_codes,
    gate_reference,
    http_api,
    manifest_reference,
    metric_reference,
    model_cards,
    table_reference,
)
from docs.generate.repository_pages import copied

PAGES: Final[Mapping[str, Callable[[], str]]] = {
    "reference/command-line.md": command_line.page,
    "reference/night-configuration.md": configuration.night_page,
    "reference/rules.md": configuration.rules_page,
    "reference/settings.md": configuration.settings_page,
    "reference/manifest.md": manifest_reference.page,
    "reference/tables.md": table_reference.page,
    "reference/metrics.md": metric_reference.page,
    "reference/gates.md": gate_reference.page,
    "reference/http-api.md": http_api.page,
    "reference/exit-codes.md": exit_codes.page,
    "models/index.md": model_cards.index,
    "benchmarks/index.md": benchmark_pages.index,
    "glossary.md": lambda: copied("GLOSSARY.md"),
    "changelog.md": lambda: copied("CHANGELOG.md"),
    "contributing.md": lambda: copied("CONTRIBUTING.md"),
    "security.md": lambda: copied("SECURITY.md"),
}
"""Pages with a fixed path; `generated` adds one for each model and each benchmark."""


def generated() -> dict[str, str]:
    """Return every generated page: its path below `docs/` and its Markdown."""
    pages = {path: write() for path, write in PAGES.items()}
    pages |= {f"models/{name}.md": model_cards.card(name) for name in model_cards.cards()}
    return pages | {f"benchmarks/{name}": text for name, text in benchmark_pages.results().items()}
