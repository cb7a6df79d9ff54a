"""Pages that stand in the repository's root: glossary, changelog, contributing."""

import re
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]


def copied(name: str) -> str:
    """Return a file of the root as a page: links into `docs/` hold inside the docs, others become code."""
    text = (ROOT / name).read_text(encoding="utf-8")
    text = re.sub(r"\]\(docs/", "](", text)
    text = re.sub(r"\]\((GLOSSARY|CHANGELOG|CONTRIBUTING|SECURITY)\.md", lambda found: f"]({found[1].lower()}.md", text)
    return re.sub(r"\[([^\]]+)\]\((?!https?:|#|[a-z/-]+\.(?:md|png|svg))([^)]+)\)", r"\1 (`\2`)", text)
