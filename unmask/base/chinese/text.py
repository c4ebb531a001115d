"""Chinese wording: tokenizers and chat templates."""

from __future__ import annotations

TEXTS: dict[str, str] = {}
