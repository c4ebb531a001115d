"""`score`: how likely a model finds a text, token by token."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from unmask.base.language import say
from unmask.cli.streams import show_json, whole_prompt
from unmask.cli.verb import Verb, model_options

if TYPE_CHECKING:
    from unmask.generation.score import Score


def verb() -> Verb:
    return Verb(
        "score",
        score,
        say("Score a text, from TEXT, a pipe or both: each token's log-probability (natural), total, perplexity."),
        [click.Argument(["text"], required=False), *model_options()],
    )


def score(
    *,
    model: str,
    text: str | None,
    dtype: str | None,
    device: str | None,
    allow_pickle: bool,
    quantize: str | None,
    as_json: bool,
) -> None:
    """Print a line a token and the totals, or all of it as JSON."""
    whole = whole_prompt(text)

    from unmask.model import load

    loaded = load(model, dtype=dtype, device=device, allow_pickle=allow_pickle, quantize=quantize)
    scored = loaded.score(whole)
    if as_json:
        show_json(as_document(loaded.name, scored))
    else:
        click.echo("\n".join(table(scored)))


def as_document(name: str, scored: Score) -> dict[str, object]:
    return {
        "model": name,
        "tokens": list(scored.tokens),
        "ids": list(scored.ids),
        "logprobs": list(scored.logprobs),
        "total": scored.total,
        "perplexity": scored.perplexity,
    }


def table(scored: Score) -> list[str]:
    """Log-probability, id and token a line. The first token has nothing before it, so it has no probability."""
    numbers = ["-" if each is None else f"{each:.4f}" for each in scored.logprobs]
    rows = zip(numbers, scored.ids, scored.tokens, strict=True)
    return [
        *(f"{number:>10}{index:>9}  {json.dumps(token, ensure_ascii=False)}" for number, index, token in rows),
        say("total {total:.4f}  perplexity {perplexity:.4f}", total=scored.total, perplexity=scored.perplexity),
    ]
