"""Chinese wording: the command line."""

from __future__ import annotations

TEXTS: dict[str, str] = {}
