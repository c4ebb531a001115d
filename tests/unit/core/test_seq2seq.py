from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from unmask.base.errors import SpecError
from unmask.core.residual import Post, Pre
from unmask.core.seq2seq import Seq2Seq, Seq2SeqSpec
from unmask.core.spec import from_dict, to_dict
from unmask.families.gpt import GPTSize, gpt
from unmask.families.original import OriginalSize, StackSize, original

SIZE = OriginalSize(
    width=32,
    encoder=StackSize(depth=2, heads=4, hidden=48),
    decoder=StackSize(depth=3, heads=2, hidden=64),
    vocab=50,
    context=64,
)
LENGTHS = [9, 4, 7]


def random(size: OriginalSize = SIZE) -> Seq2Seq:
    model = original(size).build().eval()
    generator = torch.Generator().manual_seed(0)
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=0.3, generator=generator)
    return model


def ids(rows: int, length: int) -> Tensor:
    return torch.randint(0, 50, (rows, length), generator=torch.Generator().manual_seed(rows + length))


def oracle(block: nn.Module, first: bool) -> nn.TransformerDecoderLayer:
    """torch's own layer with a block's weights."""
    made = nn.TransformerDecoderLayer(32, 2, 64, dropout=0.0, activation="relu", batch_first=True, norm_first=first)
    names = {"self_attn": block.attention, "multihead_attn": block.memory_attention}
    state = {}
    for name, part in names.items():
        thirds = (part.query, part.key, part.value)
        state[f"{name}.in_proj_weight"] = torch.cat([third.weight for third in thirds])
        state[f"{name}.in_proj_bias"] = torch.cat([third.bias for third in thirds])
        state |= {f"{name}.out_proj.{each}": value for each, value in part.out.named_parameters()}
    for name, part in {
        "linear1": block.feedforward.up,
        "linear2": block.feedforward.down,
        "norm1": block.attention_norm,
        "norm2": block.memory_norm,
        "norm3": block.feedforward_norm,
    }.items():
        state |= {f"{name}.{each}": value for each, value in part.named_parameters()}
    made.load_state_dict(state)
    return made.eval()


@pytest.mark.parametrize("residual", [Pre(), Post()])
def test_a_decoder_equals_torchs_own_layers(residual: Pre | Post):
    model = random(replace(SIZE, residual=residual))
    memory, lengths = torch.randn(3, 9, 32), torch.tensor(LENGTHS)
    hidden_from_all = torch.ones(6, 6, dtype=torch.bool).triu(1)
    padding = torch.arange(9) >= lengths[:, None]
    with torch.no_grad():
        x = model.decoder.embedding(ids(3, 6), torch.arange(6)[None])
        for block in model.decoder.blocks:
            layer = oracle(block, isinstance(residual, Pre))
            x = layer(x, memory, tgt_mask=hidden_from_all, memory_key_padding_mask=padding)
        wanted = model.decoder.final_norm(x)
        assert torch.allclose(model.decode(ids(3, 6), memory, lengths=lengths), wanted, atol=1e-5)


def test_padding_of_what_is_read_changes_nothing():
    model, source, target = random(), ids(3, 9), ids(3, 6)
    lengths = torch.tensor(LENGTHS)
    with torch.no_grad():
        together = model(target, source, lengths=lengths)
        for row, length in enumerate(LENGTHS):
            alone = model(target[row : row + 1], source[row : row + 1, :length])
            assert torch.allclose(together[row], alone[0], atol=1e-5)


def test_a_decoder_sees_nothing_of_what_comes_later():
    model, source, target = random(), ids(2, 9), ids(2, 6)
    other = target.clone()
    other[:, 4:] = (other[:, 4:] + 1) % 50
    with torch.no_grad():
        assert torch.equal(model(target, source)[:, :4], model(other, source)[:, :4])


def test_every_token_depends_on_all_that_was_read():
    model, source = random(), ids(1, 9)
    memory = model.encode(source).detach().requires_grad_()
    (gradient,) = torch.autograd.grad(model.decode(ids(1, 6), memory)[0, 0].sum(), memory)
    assert (gradient[0].abs().sum(dim=-1) > 0).all()


def test_cached_steps_equal_one_pass_and_project_the_memory_once():
    model, target, lengths = random(), ids(3, 6), torch.tensor(LENGTHS)
    cache = model.cache(batch=3, capacity=6, memory=9)
    projected: list[int] = []
    model.decoder.blocks[0].memory_attention.key.register_forward_hook(
        lambda _part, given, _out: projected.append(given[0].shape[1])
    )
    with torch.no_grad():
        memory = model.encode(ids(3, 9), lengths=lengths)
        parts = target.split([3, 1, 2], dim=1)
        steps = [model.logits(part, memory, lengths=lengths, cache=cache) for part in parts]
        assert projected == [9, 0, 0]
        assert torch.allclose(torch.cat(steps, dim=1), model.logits(target, memory, lengths=lengths), atol=1e-5)


def test_rows_that_share_a_memory_equal_rows_with_a_memory_each():
    model, target, source, lengths = random(), ids(6, 5), ids(3, 9), torch.tensor(LENGTHS)
    cache = model.cache(batch=3, capacity=5, memory=9, beams=2)
    cache.reorder(torch.arange(3).repeat_interleave(2))
    with torch.no_grad():
        memory = model.encode(source, lengths=lengths)
        each = model.logits(target, memory.repeat_interleave(2, dim=0), lengths=lengths.repeat_interleave(2))
        assert torch.allclose(model.logits(target, memory, lengths=lengths), each, atol=1e-5)
        steps = [model.logits(part, memory, lengths=lengths, cache=cache) for part in target.split([2, 1, 2], dim=1)]
        assert torch.allclose(torch.cat(steps, dim=1), each, atol=1e-5)


def test_written_rows_change_places_and_memories_leave():
    model, target, source, lengths = random(), ids(6, 6), ids(3, 9), torch.tensor(LENGTHS)
    cache = model.cache(batch=3, capacity=6, memory=9, beams=2)
    cache.reorder(torch.arange(3).repeat_interleave(2))
    with torch.no_grad():
        memory = model.encode(source, lengths=lengths)
        model.decode(target[:, :4], memory, lengths=lengths, cache=cache)
        kept, rows = torch.tensor([0, 2]), torch.tensor([1, 1, 5, 4])
        cache.reorder(rows)
        cache.keep(kept)
        last = model.decode(target[rows, 4:], memory[kept], lengths=lengths[kept], cache=cache)
        whole = model.decode(target[rows], memory[[0, 0, 2, 2]], lengths=lengths[[0, 0, 2, 2]])
        assert torch.allclose(last, whole[:, 4:], atol=1e-5)


def test_it_tells_what_a_search_asks():
    model = random()
    assert (model.vocab, model.context) == (50, 64)
    shorter = replace(model.spec, encoder=replace(model.spec.encoder, context=40)).build()
    assert shorter.context == 40


def test_one_table_is_shared_by_all_that_read_and_score():
    model = random()
    assert model.encoder.embedding.tokens.weight is model.decoder.embedding.tokens.weight
    assert model.head.weight is model.decoder.embedding.tokens.weight
    apart = replace(model.spec, shared=False).build()
    assert apart.encoder.embedding.tokens.weight is not apart.decoder.embedding.tokens.weight


def test_a_spec_is_plain_data_and_back():
    spec = original(replace(SIZE, residual=Pre()))
    assert from_dict(Seq2SeqSpec, to_dict(spec)) == spec


def test_sides_that_do_not_fit_are_refused():
    spec = original(SIZE)
    with pytest.raises(SpecError, match="the decoder has the head"):
        replace(spec, encoder=replace(spec.encoder, head=spec.decoder.head))
    with pytest.raises(SpecError, match="the decoder has the head"):
        replace(spec, decoder=replace(spec.decoder, head=None))
    with pytest.raises(SpecError, match="each block of the decoder looks at the memory"):
        replace(spec, decoder=gpt(GPTSize(width=32, depth=2, heads=4, hidden=64, vocab=50, context=64)))
    other = original(replace(SIZE, width=64, vocab=60)).decoder
    with pytest.raises(SpecError, match="widths 32 / 64 and the vocabularies 50 / 60"):
        replace(spec, decoder=other)


def test_a_process_that_has_no_share_of_a_small_step_runs_on_an_empty_batch():
    assert random()(ids(0, 5), ids(0, 4), lengths=torch.zeros(0, dtype=torch.int64)).shape == (0, 5, 32)
