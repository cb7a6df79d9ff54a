import re

from docs.generate.boxes import Band, Box, draw


def test_boxes_stand_in_bands_and_wrap_where_a_row_is_full() -> None:
    wide = "w" * 60
    picture = draw("A <title>", [Band("first", [Box(wide), Box("b", ["x & y"])]), Band("", [Box("c")])])
    assert "<title>A &lt;title&gt;</title>" in picture
    assert "x &amp; y" in picture
    corners = re.findall(r'<rect x="(\d+)" y="(\d+)" width="(\d+)"', picture)
    assert [int(x) for x, *_ in corners] == [12, 12 + int(corners[0][2]) + 10, 12]
    tops = [int(y) for _, y, _ in corners]
    assert tops[0] == tops[1] < tops[2]
    full = draw("t", [Band("", [Box(wide), Box(wide)])])
    assert len({y for _, y, _ in re.findall(r'<rect x="(\d+)" y="(\d+)" width="(\d+)"', full)}) == 2
