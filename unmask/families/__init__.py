"""Each published architecture as a paragraph of differences; one line here makes it known to `load`."""

from __future__ import annotations

from unmask.families.bert import BERT
from unmask.families.family import Family
from unmask.families.glm import GLM
from unmask.families.gpt1 import GPT1
from unmask.families.gpt2 import GPT2
from unmask.families.gpt3 import GPT3
from unmask.families.llama import LLAMA
from unmask.families.mistral import MISTRAL
from unmask.families.qwen import QWEN2, QWEN3
from unmask.families.roberta import ROBERTA, XLM_ROBERTA

FAMILIES: tuple[Family, ...] = (GPT1, GPT2, GPT3, BERT, ROBERTA, XLM_ROBERTA, GLM, LLAMA, MISTRAL, QWEN2, QWEN3)
"""Where several share a name in GGUF, files of that name are the first one's."""
