"""A tiny translator that knows ten words, learnt in seconds: enough for every line of them to have one right answer."""

from __future__ import annotations

import random
from pathlib import Path

import torch
import torch.nn.functional as F

from unmask.base.runtime import one_thread
from unmask.core.seq2seq import Seq2Seq
from unmask.families.original import OriginalSize, StackSize, original
from unmask.families.seq2seq import LoadedSeq2Seq, save_seq2seq
from unmask.text.tokenizer import Tokenizer
from unmask.text.train import learn

WORDS = {
    "a": "ein",
    "red": "rotes",
    "big": "großes",
    "old": "altes",
    "house": "Haus",
    "horse": "Pferd",
    "book": "Buch",
    "and": "und",
    "no": "kein",
    "child": "Kind",
}
LONGEST = 4
"""Words of the lines that it learnt from, none of them twice."""
CONTEXT = 16
STEPS, ROWS = 180, 32
IGNORED = -100
"""What stands after a row's end."""


def german(text: str) -> str:
    """Word by word."""
    return " ".join(WORDS[word] for word in text.split())


def lines(count: int, chance: random.Random) -> list[str]:
    return [" ".join(chance.sample(list(WORDS), chance.randint(1, LONGEST))) for _ in range(count)]


def write_translator(folder: Path) -> None:
    """Fill an empty folder, in Marian's layout."""
    chance = random.Random(0)
    texts = lines(400, chance)
    tokenizer = learn("bytes", [*texts, *map(german, texts)], vocab=400)
    stack = StackSize(depth=1, heads=4, hidden=96)
    spec = original(OriginalSize(width=48, encoder=stack, decoder=stack, vocab=tokenizer.size, context=CONTEXT))
    torch.manual_seed(0)
    model, end = spec.build(), min(tokenizer.ends)
    with one_thread():  # at this size a second thread only waits
        teach(model, tokenizer, chance, end)
    learnt = LoadedSeq2Seq("marian", spec, model.eval(), tokenizer, tokenizer, start=end, ends=tokenizer.ends)
    save_seq2seq(learnt, folder)


def teach(model: Seq2Seq, tokenizer: Tokenizer, chance: random.Random, end: int) -> None:
    optimizer = torch.optim.Adam(model.parameters(), lr=6e-3)
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.02, STEPS)
    for _ in range(STEPS):
        sources = lines(ROWS, chance)
        read, lengths = padded(tokenizer, sources, end)
        wanted, _ = padded(tokenizer, list(map(german, sources)), end)
        written = torch.cat([torch.full((ROWS, 1), end), wanted[:, :-1]], dim=1)
        scores = model.head(model(written.clamp(min=0), read.clamp(min=0), lengths=lengths))
        loss = F.cross_entropy(scores.flatten(0, 1), wanted.flatten(), ignore_index=IGNORED)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()


def padded(tokenizer: Tokenizer, texts: list[str], end: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Ids [B, T] with the end after each, and their lengths [B]."""
    rows = [torch.tensor([*tokenizer.encode(text, special=False).ids, end]) for text in texts]
    lengths = torch.tensor([len(row) for row in rows])
    return torch.nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=IGNORED), lengths
