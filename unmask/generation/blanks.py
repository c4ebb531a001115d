"""Fill in the blank: what an encoder would put where its mask token stands."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from unmask.base.errors import RequestError
from unmask.core.transformer import Transformer
from unmask.text.tokenizer import Encoding, Tokenizer

BLANK = "[MASK]"
"""How a blank may be written for every model, whatever its own mask token is."""


@dataclass(frozen=True)
class Guess:
    """One token for a blank, how likely it is, and the whole text with it in this blank alone."""

    token: str
    id: int
    probability: float
    text: str


@dataclass(frozen=True)
class Blank:
    """One blank's guesses, the likeliest first; `start` and `end` are its characters in the text that was given."""

    start: int
    end: int
    guesses: tuple[Guess, ...]


def with_blanks(text: str, tokenizer: Tokenizer) -> str:
    """The text with its blanks in the model's own spelling.

    Raises:
        RequestError: if there is no blank in it, or the model has no token for one.
    """
    own = tokenizer.specials.get("mask_token")
    if own is None or tokenizer.mask is None:
        raise RequestError("This model's tokenizer has no mask token, so it cannot fill blanks. Choose a masked model.")
    if own not in text and BLANK not in text:
        raise RequestError("There is no blank in the text. Write {blank} where a word is missing.", blank=BLANK)
    return text if own in text else text.replace(BLANK, own)


@torch.inference_mode()
def fill(core: Transformer, text: str, encoding: Encoding, tokenizer: Tokenizer, *, best: int) -> list[Blank]:
    """What the model would put into each blank of an encoded text, which has them in the model's own spelling.

    Raises:
        RequestError: if `best` is out of its range.
    """
    spelled_rows = min(tokenizer.size, core.spec.embedding.vocab)
    if not 1 <= best <= spelled_rows:
        raise RequestError(
            "{name} is {value}; it must be from {low} to {high}.", name="best", value=best, low=1, high=spelled_rows
        )
    tokens = torch.tensor([encoding.ids], device=core.device)
    logits = core.logits(tokens)[0, :, :spelled_rows]
    blanks = []
    for at, (token_id, (start, end)) in enumerate(zip(encoding.ids, encoding.spans, strict=True)):
        if token_id != tokenizer.mask:
            continue
        likely = logits[at].float().softmax(dim=-1).topk(best)
        guesses = []
        for probability, guessed in zip(likely.values.tolist(), likely.indices.tolist(), strict=True):
            word = spelled(guessed, encoding.ids[at - 1 : at], tokenizer)
            # Whether there is a blank before the word is the text's own business, unless the mask token took it in.
            shown = word if text[start:end][:1].isspace() else word.lstrip()
            guesses.append(Guess(word.strip(), guessed, probability, text[:start] + shown + text[end:]))
        blanks.append(Blank(start, end, tuple(guesses)))
    return blanks


def spelled(token_id: int, before: tuple[int, ...], tokenizer: Tokenizer) -> str:
    """How a token reads after another one, with the blank that may stand between them."""
    alone = tokenizer.decode(before)
    return tokenizer.decode([*before, token_id])[len(alone) :] or tokenizer.token(token_id)
