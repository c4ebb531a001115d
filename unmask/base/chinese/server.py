"""Chinese wording: the server and its web page."""

from __future__ import annotations

TEXTS: dict[str, str] = {}
