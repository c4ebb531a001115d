"""What must hold of every view's page, picture and data."""

from __future__ import annotations

import json
import re
from xml.etree import ElementTree

from unmask.views.view import View

MOST = 3 << 20
NAMESPACE = "http://www.w3.org/2000/svg"


def check_stands_alone(view: View) -> None:
    """The picture is XML, the page has no address in it and is small enough, the data is JSON."""
    ElementTree.fromstring(view.svg)
    page = view.html()
    assert len(page.encode()) < MOST
    assert set(re.findall(r"\w{0,8}://[^\s\"'<)]*", page)) <= {NAMESPACE}
    assert re.findall(r"""(?:src|href)=["'](?!data:)""", page) == []
    assert json.loads(view.json()).keys() == view.data.keys()


def chinese(text: str) -> bool:
    return any("\u4e00" <= character <= "\u9fff" for character in text)
