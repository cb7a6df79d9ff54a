"""The benchmark pages, copied from `benchmarks/` with links that hold inside the docs."""

import re
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
_RESULTS: Final = ROOT / "benchmarks" / "results"


def index() -> str:
    """Return the index of the benchmarks: claim, command, result, date."""
    return _local((ROOT / "benchmarks" / "README.md").read_text(encoding="utf-8"))


def results() -> dict[str, str]:
    """Return each result page's text by its name; each names the script that made it."""
    return {path.name: _local(path.read_text(encoding="utf-8")) for path in sorted(_RESULTS.glob("*.md"))}


def plots() -> list[Path]:
    """Return the plots that result pages show."""
    return sorted(path for path in _RESULTS.iterdir() if path.suffix in {".svg", ".png"})


def _local(text: str) -> str:
    return re.sub(r"\]\(results/", "](", text)
