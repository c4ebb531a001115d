"""`translate`: lines in, their translations out, one for each."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from unmask.base.errors import RequestError
from unmask.base.language import say
from unmask.cli.streams import notice, on_terminal, show_json
from unmask.cli.verb import Verb, given, model_argument, numeric, placement_options, quantize_option

if TYPE_CHECKING:
    from typing import BinaryIO

    from unmask.generation.sampling import Sampling
    from unmask.generation.search import Search
    from unmask.translator import Translation, Translator


def verb() -> Verb:
    return Verb(
        "translate",
        translate,
        say(
            "Translate FILE (or a pipe, or what you type) with MODEL, an encoder-decoder: a line out for each line in."
        ),
        [
            model_argument(),
            click.Argument(["file"], required=False, type=click.Path(dir_okay=False, path_type=Path), metavar="[FILE]"),
            click.Option(
                ["--out"],
                type=click.Path(dir_okay=False, path_type=Path),
                metavar="FILE",
                help=say("Write the translations to this file; it is there when it is whole."),
            ),
            click.Option(
                ["--prefix"],
                default="",
                metavar="TEXT",
                help=say("Put before each line: a task of T5's, or the language that a model of several is to write."),
            ),
            *search_options(),
            *placement_options(),
            quantize_option(),
        ],
    )


def search_options() -> list[click.Parameter]:
    """How a translation is found; those left out are None, for the model to decide."""
    return [
        numeric("beams", int, say("Hypotheses that are written side by side; 1 takes the likeliest token each time.")),
        numeric("best", int, say("With --json: so many hypotheses of each line.")),
        numeric("length-penalty", float, say("The power of its length that a hypothesis' score is divided by.")),
        numeric("coverage", float, say("Above 0: weaken hypotheses that leave words of the line unseen.")),
        numeric("limit", int, say("Most tokens of a translation; else until the context is full.")),
        numeric("temperature", float, say("Draw by chance instead of searching: higher is more varied.")),
        numeric("top-k", int, say("Choose among the K likeliest tokens; 0 is off.")),
        numeric("top-p", float, say("Choose among the likeliest that sum to P.")),
        numeric("seed", int, say("Same seed, same text.")),
    ]


def translate(
    *,
    model: str,
    file: Path | None,
    out: Path | None,
    prefix: str,
    limit: int | None,
    beams: int | None,
    best: int | None,
    length_penalty: float | None,
    coverage: float | None,
    temperature: float | None,
    top_k: int | None,
    top_p: float | None,
    seed: int | None,
    dtype: str | None,
    device: str | None,
    allow_pickle: bool,
    quantize: str | None,
    as_json: bool,
) -> None:
    """Write as many lines as there are; what could not be done for one of them is told on standard error."""
    searching = given({"beams": beams, "best": best, "length_penalty": length_penalty, "coverage": coverage})
    drawing = given({"temperature": temperature, "top_k": top_k, "top_p": top_p, "seed": seed})
    if searching and drawing:
        raise click.UsageError(say("A translation is either searched for or drawn by chance: leave out one of them."))
    if best is not None and not as_json:
        raise click.UsageError(say("Several hypotheses of a line are only told with --json."))

    from dataclasses import replace

    from unmask.generation.sampling import Sampling
    from unmask.translator import load_translator

    loaded = load_translator(model, dtype=dtype, device=device, allow_pickle=allow_pickle, quantize=quantize)
    wanted = Sampling(**{"temperature": 1.0} | drawing) if drawing else replace(loaded.search, **searching)
    if file is None and on_terminal():
        converse(loaded, wanted, prefix, limit)
        return
    with lines(file) as texts:
        made = loaded.lines((prefix + text if text.strip() else text for text in texts), wanted, limit=limit)
        if as_json:
            show_json({"model": loaded.name, "lines": [asdict(each) for each in told(made, loaded, prefix)]})
        elif out is None:
            for each in told(made, loaded, prefix):
                click.echo(each.text)
        else:
            save(out, told(made, loaded, prefix))


def converse(loaded: Translator, wanted: Search | Sampling, prefix: str, limit: int | None) -> None:
    """Each line as it is typed, until there are no more."""
    notice(say("Type a line to have it translated; Ctrl-D ends."))
    for text in sys.stdin:
        (found,) = loaded.lines([prefix + text.rstrip("\r\n")] if text.strip() else [""], wanted, limit=limit)
        (shown,) = told([found], loaded, prefix)
        click.echo(shown.text)


@contextmanager
def lines(file: Path | None) -> Iterator[Iterable[str]]:
    """The lines of a file, or of standard input, without their ends.

    Raises:
        RequestError: if it cannot be read, or a line is not UTF-8; the lines before it are given.
    """
    if file is None:
        yield decoded(sys.stdin.buffer, say("Standard input"))
        return
    try:
        stream = file.open("rb")
    except OSError as error:
        raise RequestError("{path} cannot be read: {reason}.", path=file, reason=error.strerror) from error
    with stream:
        yield decoded(stream, str(file))


def decoded(stream: BinaryIO, name: str) -> Iterator[str]:
    for number, line in enumerate(stream, 1):
        try:
            yield line.decode("utf-8-sig" if number == 1 else "utf-8").rstrip("\r\n")
        except UnicodeDecodeError as error:
            raise RequestError(
                "{name}, line {number}: not UTF-8 text. Convert it first, say with iconv.", name=name, number=number
            ) from error


def told(made: Iterable[Translation], loaded: Translator, prefix: str) -> Iterator[Translation]:
    """The translations, with a notice of each line that was too long or has what the model has no tokens for."""
    for number, each in enumerate(made, 1):
        if each.parts > 1:
            notice(
                say(
                    "(line {number} has {tokens:,} tokens, more than the {context} that {name} reads at once: "
                    "translated in {parts} parts)",
                    number=number,
                    tokens=each.tokens,
                    context=loaded.context,
                    name=loaded.name,
                    parts=each.parts,
                )
            )
        if each.unknown:
            notice(
                say(
                    "(line {number}: {unknown} of its {tokens} tokens are unknown to {name})",
                    number=number,
                    unknown=each.unknown,
                    tokens=each.tokens,
                    name=loaded.name,
                )
            )
        yield each


def save(path: Path, made: Iterable[Translation]) -> None:
    """
    Raises:
        StorageError: if there is no place for it.
    """
    from tqdm import tqdm

    from unmask.base.files import atomic

    count = 0
    with atomic(path) as stream, tqdm(disable=not sys.stderr.isatty(), delay=1, unit="", leave=False) as progress:
        for each in made:
            stream.write(f"{each.text}\n".encode())
            count += 1
            progress.update()
    notice(say("Wrote {count:,} lines to {path}", count=count, path=path))
