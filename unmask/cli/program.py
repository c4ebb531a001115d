"""The `unmask` command: its verbs, "did you mean", and what each way to end means to the shell.

Exit codes: 0 done, 1 an error the message explains, 2 wrong usage, 130 stopped with Ctrl-C.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from io import TextIOWrapper
from typing import Any

import click

from unmask import __version__
from unmask.base.errors import UnmaskError
from unmask.base.language import say
from unmask.cli import (
    bench,
    convert,
    embed,
    evaluate,
    fill,
    models,
    push,
    score,
    serve,
    show,
    talk,
    train,
    translate,
    view,
)
from unmask.cli.verb import DEBUG, Verbs, debug_option


class Program(Verbs):
    """All of them, and what their errors mean to the shell."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except UnmaskError as error:
            if DEBUG in ctx.meta:
                raise
            click.echo(say("unmask: error: {message}", message=error), err=True)
            ctx.exit(1)
        except KeyboardInterrupt:
            click.echo(err=True)
            ctx.exit(130)


def program() -> Program:
    """The whole command line, its texts in the user's language."""
    verbs = [
        *models.verbs(),
        show.verb(),
        convert.verb(),
        push.verb(),
        *talk.verbs(),
        fill.verb(),
        score.verb(),
        evaluate.verb(),
        embed.verb(),
        translate.verb(),
        view.verb(),
        serve.verb(),
        bench.verb(),
        train.verb(),
    ]
    return Program(
        "unmask",
        commands={str(verb.name): verb for verb in verbs},
        help=say("Transformer language models: pull one, talk to it, look inside."),
        params=[
            click.Option(
                ["--version"],
                is_flag=True,
                is_eager=True,
                expose_value=False,
                callback=show_version,
                help=say("Show the version and leave."),
            ),
            debug_option(),
        ],
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    )


def show_version(context: click.Context, _: click.Parameter, given: bool) -> None:
    if given:
        click.echo(f"unmask {__version__}")
        context.exit()


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line on these arguments, by default the process's own, and end the process."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            # A terminal that cannot show a character should show a question mark, not a traceback.
            stream.reconfigure(errors="replace")
    program().main(None if arguments is None else list(arguments), prog_name="unmask")
