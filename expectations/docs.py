"""Data Docs: pages that show each suite's rules and last results without a network."""

import re
from collections.abc import Sequence
from datetime import datetime
from html import escape
from pathlib import Path
from typing import Any, Final

from great_expectations.core import ExpectationSuiteValidationResult, ExpectationValidationResult, RunIdentifier
from great_expectations.render.renderer import ValidationResultsPageRenderer
from great_expectations.render.view import DefaultJinjaPageView

from expectations.engine import gx
from expectations.report import RuleOutcome, SuiteReport
from nightschool.storage.durable import atomic_write_text

_FOREIGN: Final = re.compile(
    r"<script.*?</script>|<(?:link|img)\b[^>]*>|url\('http[^)]*\)|</?a\b[^>]*\.html[^>]*>", re.DOTALL
)
"""What a page would fetch from other servers, its scripts, and links to pages that are not written."""

_STYLE: Final = """<style>
body { font-family: sans-serif; margin: 1rem 2rem; }
table { border-collapse: collapse; }
td, th { border: 1px solid #bbb; padding: .3rem .6rem; text-align: left; }
nav, footer, .sticky, p.lead, a[data-toggle] { display: none; }
.fa-check-circle::before { content: "holds"; }
.fa-times::before, .fa-exclamation-circle::before { content: "broken"; font-weight: bold; }
.fa-exclamation-triangle::before { content: "warning"; font-weight: bold; }
</style>"""
_PAGE: Final = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Data Docs</title>{style}</head>
<body><h1>Data Docs</h1><p>Validated at {when}.</p>
<table><tr><th>table</th><th>result</th><th>broken rules and warnings</th></tr>{rows}</table></body></html>
"""
_ROW: Final = '<tr><td><a href="{table}.html">{table}</a></td><td>{result}</td><td>{broken}</td></tr>'


def write_docs(folder: Path, reports: Sequence[SuiteReport], when: datetime) -> Path:
    """Write a page for each report and a start page, and return the start page; pages replace earlier ones.

    Pages hold rules and counts, and no value of any row.
    """
    rows = []
    for report in reports:
        document = ValidationResultsPageRenderer().render(_to_gx_result(report, when))
        page = _FOREIGN.sub("", DefaultJinjaPageView().render(document))
        atomic_write_text(folder / f"{report.table}.html", page.replace("</head>", f"{_STYLE}</head>"))
        broken = ", ".join(_describe(outcome) for outcome in report.outcomes if not outcome.passed)
        result = "accepted" if report.passed else "refused"
        rows.append(_ROW.format(table=report.table, result=result, broken=escape(broken)))
    start = folder / "index.html"
    atomic_write_text(start, _PAGE.format(style=_STYLE, when=when.isoformat(timespec="seconds"), rows="".join(rows)))
    return start


def _to_gx_result(report: SuiteReport, when: datetime) -> ExpectationSuiteValidationResult:
    """Convert a report to a validation result of Great Expectations."""
    results = [_page_line(*each) for each in zip(report.outcomes, report.results, strict=True)]
    n_passed = sum(outcome.passed for outcome in report.outcomes)
    statistics = {
        "evaluated_expectations": len(results),
        "successful_expectations": n_passed,
        "unsuccessful_expectations": len(results) - n_passed,
        "success_percent": 100.0 * n_passed / len(results),
    }
    meta = {"run_id": RunIdentifier("validate", when), "great_expectations_version": gx.__version__}
    return ExpectationSuiteValidationResult(
        success=report.passed, results=results, suite_name=report.table, statistics=statistics, meta=meta
    )


def _page_line(outcome: RuleOutcome, result: Any) -> ExpectationValidationResult:
    """Strip the example values that Great Expectations keeps in a rule's result."""
    share = 0.0 if outcome.passed else result.result.get("unexpected_percent")
    return ExpectationValidationResult(
        success=outcome.passed,
        expectation_config=result.expectation_config,
        result={"observed_value": _describe(outcome), "unexpected_percent": share},
        meta={},
        exception_info={"raised_exception": False, "exception_message": None, "exception_traceback": None},
    )


def _describe(outcome: RuleOutcome) -> str:
    return f"{outcome.reason}: {outcome.observed}"
