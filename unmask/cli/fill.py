"""`fill`: what belongs in the blanks of a text (the cloze test, 完形填空)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from unmask.base.language import say
from unmask.cli.streams import show_json, whole_prompt
from unmask.cli.verb import Verb, placement_options, quantize_option

if TYPE_CHECKING:
    from unmask.generation.blanks import Blank


def verb() -> Verb:
    return Verb(
        "fill",
        fill,
        say("Fill in each [MASK] of TEXT (or of a pipe) with the likeliest words, a guess a line."),
        [
            click.Argument(["text"], required=False),
            click.Option(
                ["--best"],
                type=click.IntRange(min=1),
                default=5,
                metavar="N",
                help=say("How many guesses for each blank; else 5."),
            ),
            click.Option(
                ["-m", "--model"],
                required=True,
                metavar="MODEL",
                help=say("A pulled name, a Hub repository, a folder or a GGUF file."),
            ),
            *placement_options(),
            quantize_option(),
        ],
    )


def fill(
    *,
    text: str | None,
    best: int,
    model: str,
    dtype: str | None,
    device: str | None,
    allow_pickle: bool,
    quantize: str | None,
    as_json: bool,
) -> None:
    """Print the guesses of each blank, the likeliest first, or all of them as JSON."""
    whole = whole_prompt(text)

    from unmask.model import load

    loaded = load(model, dtype=dtype, device=device, allow_pickle=allow_pickle, quantize=quantize)
    blanks = loaded.fill(whole, best=best)
    if as_json:
        guesses = [[asdict(guess) for guess in blank.guesses] for blank in blanks]
        show_json({"model": loaded.name, "text": whole, "blanks": guesses})
    else:
        click.echo("\n".join(table(blanks)))


def table(blanks: Sequence[Blank]) -> list[str]:
    """Probability, token and the filled text a line, however many the text has; several blanks are numbered."""
    lines = []
    for number, blank in enumerate(blanks, 1):
        if len(blanks) > 1:
            lines.append(say("blank {number}", number=number))
        tokens = [json.dumps(guess.token, ensure_ascii=False) for guess in blank.guesses]
        width = max(len(token) for token in tokens)
        lines += [
            f"{guess.probability:>8.4f}  {token:<{width}}  {' '.join(guess.text.splitlines())}"
            for guess, token in zip(blank.guesses, tokens, strict=True)
        ]
    return lines
