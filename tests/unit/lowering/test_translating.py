"""The library's decoder that looks at memories, against the same model in torch: rows move, memories leave."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from tests.lowered import compiled_library
from unmask.base.errors import ContextError
from unmask.core.kernels import explicit
from unmask.core.residual import Pre
from unmask.core.seq2seq import Seq2Seq, Seq2SeqCache
from unmask.core.surgery import replace as put
from unmask.families.original import OriginalSize, StackSize, original
from unmask.lowering.shortcut import shorten
from unmask.lowering.translating import Rows, Translating
from unmask.quantization.convert import quantize_model
from unmask.quantization.schemes import SCHEMES

SIZE = OriginalSize(
    width=24, encoder=StackSize(2, 4, hidden=40), decoder=StackSize(3, 4, hidden=40), vocab=50, context=300, scaled=True
)
VARIANTS = {
    "as published": SIZE,
    "norms before, gelu": replace(SIZE, residual=Pre(), activation="gelu", scaled=False),
    "a vocabulary each": replace(SIZE, target_vocab=70),
}
LENGTHS = torch.tensor([3, 140, 9])
"""Memories that are looked at a row at a time, and one that is not."""


@pytest.fixture(autouse=True, scope="module")
def _library() -> None:
    compiled_library()


def random(size: OriginalSize, scheme: str | None = None) -> Seq2Seq:
    torch.manual_seed(0)
    model = original(size).build().eval()
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=0.3)
    if scheme is not None:
        quantize_model(model, SCHEMES[scheme])
    return model


def both(model: Seq2Seq) -> tuple[Seq2Seq, Seq2Seq]:
    """The model by the library, and by torch."""
    slow = deepcopy(model)
    shorten(model)
    assert isinstance(model.shortcut, Translating)
    assert slow.shortcut is None
    return model, slow


def ids(vocab: int, *shape: int) -> Tensor:
    return torch.randint(0, vocab, shape, generator=torch.Generator().manual_seed(sum(shape)))


@torch.inference_mode()
def written(model: Seq2Seq, *, beams: int) -> list[Tensor]:
    """Logits, step by step, while rows multiply, change places, and the middle memory leaves."""
    source, lengths, vocab = ids(50, 3, 140), LENGTHS, model.vocab
    memory = model.encode(source, lengths=lengths)
    cache = model.cache(batch=3, capacity=12, memory=140, beams=beams)
    found = [model.logits(ids(vocab, 3, 2), memory, lengths=lengths, cache=cache)]
    cache.reorder(torch.arange(3).repeat_interleave(beams))
    found.append(model.logits(ids(vocab, 3 * beams, 1), memory, lengths=lengths, cache=cache))
    rows = torch.cat([ids(beams, beams) + beams * text for text in range(3)])
    cache.reorder(rows)
    found.append(model.logits(ids(vocab, 3 * beams, 3), memory, lengths=lengths, cache=cache))
    kept = torch.tensor([0, 2])
    cache.keep(kept)
    cache.reorder(torch.cat([torch.arange(beams), torch.arange(2 * beams, 3 * beams)]))
    found.append(model.logits(ids(vocab, 2 * beams, 2), memory[kept], lengths=lengths[kept], cache=cache))
    return found


@pytest.mark.parametrize("beams", [1, 3, 200])  # 200: in more than one call
@pytest.mark.parametrize("size", VARIANTS.values(), ids=VARIANTS)
def test_float32_is_torchs(size: OriginalSize, beams: int):
    fast, slow = both(random(size))
    for ours, theirs in zip(written(fast, beams=beams), written(slow, beams=beams), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-4 * float(theirs.abs().max()))


@pytest.mark.parametrize("size", VARIANTS.values(), ids=VARIANTS)
def test_eight_bits_are_near_torchs(size: OriginalSize):
    fast, slow = both(random(size, "int8"))
    for ours, theirs in zip(written(fast, beams=3), written(slow, beams=3), strict=True):
        assert ours.shape == theirs.shape
        # A number that float error rounds to another code changes what follows it; see the property tests.
        assert float((ours - theirs).norm() / theirs.norm()) < 0.02


def test_what_is_watched_or_learnt_goes_by_torch():
    model = random(SIZE)
    shorten(model)
    with torch.inference_mode():
        assert isinstance(model.cache(batch=2, capacity=4, memory=5), Rows)
    assert isinstance(model.cache(batch=2, capacity=4, memory=5), Seq2SeqCache)
    model.looks[1].kernel = explicit
    with torch.inference_mode():
        assert isinstance(model.cache(batch=2, capacity=4, memory=5), Seq2SeqCache)


def test_other_numbers_than_were_prepared_go_by_torch():
    model = random(SIZE)
    shorten(model)
    model.bfloat16()
    with torch.inference_mode():
        assert isinstance(model.cache(batch=2, capacity=4, memory=5), Seq2SeqCache)
        assert model.encode(ids(50, 1, 4)).dtype == torch.bfloat16


def test_a_row_that_is_too_long_is_refused():
    model = random(SIZE)
    shorten(model)
    with torch.inference_mode():
        cache = model.cache(batch=1, capacity=2, memory=4)
        with pytest.raises(ContextError) as caught:
            model.logits(ids(50, 1, 3), model.encode(ids(50, 1, 4)), cache=cache)
    assert caught.value.values == {"context": 2, "tokens": 3}


def test_changed_weights_are_seen():
    model = random(SIZE)
    fast, _ = both(model)
    with torch.no_grad():
        fast.decoder.blocks[0].feedforward.up.weight.mul_(2)
    slow = deepcopy(fast)
    torch.testing.assert_close(written(fast, beams=2)[-1], written(slow, beams=2)[-1], rtol=1e-4, atol=1e-3)


def test_a_model_whose_parts_are_replaced_loses_its_shortcuts():
    model = random(SIZE)
    shorten(model)
    put(model, where=lambda part: part is model.head, make=lambda _: nn.Linear(24, 50))
    assert model.shortcut is None
    assert model.encoder.shortcut is None
