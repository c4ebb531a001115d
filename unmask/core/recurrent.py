"""Encoder and decoder of gated recurrent layers: a text is read whole, another is written while looking at it, or not.

Sources: Sutskever et al. 2014 and Cho et al. 2014 (without a look), Bahdanau et al. 2015, Luong et al. 2015.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from unmask.base.errors import SpecError
from unmask.core.cells import CELLS, KEPT, State, backwards, cell, matrices, run, step
from unmask.core.embedding import EmbeddingSpec
from unmask.core.heads import NextTokenSpec
from unmask.core.look import Look, LookSpec, Pages, check_name

ADDITIVE = LookSpec()


@dataclass(frozen=True)
class RecurrentSpec:
    """A whole model as a value; both sides are as wide and as deep.

    Args:
        vocab: of what it writes.
        source_vocab: of what it reads; None is the same, in one table for both.
        cell: "gru" or "lstm".
        bidirectional: whether it reads both ways, each with half of the width (Bahdanau et al. 2015, section 3.2).
        look: None is without: all that is known of what was read is the state that writing begins with.
        first: whether it looks before each step of the lowest layer, which is told what it saw (Bahdanau et al. 2015,
            appendix A.1.2; the lowest alone, as in Wu et al. 2016, section 3), or with what the highest gave (Luong et
            al. 2015, section 3).
        feeding: whether, looking last, the lowest layer is told what came of the look before (Luong et al. 2015, 3.3).
        tied: whether scores of tokens are read with the rows that they are written with.
    """

    width: int
    depth: int
    context: int
    vocab: int
    source_vocab: int | None = None
    cell: str = "gru"
    bidirectional: bool = True
    look: LookSpec | None = ADDITIVE
    first: bool = True
    feeding: bool = False
    tied: bool = True

    def __post_init__(self) -> None:
        check_name("cell", self.cell, CELLS)
        if self.feeding and (self.look is None or self.first):
            raise SpecError("Only a decoder that looks after its last layer can feed its first one what came of it.")
        if self.bidirectional and self.width % 2:
            raise SpecError(
                "An encoder that reads both ways halves its width, {width}; make it even.", width=self.width
            )

    def build(self) -> Recurrent:
        return Recurrent(self)


class Reader(nn.Module):
    """The encoder of a RecurrentSpec."""

    def __init__(self, spec: RecurrentSpec) -> None:
        super().__init__()
        ways = 2 if spec.bidirectional else 1
        self.embedding = EmbeddingSpec(spec.source_vocab or spec.vocab).build(spec.width)
        self.forwards, self.backwards = (
            nn.ModuleList(cell(spec.cell, spec.width, spec.width // ways) for _ in range(depth))
            for depth in (spec.depth, spec.depth * (ways - 1))
        )
        self.dropout: nn.Module = nn.Identity()

    def forward(self, tokens: Tensor, lengths: Tensor | None) -> Tensor:
        """[M, S, W] of tokens [M, S]; what is padding is read after all else, either way."""
        x: Tensor = self.embedding(tokens, tokens)  # no positions: the order is in the states
        for layer, ahead in enumerate(self.forwards):
            read = [run(ahead, x, None)[0]]
            if self.backwards:
                read.append(backwards(run(self.backwards[layer], backwards(x, lengths), None)[0], lengths))
            x = self.dropout(torch.cat(read, dim=-1))
        return x

    def last(self, memory: Tensor, lengths: Tensor | None) -> Tensor:
        """What each way gave last, [M, W] of what it gave [M, S, W]: ahead at the text's end, back at its beginning."""
        own = memory.shape[2] // 2 if self.backwards else memory.shape[2]
        ends = memory.shape[1] - 1 if lengths is None else lengths - 1
        ahead = memory[torch.arange(memory.shape[0], device=memory.device), ends, :own]
        return torch.cat([ahead, memory[:, 0, own:]], dim=-1)


@dataclass
class RecurrentCache:
    """What was read, as the decoder takes it, and where that is in the rows that it writes; empty until the first."""

    pages: Pages | None = None
    states: list[State] = field(default_factory=list)
    fed: Tensor | None = None  # [R, W], what came of the last look
    slots: int = 0

    def reorder(self, rows: Tensor) -> None:
        """Let written row i become what row rows[i] was; there are then as many rows as `rows` [R] names."""
        self.states = [tuple(kept[rows] for kept in state) for state in self.states]
        self.fed = None if self.fed is None else self.fed[rows]

    def keep(self, memories: Tensor) -> None:
        """Go on with these memories [M] alone; `reorder` says which rows look at them."""
        self.pages = None if self.pages is None else self.pages.select(memories)


class Writer(nn.Module):
    """The decoder of a RecurrentSpec."""

    def __init__(self, spec: RecurrentSpec) -> None:
        super().__init__()
        self.spec, width, looks = spec, spec.width, spec.look is not None
        self.embedding = EmbeddingSpec(spec.vocab).build(width)
        self.start = nn.Linear(width, spec.depth * KEPT[spec.cell] * width)
        inward = [2 * width if looks and (spec.first or spec.feeding) else width] + (spec.depth - 1) * [width]
        self.layers = nn.ModuleList(cell(spec.cell, each, width) for each in inward)
        self.look = spec.look.build(width, spec.context) if spec.look else None
        self.out = nn.Linear((3 if spec.first else 2) * width, width, bias=spec.first) if looks else None
        self.dropout: nn.Module = nn.Identity()

    def begin(self, last: Tensor) -> list[State]:
        """Each layer's first state, by what the encoder gave last, [R, W]. Source: Bahdanau et al. 2015, A.2.2."""
        starts, kept = self.start(last).tanh().split(last.shape[1], dim=1), KEPT[self.spec.cell]
        return [tuple(starts[each : each + kept]) for each in range(0, len(starts), kept)]

    def pages(self, memory: Tensor, text: Tensor | None) -> Pages | None:
        """What was read, as `forward` takes it."""
        return None if self.look is None else self.look.pages(memory, memory, text)

    def told(self, width: int) -> Tensor:
        """The part of the lowest layer's matrix that is for a look."""
        inward, *_ = matrices(self.layers[0])
        told: Tensor = inward[:, width:]
        return told

    def forward(self, tokens: Tensor, cache: RecurrentCache) -> Tensor:
        """Hidden states [R, T, W] of tokens [R, T], written on from where the cache is, which moves on."""
        x: Tensor = self.embedding(tokens, tokens)
        if self.look is None or cache.pages is None:
            hidden = self.upward(x, cache, 0)
        elif self.spec.first:
            hidden = self.looking(self.look, x, cache.pages, cache)
        elif self.spec.feeding:
            hidden = self.feeding(self.look, x, cache.pages, cache)
        else:
            x = self.upward(x, cache, 0)
            hidden = self.told_of(self.look(x, cache.pages, start=cache.slots), x)
        cache.slots += tokens.shape[1]
        out: Tensor = self.dropout(hidden)
        return out

    def upward(self, x: Tensor, cache: RecurrentCache, first: int) -> Tensor:
        """What the last layer gives if layer `first` is given x [R, T, W]: each layer runs over all of it at once."""
        for layer in range(first, len(self.layers)):
            x, cache.states[layer] = run(self.layers[layer], self.dropout(x) if layer else x, cache.states[layer])
        return x

    def looking(self, look: Look, x: Tensor, pages: Pages, cache: RecurrentCache) -> Tensor:
        """The lowest layer looks before each step; the others, and what comes out, follow all at once."""
        told, state, given, seen = self.told(x.shape[2]), cache.states[0], [], []
        for slot, gates in enumerate(self.gates(x), cache.slots):
            read = look(state[0][:, None], pages, start=slot)[:, 0]
            state = step(self.layers[0], gates + F.linear(read, told), state)
            given.append(state[0])
            seen.append(read)
        cache.states[0] = state
        return self.told_of(torch.stack(seen, 1), self.upward(torch.stack(given, 1), cache, 1), x)

    def feeding(self, look: Look, x: Tensor, pages: Pages, cache: RecurrentCache) -> Tensor:
        """A step through all layers, a look, and what comes of that goes into the next step."""
        told, came = self.told(x.shape[2]), []
        for slot, gates in enumerate(self.gates(x), cache.slots):
            cache.states[0] = step(
                self.layers[0], gates + (0 if cache.fed is None else F.linear(cache.fed, told)), cache.states[0]
            )
            given = self.upward(cache.states[0][0][:, None], cache, 1)
            cache.fed = self.told_of(look(given, pages, start=slot), given)[:, 0]
            came.append(cache.fed)
        return torch.stack(came, 1)

    def gates(self, x: Tensor) -> tuple[Tensor, ...]:
        """The tokens' part of the lowest layer's gates, T times [R, 3 W or 4 W]."""
        inward, _, bias, _ = matrices(self.layers[0])
        return F.linear(x, inward[:, : x.shape[2]], bias).unbind(1)

    def told_of(self, *parts: Tensor) -> Tensor:
        """A look and what it was for, as one: Luong et al. 2015, equation 5."""
        assert self.out is not None, "it is there where there is a look"
        out: Tensor = self.out(torch.cat(parts, dim=-1)).tanh()
        return out


class Recurrent(nn.Module):
    """What a RecurrentSpec builds."""

    def __init__(self, spec: RecurrentSpec) -> None:
        super().__init__()
        self.spec = spec
        self.encoder = Reader(spec)
        self.decoder = Writer(spec)
        self.head = NextTokenSpec(spec.tied, bias=True).build(spec.width, self.decoder.embedding.tokens)
        if spec.source_vocab is None:
            self.encoder.embedding.tokens = self.decoder.embedding.tokens

    @property
    def device(self) -> torch.device:
        return next(self.parameters()).device

    @property
    def dtype(self) -> torch.dtype:
        return next(self.parameters()).dtype

    @property
    def vocab(self) -> int:
        return self.spec.vocab

    @property
    def context(self) -> int:
        return self.spec.context

    @property
    def looks(self) -> Sequence[Look]:
        return [] if self.decoder.look is None else [self.decoder.look]

    def forward(self, tokens: Tensor, memory_tokens: Tensor, *, lengths: Tensor | None = None) -> Tensor:
        """Hidden states [B, T, W] of tokens [B, T] that look at memory_tokens [B, S], of `lengths` [B]."""
        return self.decode(tokens, self.encode(memory_tokens, lengths=lengths), lengths=lengths)

    def encode(self, tokens: Tensor, *, lengths: Tensor | None = None) -> Tensor:
        """What a decoder is to look at: [M, S, W] of tokens [M, S], text in the first `lengths` [M]; None is all."""
        memory: Tensor = self.encoder(tokens, lengths)
        return memory

    def decode(
        self, tokens: Tensor, memory: Tensor, *, lengths: Tensor | None = None, cache: RecurrentCache | None = None
    ) -> Tensor:
        """Hidden states [R, T, W] of tokens [R, T], R / M rows of which look at each memory of [M, S, W] in turn.

        Args:
            lengths: [M], how much of each memory is no padding; None is all.
            cache: what earlier calls with the same memory left; it moves on by T slots.
        """
        cache = RecurrentCache() if cache is None else cache
        if not cache.states:
            slots = torch.arange(memory.shape[1], device=memory.device)
            cache.pages = self.decoder.pages(memory, None if lengths is None else slots < lengths[:, None])
            last = self.encoder.last(memory, lengths)
            cache.states = self.decoder.begin(last.repeat_interleave(tokens.shape[0] // max(memory.shape[0], 1), dim=0))
        hidden: Tensor = self.decoder(tokens, cache)
        return hidden

    def logits(
        self, tokens: Tensor, memory: Tensor, *, lengths: Tensor | None = None, cache: RecurrentCache | None = None
    ) -> Tensor:
        """Scores of every next token, [R, T, V]; see `decode`."""
        out: Tensor = self.head(self.decode(tokens, memory, lengths=lengths, cache=cache))
        return out

    def cache(self, *, batch: int, capacity: int, memory: int, beams: int = 1) -> RecurrentCache:
        """An empty cache. It needs no sizes: what a decoder remembers of a row does not grow with it."""
        return RecurrentCache()
