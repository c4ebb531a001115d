"""Pieces of pictures: labels, colours, heat maps. SVG text, with no address in it but the name of the format itself."""

from __future__ import annotations

import re
import struct
import unicodedata
import zlib
from base64 import b64encode
from collections.abc import Callable, Iterable
from html import escape as escape_marks

import torch
from torch import Tensor

COOL, WARM = "#6366f1", "#ea7317"
"""For more than nothing and for less. Middle tones: both stand out on white paper and on a dark screen."""
FONTS = "system-ui, 'PingFang SC', 'Microsoft YaHei', 'Noto Sans CJK SC', sans-serif"
FORBIDDEN = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def escape(text: str) -> str:
    """Text as it may stand in XML and HTML, attributes included; a character that XML forbids becomes U+FFFD.

    Source: XML 1.0, section 2.2.
    """
    return escape_marks(FORBIDDEN.sub("\ufffd", text))


def ems(text: str) -> float:
    """About how wide a label is, in ems: 1 for a wide character (East Asian, emoji), about half for any other.

    Source: Unicode Standard Annex 11.
    """
    return sum(breadth(character) for character in text)


def breadth(character: str) -> float:
    if unicodedata.combining(character):
        return 0.0
    return 1.0 if unicodedata.east_asian_width(character) in "WF" else 0.56


def shortened(text: str, limit: float) -> str:
    """A label of at most about `limit` ems; an ellipsis stands for what is cut off."""
    if ems(text) <= limit:
        return text
    kept = 0
    while ems(text[: kept + 1]) + breadth("…") <= limit:
        kept += 1
    return text[:kept] + "…"


def label(text: str, x: float, y: float, *, size: float = 12, anchor: str = "start") -> str:
    """Horizontal text whose middle line is at `y`; `anchor` is the SVG's "start", "middle" or "end"."""
    return (
        f'<text x="{x:g}" y="{y:g}" font-size="{size:g}" text-anchor="{anchor}" dominant-baseline="central">'
        f"{escape(text)}</text>"
    )


def fill(value: float) -> str:
    """The attributes that colour a shape: the stronger the further from 0, at most 1 away; warm below it."""
    return f'fill="{COOL if value >= 0 else WARM}" fill-opacity="{min(abs(value), 1.0):.3g}"'


def heat(values: Tensor, *, x: float, y: float, width: float, height: float, signed: bool = False) -> str:
    """A heat map of values [rows, columns] from 0 to 1, from -1 if `signed`: one image however many cells there are."""
    return (
        f'<image x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" preserveAspectRatio="none" '
        f'style="image-rendering: pixelated" href="{image(values, signed=signed)}"/>'
    )


def cells(values: Tensor, title: Callable[[int, int], str], *, x: float, y: float, width: float, height: float) -> str:
    """A heat map of few values [rows, columns]: shapes that tell their `title(row, column)` when pointed at."""
    rows, columns = values.shape
    wide, high = width / columns, height / rows
    return "".join(
        f'<rect x="{x + column * wide:g}" y="{y + row * high:g}" width="{wide:g}" height="{high:g}" {fill(value)}>'
        f"<title>{escape(title(row, column))}</title></rect>"
        for row, line in enumerate(values.tolist())
        for column, value in enumerate(line)
    )


def image(values: Tensor, *, signed: bool = False) -> str:
    """A heat map's cells as the address that holds them, one pixel each, transparent where the value is 0."""
    return "data:image/png;base64," + b64encode(png(values, signed=signed)).decode()


def png(values: Tensor, *, signed: bool = False) -> bytes:
    """
    Source: PNG specification, third edition, sections 5 (chunks), 9 (filter 0) and 11.2-11.3 (palette with alpha).
    """
    low = -1.0 if signed else 0.0
    shades = ((values.float().clamp(low, 1.0) - low) * (255 / (1.0 - low))).round().to(torch.uint8)
    rows, columns = shades.shape
    # Every line begins with the number of its filter: none.
    lines = torch.cat((shades.new_zeros(rows, 1), shades), dim=1).cpu().numpy().tobytes()
    levels = [low + (1.0 - low) * shade / 255 for shade in range(256)]
    return b"".join(
        (
            b"\x89PNG\r\n\x1a\n",
            chunk(b"IHDR", struct.pack(">IIBBBBB", columns, rows, 8, 3, 0, 0, 0)),
            chunk(b"PLTE", b"".join(bytes.fromhex((COOL if level >= 0 else WARM)[1:]) for level in levels)),
            chunk(b"tRNS", bytes(round(255 * abs(level)) for level in levels)),
            chunk(b"IDAT", zlib.compress(lines)),
            chunk(b"IEND", b""),
        )
    )


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def drawing(name: str, width: float, height: float, parts: Iterable[str]) -> str:
    """An SVG element for a page; `name` is what a screen reader calls it. Its ink is that of the text around it."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" width="{width:g}" '
        f'height="{height:g}" role="img" aria-label="{escape(name)}" font-family="{FONTS}" fill="currentColor">'
        f"{''.join(parts)}</svg>"
    )


def document(title: str, width: float, height: float, parts: Iterable[str]) -> str:
    """A whole SVG file."""
    return drawing(title, width, height, (f"<title>{escape(title)}</title>", *parts)) + "\n"
