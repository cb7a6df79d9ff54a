"""Pictures of named boxes in bands from top to bottom, as SVG that needs nothing else."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Final, NamedTuple

_WIDTH, _MARGIN, _GAP = 960, 12, 10
_LETTER, _BOLD, _LINE, _HEAD, _LABEL = 7.4, 8.8, 16, 26, 24
_FILLS: Final = ("#e8eaf6", "#fff3e0", "#e0f2f1")


@dataclass(frozen=True)
class Box:
    """A box: its title, and lines below it."""

    title: str
    lines: Sequence[str] = ()


@dataclass(frozen=True)
class Band:
    """A row of boxes, wrapped where it is full, under a label; one without goes on with the band above."""

    label: str
    boxes: Sequence[Box]


class _Placed(NamedTuple):
    box: Box
    left: float
    top: float
    width: float
    height: float


def draw(title: str, bands: Sequence[Band]) -> str:
    """Return the picture as SVG.

    Args:
        title: What it shows, for those who hear it.
        bands: From top to bottom.
    """
    parts, top, n_labels = [], float(_MARGIN), 0
    for band in bands:
        if band.label:
            n_labels += 1
            parts.append(_text(_MARGIN, top + 14, band.label, 'font-weight="bold" fill="#333"'))
            top += _LABEL
        placed = _place(band.boxes, top)
        parts += [_drawn(one, _FILLS[n_labels % len(_FILLS)]) for one in placed]
        top = max(one.top + one.height for one in placed) + _GAP
    height = round(top + _MARGIN - _GAP)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="img" font-size="13" '
        f'font-family="system-ui, sans-serif">\n<title>{escape(title)}</title>\n'
        f'<rect width="{_WIDTH}" height="{height}" rx="8" fill="#fff"/>\n' + "\n".join(parts) + "\n</svg>\n"
    )


def _place(boxes: Sequence[Box], top: float) -> list[_Placed]:
    placed: list[_Placed] = []
    left, tallest = float(_MARGIN), 0.0
    for box in boxes:
        width = round(max(len(box.title) * _BOLD, *(len(words) * _LETTER for words in box.lines), 0)) + 24
        if left > _MARGIN and left + width > _WIDTH - _MARGIN:
            left, top, tallest = float(_MARGIN), top + tallest + _GAP, 0.0
        height = float(_HEAD + _LINE * len(box.lines) + (6 if box.lines else 0))
        placed.append(_Placed(box, left, top, width, height))
        left, tallest = left + width + _GAP, max(tallest, height)
    return placed


def _drawn(one: _Placed, fill: str) -> str:
    box, left, top, width, height = one
    shape = (
        f'<rect x="{left:g}" y="{top:g}" width="{width:g}" height="{height:g}" rx="5" fill="{fill}" stroke="#3f51b5"/>'
    )
    lines = [_text(left + 12, top + 18, box.title, 'font-weight="bold" fill="#1a237e"')]
    lines += [
        _text(left + 12, top + _HEAD + 10 + _LINE * place, words, 'fill="#333"')
        for place, words in enumerate(box.lines)
    ]
    return "\n".join([shape, *lines])


def _text(x: float, y: float, words: str, style: str) -> str:
    return f'<text x="{x:g}" y="{y:g}" {style}>{escape(words)}</text>'
