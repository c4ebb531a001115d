"""What a checkpoint will need in memory, found by loading and running it on the meta device: the same code, no weights.

So the plan knows of every temporary tensor of every family, and follows the code when that changes. Not seen are the
buffers inside kernels.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, replace
from itertools import chain

import torch

from unmask.base.errors import RequestError
from unmask.core.live import Live
from unmask.core.masks import LeftPadding, RightPadding
from unmask.core.memory import cache_size, free_memory
from unmask.core.widening import suit
from unmask.families.open import Opened
from unmask.families.rehearsal import META, keep_one_of_each, rehearse_load
from unmask.quantization.census import schemes

MOST_USERS = 1 << 16


@dataclass(frozen=True)
class Plan:
    """What one number format needs, in bytes.

    Args:
        context: tokens of each row, prompt and answer together.
        users: rows in work at once.
        weights: the parameters.
        file: pages of the weight file that stay in memory beside them.
        cache: keys and values; an encoder has none.
        work: tensors of the largest forward, and what the allocator keeps of those it freed.
        runtime: Python, its libraries and the tokenizer.
        loading: the most while the weights are read, all of it.
        free: what this machine has now; None where it does not say.
        longest: the longest context that fits; None if none does, or if it is not known what is free.
    """

    dtype: str
    context: int
    users: int
    weights: int
    file: int
    cache: int
    work: int
    runtime: int
    loading: int
    free: int | None
    longest: int | None

    @property
    def total(self) -> int:
        """The most at any time."""
        return max(self.loading, self.weights + self.file + self.cache + self.work + self.runtime)

    @property
    def fits(self) -> bool | None:
        """Whether there is as much here; the runtime is, since this process runs. None where that is not known."""
        return None if self.free is None else self.total <= self.free + self.runtime


def plan(
    checkpoint: Opened,
    *,
    dtype: torch.dtype | None,
    device: torch.device,
    context: int,
    users: int,
    runtime: int,
    quantize: str | None = None,
) -> Plan:
    """What `users` rows of `context` tokens would need; see Plan.

    Args:
        dtype, quantize: as `load_checkpoint` takes them.
        runtime: what the process takes without the model, as `process_memory` tells it.
    Raises:
        CheckpointError: if the weights do not fit the model.
        RequestError: if `context` or `users` is out of its range, or the format cannot be had.
    """
    for name, value, high in (("context", context, checkpoint.spec.context), ("users", users, MOST_USERS)):
        if not 1 <= value <= high:
            raise RequestError(
                "{name} is {value}; it must be from {low} to {high}.", name=name, value=value, low=1, high=high
            )
    rehearsal = Rehearsal(checkpoint, dtype, device, quantize)
    free = free_memory(device)

    def planned(tokens: int) -> Plan:
        return rehearsal.plan(tokens, users, runtime=runtime, free=free)

    whole = planned(context)
    if free is None:
        return whole
    longest = context if whole.fits else bisect_left(range(1, context), True, key=lambda t: not planned(t).fits)
    return replace(whole, longest=longest or None)


class Rehearsal:
    """A checkpoint's load and its largest forward in one number format, over meta tensors."""

    def __init__(
        self, checkpoint: Opened, dtype: torch.dtype | None, device: torch.device, quantize: str | None
    ) -> None:
        self.spec, self.device = checkpoint.spec, device
        self.model, self.load = rehearse_load(checkpoint.spec.build, checkpoint, dtype, quantize)
        self.dtype = "+".join(schemes(self.model)) or str(self.model.dtype).removeprefix("torch.")
        keep_one_of_each(self.model)
        suit(self.model.eval(), device)

    def plan(self, context: int, users: int, *, runtime: int, free: int | None) -> Plan:
        """See Plan; `longest` is left open."""
        rows = users if self.spec.writes else 0
        live = Live()
        for each in chain(self.model.parameters(), self.model.buffers()):
            live.add(each.untyped_storage())
        present = live.now + rows * cache_size(self.model.spec, context, self.model.cache_dtype)
        with torch.inference_mode(), live:
            self.forward(context, users)
        work, load, on_host = live.peak - present, self.load, self.device.type == "cpu"
        return Plan(
            dtype=self.dtype,
            context=context,
            users=users,
            weights=load.weights,
            file=load.file if on_host else 0,
            cache=rows * cache_size(self.spec, context, self.model.cache_dtype),
            work=work + max(load.kept, live.kept) if on_host else work,
            runtime=runtime,
            loading=runtime + (load.peak + load.kept if on_host else load.weights),
            free=free,
            longest=None,
        )

    def forward(self, context: int, users: int) -> None:
        """Read rows that fill the context: as a prompt where the model writes, else as texts to embed."""
        lengths = torch.zeros(users, dtype=torch.int64, device=META)
        tokens = torch.zeros(
            users, max(context - 1, 1) if self.spec.writes else context, dtype=torch.int64, device=META
        )
        if self.spec.writes:
            mask = self.spec.mask & LeftPadding(lengths) if users > 1 else None
            self.model.logits(tokens, mask=mask, cache=self.model.cache(batch=users, capacity=context), last=1)
        else:
            self.model(tokens, mask=self.spec.mask & RightPadding(lengths) if users > 1 else None)
