from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from unmask.base.errors import SpecError
from unmask.core.alignment import ALIGNMENTS
from unmask.core.cells import CELLS
from unmask.core.dropout import Dropout, drop
from unmask.core.initial import initialize
from unmask.core.look import LookSpec
from unmask.core.recurrent import Recurrent, RecurrentSpec
from unmask.core.spec import from_dict, to_dict
from unmask.core.trace import recalled
from unmask.families.rnn import RNNSize, rnn

SPEC = RecurrentSpec(width=8, depth=2, context=12, vocab=30)
LENGTHS = torch.tensor([6, 3, 5])
ORDERS = {
    "first": {"first": True},
    "last": {"first": False},
    "feeding": {"first": False, "feeding": True},
    "none": {"look": None},
}
KINDS = [
    *[replace(SPEC, cell=cell, **order) for cell in CELLS for order in ORDERS.values()],
    *[replace(SPEC, look=LookSpec(name, "entmax", "local-m", 2), first=False) for name in ALIGNMENTS],
    *[replace(SPEC, look=LookSpec(name, "hard", "local-p", 2)) for name in ALIGNMENTS],
    replace(SPEC, bidirectional=False, source_vocab=40, tied=False, depth=1),
]


def name(spec: RecurrentSpec) -> str:
    look = spec.look.alignment if spec.look else "none"
    return f"{spec.cell}-{look}-{'first' if spec.first else 'feeding' if spec.feeding else 'last'}-{spec.depth}"


def random(spec: RecurrentSpec) -> Recurrent:
    model = spec.build().eval()
    generator = torch.Generator().manual_seed(0)
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=0.4, generator=generator)
    return model


def ids(rows: int, length: int) -> Tensor:
    return torch.randint(0, 30, (rows, length), generator=torch.Generator().manual_seed(rows + length))


@pytest.mark.parametrize("spec", KINDS, ids=name)
@torch.no_grad()
def test_steps_with_a_cache_give_what_the_whole_row_gives(spec: RecurrentSpec):
    model, tokens = random(spec), ids(6, 5)
    memory = model.encode(ids(3, 6), lengths=LENGTHS)
    cache = model.cache(batch=3, capacity=5, memory=6, beams=2)
    whole = model.logits(tokens, memory, lengths=LENGTHS)
    steps = [model.logits(part, memory, lengths=LENGTHS, cache=cache) for part in tokens.split([2, 1, 1, 1], dim=1)]
    assert torch.allclose(torch.cat(steps, dim=1), whole, atol=1e-5)


@pytest.mark.parametrize("spec", KINDS, ids=name)
@torch.no_grad()
def test_a_padded_row_gives_what_it_gives_alone(spec: RecurrentSpec):
    model, tokens, read = random(spec), ids(3, 5), ids(3, 6)
    together = model(tokens, read, lengths=LENGTHS)
    for row, length in enumerate(LENGTHS.tolist()):
        alone = model(tokens[row : row + 1], read[row : row + 1, :length])
        assert torch.allclose(together[row], alone[0], atol=1e-5)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("cell", CELLS)
@torch.no_grad()
def test_rows_that_move_and_memories_that_leave_take_their_past_with_them(order: str, cell: str):
    model, tokens = random(replace(SPEC, cell=cell, **ORDERS[order])), ids(6, 5)
    memory = model.encode(ids(3, 6), lengths=LENGTHS)
    cache = model.cache(batch=3, capacity=5, memory=6, beams=2)
    model.logits(tokens[:, :3], memory, lengths=LENGTHS, cache=cache)
    kept, rows = torch.tensor([0, 2]), torch.tensor([1, 1, 5, 4])
    cache.keep(kept)
    cache.reorder(rows)
    found = model.logits(tokens[rows, 3:], memory[kept], lengths=LENGTHS[kept], cache=cache)
    whole = model.logits(tokens[rows], memory[kept], lengths=LENGTHS[kept])
    assert torch.allclose(found, whole[:, 3:], atol=1e-5)


def cells(layer: nn.Module) -> nn.Module:
    """torch's own single step with a layer's weights."""
    made = (nn.LSTMCell if isinstance(layer, nn.LSTM) else nn.GRUCell)(layer.input_size, layer.hidden_size)
    made.load_state_dict({key.removesuffix("_l0"): value for key, value in layer.state_dict().items()})
    return made


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("cell", CELLS)
@torch.no_grad()
def test_a_decoder_is_a_loop_over_single_steps(order: str, cell: str):
    look = None if order == "none" else LookSpec("additive")
    model = random(replace(SPEC, cell=cell, **{"look": look, **ORDERS[order]}))
    tokens, memory, writer = ids(1, 5), model.encode(ids(1, 6)), model.decoder
    last = torch.cat([memory[:, -1, :4], memory[:, 0, 4:]], dim=1)
    starts = list(torch.tanh(writer.start(last)).split(8, dim=1))
    states = [starts[:1], starts[1:]] if cell == "gru" else [starts[:2], starts[2:]]
    steps, came, wanted = [cells(layer) for layer in writer.layers], torch.zeros(1, 8), []

    def seen(state: Tensor) -> Tensor:
        a = writer.look.alignment
        scores = [a.score(torch.tanh(a.query(state) + a.key(memory[:, s]))) for s in range(6)]
        return (torch.stack(scores, dim=1).softmax(1) * memory).sum(1)

    def stepped(layer: int, x: Tensor) -> Tensor:
        out = steps[layer](x, states[layer][0] if cell == "gru" else tuple(states[layer]))
        states[layer] = [out] if cell == "gru" else list(out)
        return states[layer][0]

    for t in range(5):
        x = writer.embedding.tokens(tokens[:, t])
        told = [seen(states[0][0])] if order == "first" else [came] if order == "feeding" else []
        top = stepped(1, stepped(0, torch.cat([x, *told], dim=1)))
        if order == "first":
            came = torch.tanh(writer.out(torch.cat([*told, top, x], dim=1)))
        elif order != "none":
            came = torch.tanh(writer.out(torch.cat([seen(top), top], dim=1)))
        wanted.append(top if order == "none" else came)
    assert torch.allclose(model.decode(tokens, memory), torch.stack(wanted, dim=1), atol=1e-5)


@pytest.mark.parametrize("cell", CELLS)
@torch.no_grad()
def test_an_encoder_is_torchs_own_over_packed_rows(cell: str):
    model, tokens = random(replace(SPEC, cell=cell, depth=1)), ids(3, 6)
    oracle = CELLS[cell](8, 4, batch_first=True, bidirectional=True)
    state = dict(model.encoder.forwards[0].state_dict())
    state |= {f"{key}_reverse": value for key, value in model.encoder.backwards[0].state_dict().items()}
    oracle.load_state_dict(state)
    packed = pack_padded_sequence(model.encoder.embedding.tokens(tokens), LENGTHS, True, enforce_sorted=False)
    out, last = oracle(packed)
    wanted, _ = pad_packed_sequence(out, batch_first=True)
    found = model.encode(tokens, lengths=LENGTHS)
    for row, length in enumerate(LENGTHS.tolist()):
        assert torch.allclose(found[row, :length], wanted[row, :length], atol=1e-6)
    ends = torch.cat(list(last if cell == "gru" else last[0]), dim=1)
    assert torch.allclose(model.encoder.last(found, LENGTHS), ends, atol=1e-6)


@torch.no_grad()
def test_without_a_look_only_the_last_state_tells_what_was_read():
    model, tokens = random(replace(SPEC, look=None)), ids(1, 5)
    memory = model.encode(ids(1, 6))
    other = memory.clone()
    other[:, 1:-1] = 9.0
    assert not model.looks
    assert torch.equal(model.decode(tokens, memory), model.decode(tokens, other))


@pytest.mark.parametrize("order", ["first", "last", "feeding"])
@torch.no_grad()
def test_a_watched_model_shows_a_row_of_weights_for_each_token(order: str):
    model, tokens, read = random(replace(SPEC, **ORDERS[order])), ids(3, 5), ids(3, 6)
    plain = model(tokens, read, lengths=LENGTHS)
    with recalled(model.looks) as kept:
        assert torch.equal(model(tokens, read, lengths=LENGTHS), plain)
    (calls,) = kept
    weights = torch.cat(calls, dim=2)
    assert weights.shape == (3, 1, 5, 6)
    assert torch.allclose(weights.sum(-1), torch.ones(3, 1, 5))
    assert not weights[1, :, :, 3:].any()
    assert model.looks[0].kernel.__name__ == "explicit"


@pytest.mark.parametrize("spec", KINDS, ids=name)
def test_a_spec_comes_back_from_plain_data(spec: RecurrentSpec):
    assert from_dict(RecurrentSpec, to_dict(spec)) == spec


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("rates", [Dropout(embedding=0.3), Dropout(residual=0.3), Dropout(attention=0.3)])
def test_dropout_reaches_it_while_it_trains_and_zeros_undo_it(order: str, rates: Dropout):
    model, tokens, read = random(replace(SPEC, **ORDERS[order])).train(), ids(3, 5), ids(3, 6)
    plain = model(tokens, read)
    drop(model, rates)
    idle = order == "none" and rates.attention
    assert torch.allclose(model(tokens, read), plain) == bool(idle)
    assert torch.allclose(model.eval()(tokens, read), plain, atol=1e-6)
    drop(model.train(), Dropout())
    assert torch.equal(model(tokens, read), plain)


def test_it_starts_uniform_as_luongs_with_biases_of_zero():
    with torch.device("meta"):
        model = replace(SPEC, width=32, vocab=300).build()
    initialize(model, seed=0, scheme="recurrent", device=torch.device("cpu"))
    for parameter in model.parameters():
        if parameter.dim() == 1:
            assert not parameter.any()
        elif parameter.numel() > 1000:
            assert parameter.abs().max() <= 0.1
            assert parameter.std().item() == pytest.approx(0.2 / 12**0.5, rel=0.05)
    assert model.encoder.embedding.tokens.weight is model.head.weight
    found = model(ids(2, 3), ids(2, 4))
    assert found.isfinite().all()


def test_what_contradicts_itself_is_refused():
    with pytest.raises(SpecError, match="cell is 'gri'.*known are gru, lstm.*Did you mean 'gru'"):
        replace(SPEC, cell="gri")
    with pytest.raises(SpecError, match="halves its width, 7; make it even"):
        replace(SPEC, width=7)
    with pytest.raises(SpecError, match="Only a decoder that looks after its last layer can feed"):
        replace(SPEC, feeding=True)
    with pytest.raises(SpecError, match="Only a decoder that looks after its last layer can feed"):
        replace(SPEC, feeding=True, first=False, look=None)


@pytest.mark.parametrize("attention", ["none", "bahdanau", "luong", "luong-feeding"])
def test_a_process_that_has_no_share_of_a_small_step_runs_on_an_empty_batch(attention: str):
    model = rnn(RNNSize(width=8, depth=1, vocab=20, context=16, attention=attention)).build()
    empty, none = torch.zeros(0, 5, dtype=torch.int64), torch.zeros(0, dtype=torch.int64)
    assert model(empty, empty, lengths=none).shape == (0, 5, 8)
