"""Chinese wording: sampling, prompts and contexts."""

from __future__ import annotations

TEXTS: dict[str, str] = {}
