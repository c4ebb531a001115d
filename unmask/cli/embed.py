"""`embed`: texts to vectors, as JSON lines or as a numpy file."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from unmask.base.errors import RequestError
from unmask.base.language import say
from unmask.cli.streams import notice, show_json, whole_prompt
from unmask.cli.verb import Verb, model_options

if TYPE_CHECKING:
    from torch import Tensor

    from unmask.model import Model

EMBEDDER = "minilm"
"""The model that embeds unless another is named."""
BATCH = 512
"""Texts between two steps of the progress bar."""


def verb() -> Verb:
    return Verb(
        "embed",
        embed,
        say("Turn texts into vectors: each TEXT, else each line of a pipe. Writes a JSON array a line."),
        [
            click.Argument(["texts"], nargs=-1, metavar="[TEXT]..."),
            click.Option(
                ["--out"],
                type=click.Path(dir_okay=False, path_type=Path),
                metavar="FILE.npy",
                help=say("Write them to this numpy file instead: float32, a row a text."),
            ),
            click.Option(
                ["--cut"], is_flag=True, help=say("Cut texts that are too long for the model, rather than refuse them.")
            ),
            *model_options(default=EMBEDDER),
        ],
    )


def embed(
    *,
    texts: tuple[str, ...],
    out: Path | None,
    cut: bool,
    model: str,
    dtype: str | None,
    device: str | None,
    allow_pickle: bool,
    quantize: str | None,
    as_json: bool,
) -> None:
    """Write the vectors in the order of the texts; nothing is written if one of the texts cannot be read."""
    lines = checked(list(texts) or whole_prompt(None).split("\n"))

    from unmask.model import load

    loaded = load(model, dtype=dtype, device=device, allow_pickle=allow_pickle, quantize=quantize)
    rows = read(loaded, lines, cut=cut)
    about = {"model": loaded.name, "texts": len(rows), "dimensions": loaded.dimensions}
    if out is not None:
        save(out, batches(loaded, rows), shape=(len(rows), loaded.dimensions))
        if as_json:
            show_json(about | {"path": str(out)})
    elif as_json:
        made = [vector for batch in batches(loaded, rows) for vector in batch.tolist()]
        # On one line: with one number a line, as elsewhere, nobody could read it.
        click.echo(json.dumps(about | {"tokens": [len(row) for row in rows], "embeddings": made}, ensure_ascii=False))
    else:
        for batch in batches(loaded, rows):
            click.echo("\n".join(json.dumps(vector) for vector in batch.tolist()))


def checked(texts: list[str]) -> list[str]:
    """The texts, none of which is empty.

    Raises:
        RequestError: if one is.
    """
    for number, text in enumerate(texts, 1):
        if not text.strip():
            raise RequestError(
                "Text {number} is empty, so it has no vector. Take it out; where texts are piped in, each line is one.",
                number=number,
            )
    return [text.removesuffix("\r") for text in texts]


def read(model: Model, texts: list[str], *, cut: bool) -> list[list[int]]:
    """The ids of each text, with a notice if some were cut.

    Raises:
        ContextError: if one is too long, and it is not to be cut.
    """
    if cut:
        whole = model.tokenizer.rows([model.sentence.prepared(text) for text in texts])
        long = sum(len(row) > model.longest for row in whole)
        if long:
            notice(say("({count:,} texts were cut to {longest} tokens)", count=long, longest=model.longest))
    return model.rows(texts, cut=cut)


def batches(model: Model, rows: list[list[int]]) -> Iterator[Tensor]:
    """Vectors [N, W] of some rows at a time, in order, with a progress bar if it takes long and someone watches."""
    from tqdm import tqdm

    with tqdm(total=len(rows), disable=not sys.stderr.isatty(), delay=1, unit="", leave=False) as progress:
        for start in range(0, len(rows), BATCH):
            made = model.embed_rows(rows[start : start + BATCH]).cpu()
            yield made
            progress.update(len(made))


def save(path: Path, parts: Iterator[Tensor], *, shape: tuple[int, int]) -> None:
    """Write the vectors as a numpy file as they are made; the file is there when it is whole.

    Raises:
        StorageError: if there is no place for it.
    """
    from numpy.lib.format import write_array_header_1_0

    from unmask.base.files import atomic

    with atomic(path) as stream:
        write_array_header_1_0(stream, {"descr": "<f4", "fortran_order": False, "shape": shape})
        for part in parts:
            stream.write(part.numpy().astype("<f4").tobytes())
    notice(say("Wrote {count:,} vectors of {width} numbers to {path}", count=shape[0], width=shape[1], path=path))
