"""One line on what the model is doing: its pace, how full its context is, and what that takes of the memory."""

from __future__ import annotations

from functools import cached_property

import torch

from unmask.base.language import translate
from unmask.core.memory import process_memory
from unmask.quantization.census import nbytes
from unmask.server.host import Host
from unmask.web.conversation import Answer

MEGA = 1_000_000


class Status:
    """The line of one model."""

    def __init__(self, host: Host) -> None:
        self.model = host.model
        self.engine = host.engine

    @cached_property
    def weights(self) -> int:
        """Bytes."""
        return nbytes(self.model.core)

    def cache(self, tokens: int) -> int:
        """Bytes of the keys and values of so many tokens."""
        return tokens * self.engine.slot_bytes

    def line(self, answer: Answer | None, tongue: str) -> str:
        """As HTML; `answer` is the latest of the conversation that is open."""
        used = answer.prompt_tokens + len(answer.tokens) if answer else 0
        parts = []
        if answer and answer.speed:
            parts.append(translate("{speed:.1f} tokens/s", tongue).format(speed=answer.speed))
        if answer:
            parts.append(translate("{tokens} tokens written", tongue).format(tokens=len(answer.tokens)))
        context = translate("context {used} of {context}", tongue).format(used=used, context=self.model.context)
        parts.append(f'{context} <meter min="0" max="{self.model.context}" value="{used}" aria-hidden="true"></meter>')
        memory = translate("memory: weights {weights} MB + cache {cache:.1f} MB", tongue)
        parts.append(memory.format(weights=round(self.weights / MEGA), cache=self.cache(used) / MEGA))
        if process := process_memory(torch.device("cpu")):
            parts.append(translate("process {process} MB", tongue).format(process=round(process / MEGA)))
        return "".join(f"<span>{part}</span>" for part in parts)
