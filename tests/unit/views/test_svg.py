from __future__ import annotations

import re
from base64 import b64decode
from io import BytesIO
from xml.etree import ElementTree

import pytest
import torch
from PIL import Image

from unmask.views.svg import COOL, WARM, cells, document, drawing, ems, escape, fill, heat, label, png, shortened

SPACE = "{http://www.w3.org/2000/svg}"
PAPER = {"x": 1.0, "y": 2.0, "width": 30.0, "height": 20.0}


def rgb(colour: str) -> tuple[int, ...]:
    return tuple(bytes.fromhex(colour[1:]))


def pixels(content: bytes) -> list[list[tuple[int, ...]]]:
    """What Pillow sees."""
    image = Image.open(BytesIO(content)).convert("RGBA")
    return [[image.getpixel((x, y)) for x in range(image.width)] for y in range(image.height)]


def parsed(*parts: str) -> ElementTree.Element:
    return ElementTree.fromstring(document("A & B", 100, 50, parts))


def test_another_library_reads_the_same_image():
    values = torch.tensor([[0.0, 0.2, 1.0], [0.5, 0.75, 0.999]])
    assert pixels(png(values)) == [[(*rgb(COOL), round(255 * value)) for value in row] for row in values.tolist()]


def test_below_nothing_is_warm():
    seen = pixels(png(torch.tensor([[-1.0, -0.5, 0.5, 1.0]]), signed=True))[0]
    assert [each[:3] for each in seen] == [rgb(WARM), rgb(WARM), rgb(COOL), rgb(COOL)]
    assert [each[3] for each in seen] == pytest.approx([255, 127, 127, 255], abs=2)


def test_what_is_out_of_range_is_as_strong_as_can_be():
    assert [each[3] for each in pixels(png(torch.tensor([[-3.0, 7.0]])))[0]] == [0, 255]


def test_a_heat_map_is_one_image_with_sharp_cells():
    (image,) = parsed(heat(torch.rand(5, 7), **PAPER)).iter(f"{SPACE}image")
    assert [image.get(key) for key in ("x", "y", "width", "height")] == ["1", "2", "30", "20"]
    assert image.get("preserveAspectRatio") == "none"
    assert image.get("style") == "image-rendering: pixelated"
    kind, content = (image.get("href") or "").split(",")
    assert kind == "data:image/png;base64"
    assert Image.open(BytesIO(b64decode(content))).size == (7, 5)


def test_few_cells_tell_their_title():
    values = torch.tensor([[0.0, 1.0], [0.5, 0.25]])
    drawn = parsed(cells(values, lambda row, column: f"<{row}, {column}>", **PAPER))
    shapes = list(drawn.iter(f"{SPACE}rect"))
    assert [shape[0].text for shape in shapes] == ["<0, 0>", "<0, 1>", "<1, 0>", "<1, 1>"]
    assert [(shape.get("x"), shape.get("y")) for shape in shapes] == [
        ("1", "2"),
        ("16", "2"),
        ("1", "12"),
        ("16", "12"),
    ]
    assert [float(shape.get("fill-opacity") or "") for shape in shapes] == [0, 1, 0.5, 0.25]


def test_a_colour_is_as_strong_as_its_value():
    assert fill(0.25) == f'fill="{COOL}" fill-opacity="0.25"'
    assert fill(-2) == f'fill="{WARM}" fill-opacity="1"'


def test_any_text_is_a_label_as_it_is():
    texts = ['<b> & "it\'s"', "小猫", "a\x00b\x1f\x7f", "half \ud800", "🙂"]
    drawn = [each.text for each in parsed(*(label(text, 3, 4) for text in texts)).iter(f"{SPACE}text")]
    assert drawn == ['<b> & "it\'s"', "小猫", "a\ufffdb\ufffd\x7f", "half \ufffd", "🙂"]


def test_a_label_lies_flat():
    assert not re.search("rotate|writing-mode|transform", label("小猫", 3, 4, size=10, anchor="middle"))


def test_escaped_text_fits_into_attributes():
    assert ElementTree.fromstring(f'<a b="{escape(chr(34) + "<&>" + chr(39))}"/>').get("b") == "\"<&>'"


def test_a_wide_character_counts_for_about_two():
    assert ems("小猫") == 2.0
    assert ems("，") == 1.0
    assert ems("ab") == pytest.approx(1.1, abs=0.1)
    assert ems("e\u0301") == ems("e")


@pytest.mark.parametrize(
    ("text", "limit", "expected"),
    [
        ("cat", 2, "cat"),
        ("小猫坐在垫子上", 4, "小猫坐…"),
        ("antidisestablish", 3, "anti…"),
        ("", 0, ""),
        ("ab", 0, "…"),
    ],
)
def test_a_long_label_is_cut(text: str, limit: float, expected: str):
    assert shortened(text, limit) == expected


def test_a_document_has_a_title_and_a_size_and_no_address_but_the_formats():
    text = document("A <b> & C", 100, 50.5, ["<g/>"])
    root = ElementTree.fromstring(text)
    assert root.tag == f"{SPACE}svg"
    assert (root.get("viewBox"), root.get("width"), root.get("height")) == ("0 0 100 50.5", "100", "50.5")
    assert root[0].tag == f"{SPACE}title"
    assert root[0].text == "A <b> & C"
    assert re.findall('https?://[^"]*', text) == ["http://www.w3.org/2000/svg"]


def test_a_drawing_within_a_page_has_a_name_for_those_who_do_not_see_it():
    root = ElementTree.fromstring(drawing("All & more", 10, 10, []))
    assert root.get("aria-label") == "All & more"
    assert root.get("role") == "img"
    assert list(root) == []
