"""A report as parts: sections of sentences, tables and plots, and the one page that shows them."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from jinja2 import Environment, PackageLoader, select_autoescape
from markupsafe import Markup

from nightschool.charts.theme import Chart, as_drawing

_PAGES = Environment(
    loader=PackageLoader("nightschool.reports"), autoescape=select_autoescape(), trim_blocks=True, lstrip_blocks=True
)


@dataclass(frozen=True)
class Plot:
    """A drawing, and the sentence that says what it shows.

    Attributes:
        drawing: SVG whose ink has the colour of the text around it.
        sentence: What is seen, with its number; computed from the same data.
    """

    drawing: Markup
    sentence: str

    @classmethod
    def of(cls, chart: Chart, sentence: str) -> "Plot":
        """Draw a chart."""
        return cls(Markup(as_drawing(chart)), sentence)  # noqa: S704 - drawn by Vega, which escapes what it writes


@dataclass(frozen=True)
class Rows:
    """A table: what it is, its columns, and its rows; columns of texts are to the left, others to the right."""

    caption: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]

    @property
    def sides(self) -> list[str]:
        """Return the side of each column: `text` for the first and where a cell begins with a letter, else `number`."""
        texts = [any(row[place][:1].isalpha() for row in self.rows) for place in range(len(self.columns))]
        return ["text" if place == 0 or text else "number" for place, text in enumerate(texts)]


@dataclass(frozen=True)
class Section:
    """A part of a report.

    Attributes:
        title: Its heading.
        lead: Sentences.
        plots: Plots, in order.
        tables: Tables, after the plots.
        private: Whether it is about single persons, and stays in the home.
    """

    title: str
    lead: Sequence[str] = ()
    plots: Sequence[Plot] = ()
    tables: Sequence[Rows] = field(default=())
    private: bool = False


def render(title: str, subtitle: str, sections: Sequence[Section]) -> str:
    """Write the page: self-contained HTML that is read without scripts, in light, in dark and on paper."""
    return _PAGES.get_template("report.html").render(title=title, subtitle=subtitle, sections=sections)
