"""The MkDocs hook that adds the generated pages. Run MkDocs as `python -m mkdocs`, from the repository's root."""

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

from docs.generate.benchmark_pages import plots
from docs.generate.pages import generated


def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    """Add each generated page, and the plots of the benchmarks."""
    for path, text in generated().items():
        files.append(File.generated(config, path, content=text))
    for plot in plots():
        files.append(File.generated(config, f"benchmarks/{plot.name}", abs_src_path=str(plot)))
    return files
