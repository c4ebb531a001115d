"""`evaluate`: the perplexity of a text, and how far a model's guesses are from another's."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from unmask.base.errors import RequestError
from unmask.base.language import say
from unmask.cli import show_tokens
from unmask.cli.streams import show_json
from unmask.cli.verb import Verb, model_argument, placement_options, quantize_option

if TYPE_CHECKING:
    from collections.abc import Iterable

    from unmask.evaluation.divergence import Divergence
    from unmask.evaluation.perplexity import Perplexity
    from unmask.evaluation.windows import Window
    from unmask.model import Model

WINDOW = 512


def verb() -> Verb:
    return Verb(
        "evaluate",
        evaluate,
        say("Measure how well MODEL foresees the text in FILE, - is standard input; and how far it is from another."),
        [
            model_argument(),
            click.Argument(["file"], type=click.Path(exists=True, dir_okay=False, allow_dash=True)),
            click.Option(
                ["--against"],
                metavar="MODEL",
                help=say(
                    "Compare with this model of the same vocabulary; else a quantized one with its exact weights."
                ),
            ),
            click.Option(
                ["--window"],
                type=int,
                default=WINDOW,
                metavar="N",
                help=say("Tokens read together, the second half of which count, as in llama.cpp; else {n}.", n=WINDOW),
            ),
            click.Option(
                ["--stride"],
                type=int,
                metavar="N",
                help=say("Move the window by N tokens instead and count each token once: slower, with more before it."),
            ),
            *placement_options(),
            quantize_option(),
        ],
    )


def evaluate(
    *,
    model: str,
    file: str,
    against: str | None,
    window: int,
    stride: int | None,
    dtype: str | None,
    device: str | None,
    allow_pickle: bool,
    quantize: str | None,
    as_json: bool,
) -> None:
    """Print the figures a line each, or as JSON."""
    text = show_tokens.read([file])[0]

    from unmask.evaluation.divergence import divergence
    from unmask.evaluation.perplexity import perplexity
    from unmask.evaluation.windows import reading, windows
    from unmask.model import load

    loaded = load(model, dtype=dtype, device=device, allow_pickle=allow_pickle, quantize=quantize)
    parts = windows(loaded.reader, text, length=window, stride=stride)
    about = {"model": loaded.name, "weights": loaded.dtype, "file": file, "window": window, "stride": stride}
    against = against or (model if quantize else None)
    if against is None:
        with progress(parts) as watched:
            found = perplexity(reading(loaded.core), watched)
        report(about, found, None, as_json=as_json)
        return
    other = load(against, dtype=dtype, device=device, allow_pickle=allow_pickle)
    check_comparable(loaded, other, parts, windows(other.reader, text, length=window, stride=stride))
    with progress(parts) as watched:
        apart = divergence(reading(other.core), reading(loaded.core), watched)
    report(about | {"against": other.name}, apart.model, apart, as_json=as_json)


def check_comparable(model: Model, other: Model, ours: list[Window], theirs: list[Window]) -> None:
    """
    Raises:
        RequestError: if the two spell the text in different tokens.
    """
    if ours != theirs or model.spec.embedding.vocab != other.spec.embedding.vocab:
        raise RequestError(
            "{name} and {other} do not spell this text in the same tokens, so their guesses cannot be compared. "
            "Name a model of the same vocabulary.",
            name=model.name,
            other=other.name,
        )


@contextmanager
def progress(parts: list[Window]) -> Iterator[Iterable[Window]]:
    """The windows, with a progress bar if it takes long and someone watches."""
    from tqdm import tqdm

    with tqdm(parts, disable=not sys.stderr.isatty(), delay=1, unit="", leave=False) as watched:
        yield watched


def report(about: dict[str, object], found: Perplexity, apart: Divergence | None, *, as_json: bool) -> None:
    if as_json:
        show_json(about | as_document(found, apart))
    else:
        click.echo("\n".join(lines(found, apart)))


def as_document(found: Perplexity, apart: Divergence | None) -> dict[str, object]:
    figures: dict[str, object] = {"tokens": found.tokens, "perplexity": found.value, "error": found.error}
    if apart is None:
        return figures
    return figures | {
        "reference_perplexity": apart.reference.value,
        "ratio": apart.model.value / apart.reference.value,
        "divergence_mean": apart.mean,
        "divergence_p99": apart.high,
        "same_top_1": apart.first,
        "same_top_5": apart.few,
    }


def lines(found: Perplexity, apart: Divergence | None) -> list[str]:
    first = say(
        "perplexity  {value:.4f} ± {error:.4f}, of {tokens:,} tokens",
        value=found.value,
        error=found.error,
        tokens=found.tokens,
    )
    if apart is None:
        return [first]
    return [
        first,
        say(
            "reference   {value:.4f}, so this is {ratio:.4f} times as much",
            value=apart.reference.value,
            ratio=apart.model.value / apart.reference.value,
        ),
        say("divergence  {mean:.5f} nats a token, 99 % under {high:.5f}", mean=apart.mean, high=apart.high),
        say(
            "agreement   {first:.2%} on the likeliest token, {few:.2%} of the five likeliest",
            first=apart.first,
            few=apart.few,
        ),
    ]
