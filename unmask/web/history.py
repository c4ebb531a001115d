"""The conversation as the page holds it, and as a model reads it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

Shown = list[dict[str, Any]]
"""What the chat component holds: messages with a role and a content, which is text or a list of parts."""


def plain(history: Shown, system: str) -> list[dict[str, str]]:
    """The messages as a model reads them, after the system prompt if there is one."""
    messages = [{"role": each["role"], "content": joined(each["content"])} for each in history]
    return [{"role": "system", "content": system.strip()}, *messages] if system.strip() else messages


def joined(content: str | Sequence[dict[str, str]]) -> str:
    return content if isinstance(content, str) else "".join(part["text"] for part in content)
