"""The picture of a night in README and docs, drawn from the stages; as a program it writes `docs/images/night.svg`."""

from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Final

from nightschool.night import records

STAGES: Final = (*(record.stage for record in records.STAGES), "report")

FILE: Final = Path(__file__).parents[1] / "images" / "night.svg"

_CAPTIONS: Final[Mapping[str, tuple[str, str]]] = {
    "recover": ("finish an erasure", "that was cut short"),
    "ingest": ("rows to tables,", "each exactly once"),
    "validate": ("tables as of T", "against their rules"),
    "prepare": ("scores, split:", "train | validation | test"),
    "select": ("models, settings, α", "on validation: a recipe"),
    "prove": ("challenger, champion,", "popularity on the test"),
    "contextualise": ("hour, device, place", "where they help"),
    "refit": ("the approved recipe", "on all known at T"),
    "recommend": ("lists, similar items", "and users, fallbacks"),
    "publish": ("one atomic commit", "moves the pointer"),
    "report": ("artifacts in", "Prefect and MLflow"),
}
"""Two lines below a stage's name; a stage without any shows its name alone."""

_NO: Final[Mapping[str, str]] = {
    "ingest": "bad rows: quarantine",
    "prove": "model gates",
    "recommend": "table gates",
    "publish": "rollback at any time",
}
"""What leaves the way, drawn below a stage."""

_A_ROW, _WIDTH, _HEIGHT, _GAP, _LINE, _MARGIN = 5, 168, 66, 24, 118, 10


def draw() -> str:
    """Return the picture as SVG: the stages in rows of five, in their order, with what leaves the way."""
    rows = -(-len(STAGES) // _A_ROW)
    width = 2 * _MARGIN + _A_ROW * _WIDTH + (_A_ROW - 1) * _GAP
    height = 2 * _MARGIN + rows * _LINE - 22
    parts = [_stage(place, name) for place, name in enumerate(STAGES)]
    parts += [_arrow(place) for place in range(1, len(STAGES))]
    title = f"A night: {', '.join(STAGES)}"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" font-size="13" '
        f'font-family="system-ui, sans-serif">\n<title>{title}</title>\n'
        f'<rect width="{width}" height="{height}" rx="8" fill="#fff"/>\n' + "\n".join(parts) + "\n</svg>\n"
    )


def _corner(place: int) -> tuple[int, int]:
    row, column = divmod(place, _A_ROW)
    return _MARGIN + column * (_WIDTH + _GAP), _MARGIN + row * _LINE


def _stage(place: int, name: str) -> str:
    left, top = _corner(place)
    middle = left + _WIDTH // 2
    lines = [f'<rect x="{left}" y="{top}" width="{_WIDTH}" height="{_HEIGHT}" rx="6" fill="#e8eaf6" stroke="#3f51b5"/>']
    lines.append(_text(middle, top + 20, name, 'font-weight="bold" fill="#1a237e"'))
    lines += [_text(middle, top + 39 + 17 * line, caption) for line, caption in enumerate(_CAPTIONS.get(name, ()))]
    if name in _NO:
        lines.append(_text(middle, top + _HEIGHT + 19, f"↳ {_NO[name]}", 'fill="#b71c1c"'))
    return "\n".join(lines)


def _arrow(place: int) -> str:
    """Draw what leads to a stage: a line from its left neighbour, or a bent one from the row above."""
    left, top = _corner(place)
    before, above = _corner(place - 1)
    if top == above:
        path = f"M{before + _WIDTH} {top + _HEIGHT // 2}h{_GAP - 6}"
        tip = f"M{left - 7} {top + _HEIGHT // 2 - 4}l7 4l-7 4z"
    else:
        under = above + _HEIGHT + 30
        path = f"M{before + _WIDTH - 14} {above + _HEIGHT}V{under}H{left + 14}V{top - 6}"
        tip = f"M{left + 10} {top - 7}l4 7l4 -7z"
    return f'<path d="{path}" fill="none" stroke="#3f51b5"/><path d="{tip}" fill="#3f51b5"/>'


def _text(x: int, y: int, words: str, style: str = 'fill="#333"') -> str:
    return f'<text x="{x}" y="{y}" text-anchor="middle" {style}>{escape(words)}</text>'


if __name__ == "__main__":
    FILE.write_text(draw(), encoding="utf-8")
