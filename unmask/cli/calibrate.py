"""`convert --calibrate`: weights rounded by what the model does with a text, instead of each by itself."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from unmask.base.language import say
from unmask.cli.show_tokens import read
from unmask.quantization.schemes import STORED

if TYPE_CHECKING:
    from unmask.model import Model

METHODS = ("awq", "gptq")


def options() -> list[click.Parameter]:
    return [
        click.Option(
            ["--calibrate", "calibrate_by"],
            type=click.Choice(METHODS),
            help=say("With --quantize: round by what the model does with a text (--text), not each weight by itself."),
        ),
        click.Option(["--text"], metavar="FILE", help=say("What to calibrate on: like what the model will read.")),
    ]


def check(method: str | None, file: str | None, quantize: str | None) -> None:
    """
    Raises:
        UsageError: if these options do not go together.
    """
    if (method is None) != (file is None):
        raise click.UsageError(say("--calibrate and --text go together: a method, and a file to calibrate on."))
    if method is not None and quantize in (None, STORED):
        raise click.UsageError(say("--calibrate says how to round, not to what: give --quantize int4, for example."))


def calibrate(loaded: Model, method: str, quantize: str, file: str) -> None:
    """Quantize a loaded model in place, with a progress bar if it takes long and someone watches.

    Raises:
        RequestError: if the text is too short, or no text.
    """
    from tqdm import tqdm

    from unmask.quantization.calibration import calibrated, rows
    from unmask.quantization.schemes import scheme

    tokens = rows(loaded.reader.spelled(read([file])[0]).ids, context=loaded.context)
    with tqdm(total=len(loaded.spec.blocks), disable=not sys.stderr.isatty(), delay=1, leave=False) as bar:

        def show(done: int, count: int) -> None:
            bar.update(done - bar.n)

        calibrated(loaded.core, method, scheme(quantize), tokens, show)
