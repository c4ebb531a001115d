"""Each published architecture as a paragraph of differences; one line here makes it known to `load`."""

from __future__ import annotations

from unmask.families.family import Family
from unmask.families.gpt import GPT2
from unmask.families.llama import LLAMA
from unmask.families.qwen import QWEN2, QWEN3

FAMILIES: tuple[Family, ...] = (GPT2, LLAMA, QWEN2, QWEN3)
