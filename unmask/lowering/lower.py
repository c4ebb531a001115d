"""Lowering: a model becomes native steps, part by part, as its own `forward` would go."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn

from unmask.base.errors import SpecError
from unmask.base.language import say
from unmask.core.attention import Attention
from unmask.core.block import Block
from unmask.core.embedding import Embedding
from unmask.core.feedforward import Gated, Plain
from unmask.core.masks import Full, Window
from unmask.core.positions import Rotary, Sinusoid
from unmask.core.residual import Pre
from unmask.core.transformer import Transformer
from unmask.native.library import FUNCTIONS, Flag, Kind
from unmask.native.matrix import FloatMatrix, Matrix
from unmask.native.program import NONE, Heads, Rounding, Step
from unmask.quantization.linear import QuantizedEmbedding, QuantizedLinear

STREAM, NORMED, QUERY, KEY, VALUE, MIXED, INNER, GATE = range(8)
"""Buffers between steps: what runs through the blocks, and what is made of it within one."""


class NotLowered(SpecError):
    """A model has a part that the native library does not know; it runs in torch."""


@dataclass(frozen=True, eq=False)
class Lowered:
    """A model as steps: for rows of up to `length` tokens, with buffers of these widths."""

    steps: list[Step]
    widths: list[int]
    length: int


def lower(model: Transformer, *, length: int) -> Lowered:
    """The steps for rows of up to `length` tokens: to logits of a model that writes, to an encoder's hidden states.

    Raises:
        NotLowered: if a part has no native operation; says which.
    """
    spec = model.spec
    require(spec.writes or isinstance(spec.mask, Full), say("its mask and head"))
    require(spec.relative is None, say("positions that are added to scores"))
    blocks = [part for part in model.blocks if isinstance(part, Block)]
    tables = {each: turns(each, length) for each in {part.spec.attention.position for part in blocks} if each}
    steps = list(embed(model, before(blocks[0]), length))
    for layer, block in enumerate(blocks):
        after = before(blocks[layer + 1]) if layer + 1 < len(blocks) else NONE
        steps += block_steps(block, layer, tables, after=after, writes=spec.writes)
    steps += read_out(model) if spec.writes else hand_out(model)
    inner = max(part.spec.feedforward.hidden for part in blocks)
    heads = max(part.spec.attention.heads * part.spec.attention.head_width for part in blocks)
    keys = max(part.spec.attention.kv_heads * part.spec.attention.head_width for part in blocks)
    return Lowered(steps, [spec.width, spec.width, heads, keys, keys, heads, inner, inner], length)


def require(known: bool, what: str) -> None:
    """
    Raises:
        NotLowered: if the part is not `known`.
    """
    if not known:
        raise NotLowered("The native library has no operation for {what}.", what=what)


def readable(part: nn.Module | None) -> nn.Linear | QuantizedLinear:
    """A matrix that the library can read: of few bits, or float32 as PyTorch keeps it."""
    exact = type(part) is nn.Linear and part.weight.dtype == torch.float32 and part.weight.is_contiguous()
    require(exact or isinstance(part, QuantizedLinear), say("a matrix that is neither quantized nor float32"))
    assert isinstance(part, nn.Linear | QuantizedLinear)
    return part


def rounding(*parts: nn.Module | None) -> Rounding:
    """How all of these want their common input rounded."""
    packed = [part.packed if isinstance(part, QuantizedLinear) else None for part in map(readable, parts)]
    wanted = {NONE if each is None else Rounding(each.group, each.scheme.fine) for each in packed}
    require(len(wanted) == 1, say("matrices of different groups side by side"))
    return wanted.pop()


def multiply(
    part: nn.Module | None, source: int, target: int, flags: Flag = Flag.NONE, kind: Kind = Kind.MULTIPLY
) -> Step:
    (step,) = products(part, source, target, flags, kind)
    return step


def products(
    part: nn.Module | None, source: int, target: int, flags: Flag = Flag.NONE, kind: Kind = Kind.MULTIPLY
) -> list[Step]:
    """One for each plane of a matrix; each adds to what those before it have made, and so has to wait for them."""
    linear = readable(part)
    first = partial(Step, kind, source, target=target)
    if not isinstance(linear, QuantizedLinear):
        return [first(flags=flags, matrix=FloatMatrix(linear.weight.detach()), bias=linear.bias)]
    matrix, *others = (each.matrix for each in linear.packed.planes)
    added = [first(flags=flags | Flag.ADD, matrix=each) for each in others]
    return [first(flags=flags, matrix=matrix, bias=linear.bias), *added]


def before(block: Block) -> Rounding:
    """How a block's first product wants the stream rounded; not at all where a norm comes between."""
    attention = block.attention
    assert isinstance(attention, Attention)
    if isinstance(block.spec.residual, Pre):
        return NONE
    return rounding(attention.query, attention.key, attention.value)


def norm(part: nn.Module, *, source: int, target: int, round_by: Rounding, flags: Flag = Flag.NONE) -> Step:
    if isinstance(part, nn.RMSNorm):
        eps = part.eps if part.eps is not None else torch.finfo(torch.float32).eps
        return Step(
            Kind.RMS_NORM, source, target=target, flags=flags, round=round_by, number=eps, weight=plain(part.weight)
        )
    require(isinstance(part, nn.LayerNorm), type(part).__name__)
    assert isinstance(part, nn.LayerNorm)
    weight, bias = plain(part.weight), plain(part.bias)
    return Step(
        Kind.LAYER_NORM, source, target=target, flags=flags, round=round_by, number=part.eps, weight=weight, bias=bias
    )


def plain(parameter: Tensor) -> Tensor:
    """A vector or table as the library reads it."""
    return parameter.detach().float().contiguous()


def turns(position: Rotary, length: int) -> tuple[Tensor, Tensor]:
    """Cosines and sines of all positions: [length, D/2] each."""
    turn = position.turn(torch.arange(length)[None], torch.float32)
    half = position.width // 2
    return turn.cosine[0, 0, :, :half].contiguous(), turn.sine[0, 0, :, half:].contiguous()


def embed(model: Transformer, round_by: Rounding, length: int) -> Iterator[Step]:
    """Tokens to the stream; all are of the first segment, as nobody says otherwise."""
    embedding = model.embedding
    tokens = embedding.tokens
    if isinstance(tokens, QuantizedEmbedding):
        matrix: Matrix | FloatMatrix = tokens.packed.matrix
    else:
        require(tokens.weight.dtype == torch.float32, say("an embedding that is neither quantized nor float32"))
        matrix = FloatMatrix(tokens.weight.detach())
    require(embedding.blanks is None, say("an embedding with blanks"))
    table = positions_of(embedding, length)
    if embedding.segments is not None:
        require(table is not None, say("segments without positions"))
        table = None if table is None else table + plain(embedding.segments.weight)[0]
    bare = isinstance(embedding.norm, nn.Identity)
    after = round_by if bare else NONE
    first, scale = embedding.first, embedding.scale
    yield Step(Kind.EMBED, target=STREAM, round=after, matrix=matrix, weight=table, offset=first, number=scale)
    if not bare:
        yield norm(embedding.norm, source=STREAM, target=STREAM, round_by=round_by)


def positions_of(embedding: Embedding, length: int) -> Tensor | None:
    """What is added to tokens by their position, [positions, W]."""
    positions = embedding.positions
    if isinstance(positions, Sinusoid):
        return plain(positions(torch.arange(length)))
    assert positions is None or isinstance(positions, nn.Embedding)
    return None if positions is None else plain(positions.weight)


Tables = dict[Rotary, tuple[Tensor, Tensor]]


def block_steps(block: Block, layer: int, tables: Tables, *, after: Rounding, writes: bool) -> Iterator[Step]:
    """One block's steps. `after`: how the next product wants the stream rounded, if no norm comes before it."""
    attention, look, feedforward = block.attention, block.memory_attention, block.feedforward
    assert isinstance(attention, Attention)
    source = NORMED if isinstance(block.spec.residual, Pre) else STREAM
    inputs: tuple[nn.Module, ...] = (attention.query, attention.key, attention.value)
    parts = [(block.attention_norm, inputs, attention_steps(attention, source, layer, tables, writes=writes))]
    if block.memory_norm is not None:
        assert isinstance(look, Attention)
        parts.append((block.memory_norm, (look.query,), memory_steps(look, source, layer)))
    inputs = (feedforward.gate, feedforward.up) if isinstance(feedforward, Gated) else (feedforward.up,)
    activation = block.spec.feedforward.activation
    parts.append((block.feedforward_norm, inputs, feedforward_steps(feedforward, source, activation)))
    wanted = [rounding(*inputs) for _, inputs, _ in parts]
    for (norm_part, _, steps), own, following in zip(parts, wanted, [*wanted[1:], after], strict=True):
        if source == NORMED:
            yield norm(norm_part, source=STREAM, target=NORMED, round_by=own)
            yield from steps
        else:
            yield from steps
            yield norm(norm_part, source=STREAM, target=STREAM, round_by=following)


def attention_steps(attention: Attention, source: int, layer: int, tables: Tables, *, writes: bool) -> Iterator[Step]:
    """From the input in `source`, rounded where that is wanted, to what the stream gains."""
    spec = attention.spec
    require(isinstance(spec.mask, Full | Window), type(spec.mask).__name__)
    heads = Heads(layer, spec.heads, spec.kv_heads, spec.head_width)
    scale, round_by = spec.alignment.scale(spec.head_width), rounding(attention.out)
    *first, last = products(attention.value, source, VALUE)
    yield multiply(attention.query, source, QUERY, Flag.ALONG)
    yield from first
    yield multiply(attention.key, source, KEY, Flag.ALONG)
    yield last
    if writes:
        yield settle(attention, heads, tables)
        window = spec.mask.length if isinstance(spec.mask, Window) else 0
        yield Step(Kind.ATTEND, QUERY, target=MIXED, heads=heads, window=window, number=scale, round=round_by)
    else:
        plain_heads = spec.position is None and isinstance(attention.query_norm, nn.Identity)
        require(plain_heads and isinstance(spec.mask, Full), say("an encoder whose attention has positions or windows"))
        yield Step(Kind.ATTEND_ALL, QUERY, KEY, MIXED, heads=heads, values=VALUE, number=scale, round=round_by)
    yield multiply(attention.out, MIXED, STREAM, Flag.ADD)


def memory_steps(attention: Attention, source: int, layer: int) -> Iterator[Step]:
    """As `attention_steps`, of a look at a memory; its keys and values are made once, before."""
    spec = attention.spec
    bare = isinstance(attention.query_norm, nn.Identity) and isinstance(spec.mask, Full)
    require(bare, say("a memory that is looked at with norms or through a mask"))
    heads = Heads(layer, spec.heads, spec.kv_heads, spec.head_width)
    scale, round_by = spec.alignment.scale(spec.head_width), rounding(attention.out)
    yield multiply(attention.query, source, QUERY)
    yield Step(Kind.ATTEND_MEMORY, QUERY, target=MIXED, heads=heads, number=scale, round=round_by)
    yield multiply(attention.out, MIXED, STREAM, Flag.ADD)


def settle(attention: Attention, heads: Heads, tables: Tables) -> Step:
    """Norms and turns of queries and keys, and what is remembered of them."""
    query_norm, key_norm, eps = head_norms(attention)
    position = attention.spec.position
    cosines, sines = tables[position] if position else (None, None)
    return Step(
        Kind.SETTLE,
        QUERY,
        KEY,
        VALUE,
        heads=heads,
        number=eps,
        weight=query_norm,
        bias=key_norm,
        cosines=cosines,
        sines=sines,
    )


def head_norms(attention: Attention) -> tuple[Tensor | None, Tensor | None, float]:
    """Weights of the norms of queries and keys, and their epsilon."""
    norms = attention.query_norm, attention.key_norm
    if isinstance(norms[0], nn.Identity):
        return None, None, 0.0
    step = norm(norms[0], source=0, target=0, round_by=NONE)
    require(step.kind is Kind.RMS_NORM, say("norms of heads that are not RMSNorm"))
    return step.weight, norm(norms[1], source=0, target=0, round_by=NONE).weight, step.number


def feedforward_steps(part: nn.Module, source: int, activation: str) -> Iterator[Step]:
    """As `attention_steps`, of a feed-forward."""
    assert isinstance(part, Gated | Plain)
    bend = FUNCTIONS.index(activation)
    round_by = rounding(part.down)
    if isinstance(part, Gated):
        yield multiply(part.gate, source, GATE, Flag.ALONG)
        yield multiply(part.up, source, INNER)
        yield Step(Kind.ACTIVATE, GATE, INNER, INNER, function=bend, round=round_by)
    else:
        yield multiply(part.up, source, INNER)
        yield Step(Kind.ACTIVATE, INNER, target=INNER, function=bend, round=round_by)
    yield multiply(part.down, INNER, STREAM, Flag.ADD)


def read_out(model: Transformer) -> Iterator[Step]:
    """From the stream to logits of the wanted rows."""
    last = rounding(model.head)
    if isinstance(model.final_norm, nn.Identity):
        yield Step(Kind.COPY, STREAM, target=NORMED, flags=Flag.WANTED, round=last)
    else:
        yield norm(model.final_norm, source=STREAM, target=NORMED, round_by=last, flags=Flag.WANTED)
    yield multiply(model.head, NORMED, 0, Flag.WANTED, Kind.LOGITS)


def hand_out(model: Transformer) -> Iterator[Step]:
    """From the stream to hidden states."""
    bare = isinstance(model.final_norm, nn.Identity)
    if not bare:
        yield norm(model.final_norm, source=STREAM, target=NORMED, round_by=NONE)
    yield Step(Kind.HIDDEN, STREAM if bare else NORMED, target=STREAM if bare else NORMED)
