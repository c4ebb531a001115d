"""Every decoder, and encoders, by the native library against its twin in torch, on random tiny models.

Both round their inputs to 8 bits, so a sum that differs in its last bit may move a code to its neighbour, and then all
that follows differs, by up to 0.02 of the largest logit here. So two things are asked for: that many positions are
equal to float error, which a wrong step leaves none of, and that no position is farther off than such codes explain.
Token by token attention is in float32. Where many tokens look back together, it rounds to 16 bits, and hardly any row
has no code moved by that: then most positions have to be as near as moved codes leave them.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy

import pytest
import torch
from torch import Tensor, nn

from tests.lowered import compiled_library, decoder, spec_of, with_shortcut
from tests.parity.test_families import CASES, VOCAB
from tests.tiny_encoder import CONFIG as ENCODER
from unmask.base.errors import ContextError
from unmask.core.caches import StaticCache
from unmask.core.masks import Causal, LeftPadding, Mask, RightPadding
from unmask.core.transformer import Transformer
from unmask.lowering.shortcut import shorten
from unmask.native.library import SWITCH
from unmask.native.program import MANY as ROWS
from unmask.quantization.convert import quantize_model
from unmask.quantization.linear import QuantizedLinear
from unmask.quantization.rounding import quantize
from unmask.quantization.schemes import SCHEMES

TURNS = ("int8", "int4-64", "int4-32-zero", "int8-32", "int4-128", "int4-32", "int4-128-zero")
PAIRS = {name: (name, TURNS[number % len(TURNS)]) for number, name in enumerate(CASES)}
FLOAT, MOVED = 1e-5, 0.01
"""How near positions are to float error, and with some codes moved."""
EACH = ("gpt1", "gpt2", "gpt3, windows in turn", "llama with biases", "mistral, window", "qwen2 with windows", "qwen3")


@pytest.fixture(autouse=True)
def compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    """These tests are of the compiled library, as this machine would take it."""
    monkeypatch.delenv(SWITCH, raising=False)
    compiled_library()


@pytest.fixture(scope="module", params=PAIRS.values(), ids=", ".join)
def twin(request: pytest.FixtureRequest) -> Transformer:
    return decoder(*request.param)


@pytest.fixture
def lowered(twin: Transformer) -> Transformer:
    """The same model with a shortcut."""
    return with_shortcut(twin)


@pytest.fixture
def llama() -> Transformer:
    return decoder("llama grouped", "int8")


class Native:
    """Reads by the shortcut, and sees that it is taken."""

    def __init__(self, model: Transformer) -> None:
        self.model = model

    def __call__(self, tokens: Tensor, cache: StaticCache, last: int | None = None) -> Tensor:
        assert self.model.shortcut is not None
        with torch.inference_mode():
            found = self.model.shortcut.logits(tokens, cache, last)
        assert found is not None, "the shortcut was not taken"
        return found


class Torch:
    """Reads by torch alone, without the library even in its products."""

    def __init__(self, model: Transformer) -> None:
        assert model.shortcut is None
        self.model = model

    def __call__(self, tokens: Tensor, cache: StaticCache, last: int | None = None) -> Tensor:
        with pytest.MonkeyPatch.context() as patch, torch.inference_mode():
            patch.setenv(SWITCH, "off")
            return self.model.logits(tokens, cache=cache, last=last)


Reader = Native | Torch


def read(readers: Iterator[Reader] | list[Reader], pieces: list[Tensor]) -> Tensor:
    """Logits of tokens [B, T] that come in pieces, each read by the next of the readers with the same cache."""
    readers = list(readers)
    cache = readers[0].model.cache(batch=len(pieces[0]), capacity=sum(piece.shape[1] for piece in pieces))
    return torch.cat([reader(piece, cache) for reader, piece in zip(readers, pieces, strict=True)], dim=1)


def ids(rows: int, length: int) -> Tensor:
    return torch.randint(0, VOCAB, (rows, length), generator=torch.Generator().manual_seed(1))


def check(ours: Tensor, theirs: Tensor, near: float = MOVED) -> None:
    """Most positions are so near, and the others are close."""
    assert ours.shape == theirs.shape
    apart = (ours - theirs).abs().amax(-1) / theirs.abs().max()  # [B, T]
    share = float((apart < near).float().mean())
    assert share >= 0.6, f"{share:.0%} of the positions are equal"
    assert float(apart.max()) < 0.03, f"relative difference {float(apart.max()):.2e}"


def test_a_row_at_once_is_read_as_torch_reads_it(twin: Transformer, lowered: Transformer):
    tokens = ids(24, 12)
    rows = [read([Native(lowered)], [row]) for row in tokens.split(1)]
    check(torch.cat(rows), read([Torch(twin)], [tokens]))


def test_rows_side_by_side_are_read_token_by_token_as_torch_reads_them(twin: Transformer, lowered: Transformer):
    tokens = ids(24, 12)
    steps = list(tokens.split(1, dim=1))
    check(read([Native(lowered)] * len(steps), steps), read([Torch(twin)], [tokens]), near=FLOAT)


@pytest.mark.parametrize("native_first", [True, False])
def test_either_goes_on_with_what_the_other_has_read(twin: Transformer, lowered: Transformer, native_first: bool):
    tokens = ids(5, 20)
    readers = [Native(lowered), Torch(twin)][:: 1 if native_first else -1]
    rows = [read([*readers, readers[0]], list(row.split([9, 1, 10], dim=1))) for row in tokens.split(1)]
    check(torch.cat(rows), read([Torch(twin)], [tokens]))


@pytest.mark.parametrize("twin", [PAIRS[name] for name in EACH], ids=EACH, indirect=True)
def test_uneven_pieces_are_the_same_row_longer_ones_than_fit_at_once_too(twin: Transformer, lowered: Transformer):
    lengths = [1, 7, ROWS + 44, 1, 40]
    tokens = ids(3, sum(lengths))
    rows = [read([Native(lowered)] * len(lengths), list(row.split(lengths, dim=1))) for row in tokens.split(1)]
    check(torch.cat(rows), read([Torch(twin)], [tokens]))


def test_only_the_last_tokens_get_logits_where_no_others_are_wanted(twin: Transformer, lowered: Transformer):
    row = ids(1, ROWS + 10)
    whole = read([Native(lowered)], [row])
    for last in (1, 9, 10, 11, 200, ROWS + 10, 1000):
        cache = lowered.cache(batch=1, capacity=ROWS + 10)
        assert torch.equal(Native(lowered)(row, cache, last), whole[:, -last:])
        assert cache.slots == ROWS + 10


@pytest.mark.parametrize("twin", [PAIRS[name] for name in EACH], ids=EACH, indirect=True)
def test_greedy_text_is_the_twins(twin: Transformer, lowered: Transformer):
    def written(reader: Reader) -> list[int]:
        cache, tokens, found = reader.model.cache(batch=1, capacity=40), ids(1, 6), []
        for _ in range(20):
            tokens = reader(tokens, cache, 1)[:, -1].argmax(-1, keepdim=True)
            found.append(int(tokens))
        return found

    assert written(Native(lowered)) == written(Torch(twin))


def test_float32_caches_are_read_and_written_too(llama: Transformer):
    llama.half_cache = False
    tokens = ids(12, 20)
    assert llama.cache(batch=1, capacity=1).keys[0].dtype == torch.float32
    readers: list[Reader] = [Native(with_shortcut(llama)), Torch(llama), Native(with_shortcut(llama))]
    rows = [read(readers, list(row.split([9, 1, 10], dim=1))) for row in tokens.split(1)]
    check(torch.cat(rows), read([Torch(llama)], [tokens]))


def test_rows_longer_than_what_was_prepared_for_are_read_all_the_same(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("unmask.lowering.shortcut.SHORTEST", 8)
    llama = decoder("llama grouped", "int8")
    lengths = [5, 10, 1, 30]
    tokens = ids(6, sum(lengths))
    native = Native(with_shortcut(llama))
    rows = [read([native] * len(lengths), list(row.split(lengths, dim=1))) for row in tokens.split(1)]
    check(torch.cat(rows), read([Torch(llama)], [tokens]))


def test_matrices_side_by_side_of_other_bits_but_one_group_are_lowered():
    llama = decoder("llama grouped", "int8-32")
    attention = llama.blocks[1].attention
    attention.key = QuantizedLinear(quantize(attention.key.packed.unpack(), SCHEMES["int4-32"]), None)
    tokens = ids(12, 10)
    native = Native(with_shortcut(llama))
    check(torch.cat([read([native], [row]) for row in tokens.split(1)]), read([Torch(llama)], [tokens]))


# ---- encoders --------------------------------------------------------------------------------------------------------


def encoder(model_type: str, scheme: str) -> Transformer:
    torch.manual_seed(0)
    model = spec_of(ENCODER | {"model_type": model_type}).build().eval()
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=0.3)
    quantize_model(model, SCHEMES[scheme])
    return model


def hidden(model: Transformer, tokens: Tensor, mask: Mask | None = None, switch: str = "") -> Tensor:
    with pytest.MonkeyPatch.context() as patch, torch.inference_mode():
        patch.setenv(SWITCH, switch)
        return model(tokens, mask=mask)


@pytest.fixture(params=[("bert", "int8"), ("roberta", "int4-64"), ("xlm-roberta", "int4-32-zero")], ids="-".join)
def bert(request: pytest.FixtureRequest) -> Transformer:
    return encoder(*request.param)


def test_texts_are_read_as_torch_reads_them(bert: Transformer):
    tokens = torch.randint(0, bert.spec.embedding.vocab, (24, 15))
    read_by_library = with_shortcut(bert)
    assert read_by_library.shortcut.hidden(tokens, None) is None  # a slope may be wanted
    with torch.inference_mode():
        assert read_by_library.shortcut.hidden(tokens, None) is not None
    check(hidden(read_by_library, tokens), hidden(bert, tokens, switch="off"))


def test_padded_texts_are_read_as_torch_reads_them_alone(bert: Transformer):
    lengths = torch.tensor([60, 1, 17, 33, 2, 60, 8, 9] * 2)  # more in all than are read at once
    tokens = torch.randint(0, bert.spec.embedding.vocab, (len(lengths), 60))
    mask = bert.spec.mask & RightPadding(lengths)
    with torch.inference_mode():
        native = with_shortcut(bert).shortcut.hidden(tokens, mask)
    real = torch.arange(60) < lengths[:, None]
    assert not native[~real].any()
    for row, text, length in zip(native, tokens, lengths.tolist(), strict=True):
        alone = hidden(bert, text[None, :length], switch="off")[0]
        assert float((row[:length] - alone).abs().max() / alone.abs().max()) < 0.1
    check(native[real][None], hidden(bert, tokens, mask, switch="off")[real][None])


def test_other_masks_and_texts_too_long_are_torchs(bert: Transformer):
    model, tokens = with_shortcut(bert), torch.zeros(2, 9, dtype=torch.int64)
    padding = torch.tensor([1, 0])
    with torch.inference_mode():
        assert model.shortcut.hidden(tokens, bert.spec.mask & LeftPadding(padding)) is None
        assert model.shortcut.hidden(tokens, Causal()) is None
        assert model.shortcut.hidden(tokens + bert.spec.embedding.vocab, None) is None
        assert model.shortcut.hidden(torch.zeros(1, bert.spec.context + 1, dtype=torch.int64), None) is None
        assert model.shortcut.hidden(tokens[:, :0], None) is None


# ---- calls that are torch's -----------------------------------------------------------------------------------------


def test_logits_take_the_shortcut_only_for_plain_cached_reading(llama: Transformer):
    model = with_shortcut(llama)
    row = ids(1, 5)
    taken: list[bool] = []
    native = model.shortcut.logits

    def watched(tokens: Tensor, cache: StaticCache | None, last: int | None) -> Tensor | None:
        found = native(tokens, cache, last)
        taken.append(found is not None)
        return found

    model.shortcut.logits = watched

    def cache(batch: int = 1) -> StaticCache:
        return model.cache(batch=batch, capacity=9)

    with torch.inference_mode():
        model.logits(row, cache=cache())
        model.logits(ids(3, 1), cache=cache(3))
        assert taken == [True, True]
        model.logits(row)  # no cache
        model.logits(ids(3, 2), cache=cache(3))  # a block of rows
        assert taken == [True, True, False, False]
        model.logits(row, positions=torch.arange(5)[None], cache=cache())
        model.logits(row, mask=Causal(), cache=cache())
        assert len(taken) == 4  # not even asked
    model.logits(row, cache=cache())  # a slope may be wanted
    assert taken[4:] == [False]


def test_a_full_cache_and_a_row_beyond_the_context_are_refused_as_by_torch(llama: Transformer):
    model = with_shortcut(llama)
    cache = model.cache(batch=1, capacity=6)
    with torch.inference_mode():
        model.logits(ids(1, 6), cache=cache)
        with pytest.raises(ContextError, match="room for 6 tokens and 7 were"):
            model.logits(ids(1, 1), cache=cache)
        with pytest.raises(ContextError, match="room for 6 tokens and 8 were"):
            model.logits(ids(1, 8), cache=model.cache(batch=1, capacity=6))


@pytest.mark.parametrize("wrong", [-1, VOCAB, 1 << 40])
def test_ids_outside_the_vocabulary_never_reach_the_library(llama: Transformer, wrong: int):
    model, row = with_shortcut(llama), ids(1, 5)
    row[0, 3] = wrong
    with torch.inference_mode():
        assert model.shortcut.logits(row, model.cache(batch=1, capacity=9), None) is None
        with pytest.raises((AssertionError, IndexError)):
            model.logits(row, cache=model.cache(batch=1, capacity=9))


def test_a_cache_of_other_rows_never_reaches_the_library(llama: Transformer):
    model = with_shortcut(llama)
    with torch.inference_mode():
        assert model.shortcut.logits(ids(3, 1), model.cache(batch=1, capacity=9), None) is None


def test_a_copy_goes_by_torch_and_says_the_same(llama: Transformer):
    model = with_shortcut(llama)
    copied = deepcopy(model)
    assert model.shortcut is not None
    assert copied.shortcut is None
    tokens = ids(12, 10)
    check(torch.cat([read([Native(model)], [row]) for row in tokens.split(1)]), read([Torch(copied)], [tokens]))


def test_without_the_library_there_is_no_shortcut_and_one_made_before_is_not_taken(
    llama: Transformer, monkeypatch: pytest.MonkeyPatch
):
    model = with_shortcut(llama)
    monkeypatch.setenv(SWITCH, "off")
    shorten(llama)
    assert llama.shortcut is None
    with torch.inference_mode():
        assert model.shortcut.logits(ids(1, 5), model.cache(batch=1, capacity=9), None) is None
