"""The MkDocs hook that adds the generated pages. Run MkDocs as `python -m mkdocs`, from the repository's root."""

from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

from docs.generate.benchmark_pages import plots
from docs.generate.pages import generated


def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    """Add generated pages and the plots of the benchmarks; expand `folder/*` in the navigation."""
    for path, text in generated().items():
        files.append(File.generated(config, path, content=text))
    for plot in plots():
        files.append(File.generated(config, f"benchmarks/{plot.name}", abs_src_path=str(plot)))
    config.nav = expand(config.nav or [], sorted(file.src_uri for file in files.documentation_pages()))
    return files


def expand(nav: list[Any], paths: Iterable[str]) -> list[Any]:
    """Return the navigation with each `folder/*` replaced by the folder's pages, but its index."""
    known = [PurePosixPath(path) for path in paths]
    found: list[Any] = []
    for entry in nav:
        if isinstance(entry, dict):
            found += [{title: _below(below, known) for title, below in entry.items()}]
        elif entry.endswith("/*"):
            folder = PurePosixPath(entry).parent
            found += [str(path) for path in known if path.parent == folder and path.stem != "index"]
        else:
            found.append(entry)
    return found


def _below(below: Any, known: list[PurePosixPath]) -> Any:
    return expand(below, map(str, known)) if isinstance(below, list) else below
