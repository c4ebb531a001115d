"""Watch a model at work: attention weights, queries, keys, values and hidden states of chosen layers and heads.

The model is the one that serves, not a copy of it. For one forward the kernels of the chosen layers are wrapped: each
still hands on what it always did, and beside that keeps what was asked for. So a watched forward gives what a plain
one gives, to the bit.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from unmask.base.errors import RequestError
from unmask.core.alignment import Alignment
from unmask.core.attention import Attention
from unmask.core.kernels import Kernel, attention_weights, shared
from unmask.core.masks import KernelMask, Mask
from unmask.core.memory import free_memory
from unmask.core.transformer import Transformer, TransformerSpec


@dataclass(frozen=True)
class Watch:
    """What to keep of a forward.

    Args:
        layers, heads: which, counted from 0; None is all.
        weights: how each query spreads over the keys, after the mask.
        vectors: queries and keys as they are compared (normed and turned), and values.
        hidden: the stream between the layers, of all layers.
    """

    layers: tuple[int, ...] | None = None
    heads: tuple[int, ...] | None = None
    weights: bool = True
    vectors: bool = False
    hidden: bool = False


@dataclass(frozen=True)
class Vectors:
    """One layer's queries [B, H, T, D], and the keys and values [B, H, S, D] that each of these heads reads."""

    query: Tensor
    key: Tensor
    value: Tensor


@dataclass
class Trace:
    """What was kept of one forward, in float32 or finer.

    Args:
        layers, heads: those that were watched, in the order of the tensors.
        weights: layer -> [B, H, T, S]; rows sum to 1, what the mask hides is exactly 0.
        vectors: layer -> its queries, keys and values.
        hidden: N + 1 tensors [B, T, W]: what entered the first layer, and what left each.
        output: what the forward returned, [B, T, W], in the model's own dtype.
    """

    layers: tuple[int, ...]
    heads: tuple[int, ...]
    weights: dict[int, Tensor] = field(default_factory=dict)
    vectors: dict[int, Vectors] = field(default_factory=dict)
    hidden: list[Tensor] = field(default_factory=list)
    output: Tensor = field(init=False, repr=False)


@torch.inference_mode()
def trace(
    model: Transformer,
    tokens: Tensor,
    watch: Watch,
    *,
    positions: Tensor | None = None,
    segments: Tensor | None = None,
    mask: Mask | None = None,
) -> Trace:
    """Read tokens [B, T] as the model does, and keep what `watch` asks for.

    The kernels are put back whatever happens. Meanwhile no other thread may use the model.

    Raises:
        RequestError: if a layer or head does not exist, or what is to be kept does not fit into memory.
    """
    kept = Trace(*chosen(model.spec, watch))
    check_room(cost(model.spec, watch, rows=tokens.shape[0], length=tokens.shape[1]), device=tokens.device)
    with ExitStack() as stack:
        stack.enter_context(the_long_way(model))
        for layer in kept.layers if watch.weights or watch.vectors else ():
            stack.enter_context(watched(attention_of(model, layer), layer, watch, kept))
        for part in (model.embedding, *model.blocks) if watch.hidden else ():
            stack.enter_context(overheard(part, kept.hidden))
        kept.output = model(tokens, positions=positions, segments=segments, mask=mask)
    return kept


def cost(spec: TransformerSpec, watch: Watch, *, rows: int, length: int) -> int:
    """Bytes that a trace of so many rows of so many tokens keeps."""
    layers, heads = chosen(spec, watch)
    tokens = rows * length
    numbers = (len(spec.blocks) + 1) * tokens * spec.width if watch.hidden else 0
    for layer in layers:
        numbers += len(heads) * tokens * length if watch.weights else 0
        numbers += 3 * len(heads) * tokens * spec.blocks[layer].attention.head_width if watch.vectors else 0
    return numbers * torch.float32.itemsize


def fitting(spec: TransformerSpec, *, length: int, most: int) -> Watch:
    """Attention weights of as many layers as take at most `most` bytes, evenly spread, the last one always."""
    depth = len(spec.blocks)
    one = cost(spec, Watch(layers=(0,)), rows=1, length=length)
    count = min(depth, max(1, most // max(1, one)))
    return Watch(layers=tuple(depth - 1 - step * depth // count for step in reversed(range(count))))


def chosen(spec: TransformerSpec, watch: Watch) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The layers and heads that are watched.

    Raises:
        RequestError: if one does not exist.
    """
    heads = min(block.attention.heads for block in spec.blocks)
    return among("layer", watch.layers, len(spec.blocks)), among("head", watch.heads, heads)


def among(kind: str, wanted: Sequence[int] | None, count: int) -> tuple[int, ...]:
    for number in wanted or ():
        if not 0 <= number < count:
            raise RequestError(
                "There is no {kind} {number}: the model has {count}, counted from 0 to {last}.",
                kind=kind,
                number=number,
                count=count,
                last=count - 1,
            )
    return tuple(range(count)) if wanted is None else tuple(wanted)


def check_room(size: int, *, device: torch.device) -> None:
    """
    Raises:
        RequestError: if so many bytes would take more than half of what is free.
    """
    free = free_memory(device)
    if free is not None and size > free // 2:
        raise RequestError(
            "To look so closely takes {size:,} MB, and {free:,} MB are free. Choose fewer layers or heads, or a "
            "shorter text.",
            size=size >> 20,
            free=free >> 20,
        )


@contextmanager
def the_long_way(model: Transformer) -> Iterator[None]:
    """For as long as this lasts, the model takes no shortcut: there is nothing to see on it."""
    shortcut, model.shortcut = model.shortcut, None
    try:
        yield
    finally:
        model.shortcut = shortcut


@contextmanager
def watched(attention: Attention, layer: int, watch: Watch, kept: Trace) -> Iterator[None]:
    """For as long as this lasts, this layer's kernel tells what it is given."""
    kernel = attention.kernel
    attention.kernel = telling(kernel, layer, watch, kept)
    try:
        yield
    finally:
        attention.kernel = kernel


def telling(kernel: Kernel, layer: int, watch: Watch, kept: Trace) -> Kernel:
    """A kernel that gives what `kernel` gives, and keeps the rest."""

    def tell(query: Tensor, key: Tensor, value: Tensor, mask: KernelMask, alignment: Alignment) -> Tensor:
        heads, count = list(kept.heads), query.shape[1]
        queries, keys = fine(query[:, heads]), fine(shared(key, count)[:, heads])
        if watch.weights:
            kept.weights[layer] = attention_weights(queries, keys, mask, alignment)
        if watch.vectors:
            kept.vectors[layer] = Vectors(queries, keys, fine(shared(value, count)[:, heads]))
        return kernel(query, key, value, mask, alignment)

    return tell


@contextmanager
def recalled(looks: Sequence[nn.Module]) -> Iterator[list[list[Tensor]]]:
    """For as long as this lasts, each of these looks at a memory keeps its weights, [B, H, T, S] of each call.

    A model that writes step by step calls its look once a step, with T = 1.
    """
    kernels = [look.kernel for look in looks]
    kept: list[list[Tensor]] = [[] for _ in looks]
    try:
        for look, calls in zip(looks, kept, strict=True):
            look.kernel = keeping(look.kernel, calls)  # type: ignore[assignment,arg-type] # modules' own are not typed
        yield kept
    finally:
        for look, kernel in zip(looks, kernels, strict=True):
            look.kernel = kernel


def keeping(kernel: Kernel, calls: list[Tensor]) -> Kernel:
    """A kernel that gives what `kernel` gives, and keeps its weights."""

    def keep(query: Tensor, key: Tensor, value: Tensor, mask: KernelMask, alignment: Alignment) -> Tensor:
        calls.append(attention_weights(fine(query), fine(key), mask, alignment))
        return kernel(query, key, value, mask, alignment)

    return keep


@contextmanager
def overheard(part: nn.Module, heard: list[Tensor]) -> Iterator[None]:
    """For as long as this lasts, what this part gives is kept."""
    hook = part.register_forward_hook(lambda _part, _given, out: heard.append(fine(out)))
    try:
        yield
    finally:
        hook.remove()


def fine(values: Tensor) -> Tensor:
    """At least float32, whatever the model computes in: what is looked at should be no rounder than need be."""
    return values.to(torch.promote_types(values.dtype, torch.float32))


def attention_of(model: Transformer, layer: int) -> Attention:
    found = model.blocks[layer].attention
    assert isinstance(found, Attention), "every block has attention"
    return found
