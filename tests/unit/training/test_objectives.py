"""What each objective asks, against plain loops over rows that are not padded, packed or gathered."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from unmask.core.heads import SummarySpec
from unmask.core.masks import Causal as Lower
from unmask.core.masks import Prefix
from unmask.core.positions import LearnedSpec
from unmask.core.seq2seq import Seq2Seq
from unmask.core.transformer import Transformer
from unmask.data.batch import IGNORED, Batch
from unmask.families.encoder import EncoderSize, encoder
from unmask.families.glm import GLMSize, glm
from unmask.families.gpt import GPTSize, gpt
from unmask.families.original import OriginalSize, StackSize, original
from unmask.training.objectives import Blanks, Causal, Masked, Sequence

VOCAB, LENGTH = 31, 12


def awake(model: torch.nn.Module) -> torch.nn.Module:
    """Weights far from the usual near-zero start, where mistakes would hide."""
    torch.manual_seed(1)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    return model


def decoder() -> Transformer:
    size = GPTSize(width=16, depth=2, heads=2, hidden=32, vocab=VOCAB, context=LENGTH, norm_eps=1e-5, tied=True)
    return awake(gpt(size).build())


def reader() -> Transformer:
    size = EncoderSize(
        width=16,
        depth=2,
        heads=2,
        hidden=32,
        vocab=VOCAB,
        segments=2,
        positions=LearnedSpec(LENGTH),
        norm_eps=1e-12,
        activation="gelu",
        head=True,
        summary=SummarySpec(classes=2),
    )
    return awake(encoder(size).build())


def translator() -> Seq2Seq:
    stack = StackSize(2, 2, hidden=32)
    size = OriginalSize(width=16, encoder=stack, decoder=stack, vocab=VOCAB, context=LENGTH)
    return awake(original(size).build())


def ids(*shape: int) -> Tensor:
    return torch.randint(1, VOCAB, shape, generator=torch.Generator().manual_seed(2))


def cost(logits: Tensor, target: int) -> float:
    """Minus the log-probability of a target by scores [V]."""
    return float(-logits.detach().double().log_softmax(-1)[target])


def close(found: Tensor, wanted: float) -> bool:
    return float(found.detach()) == pytest.approx(wanted, rel=1e-5)


def test_causal_is_the_sum_over_every_next_token():
    model, row = decoder(), ids(3, LENGTH + 1)
    batch = Batch(tokens=row[:, :-1], targets=row[:, 1:])
    logits = model.logits(batch.tokens)
    wanted = sum(cost(logits[b, t], int(row[b, t + 1])) for b in range(3) for t in range(LENGTH))
    total, count = Causal().loss(model, batch).terms["tokens"]
    assert close(total, wanted)
    assert count == Causal().counts(batch)["tokens"] == 36


def test_a_packed_document_costs_what_it_costs_alone():
    model, row = decoder(), ids(LENGTH)
    sizes = (5, 1, 4)
    documents = torch.tensor([0] * 5 + [1] + [2] * 4 + [-1] * 2)[None]
    positions = torch.tensor([*range(5), 0, *range(4), 0, 0])[None]
    last = [4, 5, 9, 10, 11]
    targets = row.roll(-1)
    targets[last] = IGNORED
    batch = Batch(tokens=row[None], targets=targets[None], documents=documents, positions=positions)
    wanted = 0.0
    for text in row[:10].split(sizes):
        logits = model.logits(text[None])[0]
        wanted += sum(cost(logits[at], int(text[at + 1])) for at in range(len(text) - 1))
    total, count = Causal().loss(model, batch).terms["tokens"]
    assert close(total, wanted)
    assert count == 7


def masked_batch() -> Batch:
    tokens, lengths = ids(3, LENGTH), torch.tensor([7, 12, 9])
    targets = torch.full_like(tokens, IGNORED)
    for row, at in ((0, 1), (0, 6), (1, 11), (1, 3), (2, 5)):
        targets[row, at] = 3 * row + at
    segments = (torch.arange(LENGTH) >= 4).long().expand(3, -1)
    return Batch(tokens=tokens, targets=targets, segments=segments, lengths=lengths, pairs=torch.tensor([1, 0, 1]))


def test_masked_is_the_sum_over_hidden_tokens_and_that_over_pairs():
    model, batch = reader(), masked_batch()
    assert batch.segments is not None
    assert batch.lengths is not None
    assert model.summary is not None
    assert model.summary.classes is not None
    words = pairs = 0.0
    for row, size in enumerate(batch.lengths.tolist()):
        hidden = model(batch.tokens[row : row + 1, :size], segments=batch.segments[row : row + 1, :size])
        scores = model.head(hidden)[0]
        words += sum(cost(scores[at], t) for at, t in enumerate(batch.targets[row, :size].tolist()) if t != IGNORED)
        pairs += cost(model.summary.classes(model.summary(hidden))[0], [1, 0, 1][row])
    terms = Masked().loss(model, batch).terms
    assert close(terms["masked"][0], words)
    assert close(terms["pairs"][0], pairs)
    assert {name: count for name, (_, count) in terms.items()} == Masked().counts(batch) == {"masked": 5, "pairs": 3}


def test_without_pairs_there_is_no_term_of_them():
    batch = Batch(tokens=masked_batch().tokens, targets=masked_batch().targets)
    assert list(Masked().loss(reader(), batch).terms) == list(Masked().counts(batch)) == ["masked"]


def test_blanks_cost_the_same_without_padding_and_part_a_asks_nothing():
    model = awake(glm(GLMSize(width=16, depth=2, heads=2, vocab=VOCAB, context=LENGTH)).build())
    tokens, targets = ids(2, LENGTH), ids(2, LENGTH).roll(1, 1)
    lengths, prefixes = torch.tensor([9, 12]), torch.tensor([5, 8])
    at = torch.arange(LENGTH)
    targets[(at < prefixes[:, None]) | (at >= lengths[:, None])] = IGNORED
    positions = torch.stack((at.clamp(max=4), (at - 4).clamp(min=0))).expand(2, -1, -1)
    wanted = 0.0
    for row, (size, prefix) in enumerate(((9, 5), (12, 8))):
        shown = Lower() | Prefix(torch.tensor([prefix]))
        logits = model.logits(tokens[row : row + 1, :size], positions=positions[row : row + 1, :, :size], mask=shown)[0]
        wanted += sum(cost(logits[at], int(targets[row, at])) for at in range(prefix, size))
    batch = Batch(tokens=tokens, targets=targets, positions=positions, prefixes=prefixes, lengths=lengths)
    total, count = Blanks().loss(model, batch).terms["tokens"]
    assert close(total, wanted)
    assert count == Blanks().counts(batch)["tokens"] == 8


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_a_sequence_costs_the_same_without_padding(smoothing: float):
    model, tokens, targets, memory = translator(), ids(2, 8), ids(2, 8).roll(1, 1), ids(2, LENGTH)
    lengths, sizes = (5, 8), (12, 7)
    targets[0, 5:] = IGNORED
    wanted = 0.0
    for row, (length, size) in enumerate(zip(lengths, sizes, strict=True)):
        scores = model.logits(tokens[row : row + 1, :length], model.encode(memory[row : row + 1, :size]))[0]
        for at in range(length):
            others = sum(cost(scores[at], token) for token in range(VOCAB)) / VOCAB
            wanted += (1 - smoothing) * cost(scores[at], int(targets[row, at])) + smoothing * others
    batch = Batch(
        tokens=tokens,
        targets=targets,
        lengths=torch.tensor(lengths),
        memory=memory,
        memory_lengths=torch.tensor(sizes),
    )
    total, count = Sequence(smoothing=smoothing).loss(model, batch).terms["tokens"]
    assert close(total, wanted)
    assert count == Sequence().counts(batch)["tokens"] == 13


def test_every_weight_of_a_reader_learns():
    model = reader()
    terms = Masked().loss(model, masked_batch()).terms
    sum(total for total, _ in terms.values()).backward()
    silent = [name for name, each in model.named_parameters() if each.grad is None or not each.grad.any()]
    assert silent == []


def test_the_parts_of_a_batch_cost_what_the_whole_does():
    model, batch = reader(), masked_batch()
    with torch.no_grad():
        whole = Masked().loss(model, batch).terms
        parts = [Masked().loss(model, batch.rows(row, row + 1)).terms for row in range(3)]
    for name, (total, count) in whole.items():
        assert float(total) == pytest.approx(sum(float(each[name][0]) for each in parts), rel=1e-5)
        assert count == sum(each[name][1] for each in parts)
