"""What every verb shares: help in the user's language, its common options, and how it names a model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import click

from unmask.base.language import say
from unmask.base.registry import nearest
from unmask.base.runtime import DTYPES
from unmask.quantization.schemes import CHOICES

DEFAULT_MODEL = "smollm2:135m"
DEBUG = "unmask.debug"
"""Where a context remembers that `--debug` was given."""


class Formatter(click.HelpFormatter):
    """click's help page with its headings in the user's language."""

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        super().write_usage(prog, args, prefix or say("Usage: "))

    def write_heading(self, heading: str) -> None:
        headings = {"Options": say("Options"), "Commands": say("Commands")}
        super().write_heading(headings.get(heading, heading))


class Context(click.Context):
    """Makes click use our Formatter."""

    formatter_class = Formatter


class Verb(click.Command):
    """One verb: `run` gets its parameters by name. `--json`, `--debug` and `--help` are on every one."""

    context_class = Context

    def __init__(
        self, name: str, run: Callable[..., None], purpose: str, parameters: Sequence[click.Parameter]
    ) -> None:
        super().__init__(name, callback=run, help=purpose, params=[*parameters, json_option(), debug_option()])

    def get_help_option(self, ctx: click.Context) -> click.Option | None:
        return described(super().get_help_option(ctx))


class Verbs(click.Group):
    """Verbs under one name, in the order given; a mistyped one is told the nearest."""

    context_class = Context

    def get_help_option(self, ctx: click.Context) -> click.Option | None:
        return described(super().get_help_option(ctx))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in self.commands:
            raise click.UsageError(
                say(
                    "There is no verb {name!r}. Did you mean {nearest!r}? All verbs: {known}.",
                    name=args[0],
                    nearest=nearest(args[0], self.commands, count=1)[0],
                    known=", ".join(self.commands),
                ),
                ctx,
            )
        return super().resolve_command(ctx, args)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)


def described(option: click.Option | None) -> click.Option | None:
    """The help option, itself with help in the user's language."""
    if option is not None:
        option.help = say("Show this help and leave.")
    return option


def json_option() -> click.Option:
    return click.Option(["--json", "as_json"], is_flag=True, help=say("Write one JSON document to standard output."))


def debug_option() -> click.Option:
    """`--debug`, before or after the verb."""

    def remember(context: click.Context, _: click.Parameter, given: bool) -> None:
        if given:
            context.meta[DEBUG] = True

    return click.Option(
        ["--debug"],
        is_flag=True,
        expose_value=False,
        callback=remember,
        help=say("Show where in the source an error arose."),
    )


def model_argument(*, default: str | None = None) -> click.Argument:
    """The model's name, given by its place; it may be left out if there is a default."""
    return click.Argument(["model"], default=default, metavar="MODEL" if default is None else "[MODEL]")


def model_options(*, default: str = DEFAULT_MODEL) -> list[click.Parameter]:
    """Which model answers, and how it is held in memory."""
    return [
        click.Option(
            ["-m", "--model"],
            default=default,
            metavar="MODEL",
            help=say("A pulled name, a Hub repository, a folder or a GGUF file; else {name}.", name=default),
        ),
        *placement_options(),
        quantize_option(),
    ]


def pickle_option() -> click.Option:
    return click.Option(
        ["--allow-pickle"],
        is_flag=True,
        help=say("Read weights from a .bin file if there are no others; runs no code."),
    )


def placement_options() -> list[click.Parameter]:
    """How a model is held in memory, and which of its files may be read."""
    return [
        click.Option(["--dtype"], type=click.Choice(DTYPES), help=say("Number format of the weights; else as stored.")),
        click.Option(["--device"], metavar="DEVICE", help=say("Where to compute: cpu, cuda; else the best there is.")),
        pickle_option(),
    ]


def quantize_option(*others: str) -> click.Option:
    """In how many bits the weights are held; `others` may be said too."""
    return click.Option(
        ["--quantize"],
        type=click.Choice((*others, *CHOICES)),
        help=say("Hold the weights in few bits: faster, smaller, not exact. stored: a GGUF file's own blocks."),
    )


def numeric(name: str, kind: type, purpose: str) -> click.Option:
    """An option that is a number, and None where it is left out."""
    return click.Option([f"--{name}"], type=kind, metavar="N", help=purpose)


def answer_options() -> list[click.Parameter]:
    """How a text is continued: when to stop and how to choose. Those left out are None, for the model to decide."""
    return [
        numeric("limit", int, say("Most tokens to write; else until the end or the context is full.")),
        click.Option(["--stop"], multiple=True, metavar="TEXT", help=say("Stop before this text; may be repeated.")),
        numeric("temperature", float, say("0 always takes the likeliest token; higher is more varied.")),
        numeric("top-k", int, say("Choose among the K likeliest tokens; 0 is off.")),
        numeric("top-p", float, say("Choose among the likeliest that sum to P.")),
        numeric("min-p", float, say("Leave out what is less likely than P times the likeliest.")),
        numeric("repetition-penalty", float, say("Above 1: weaken every token that was there before.")),
        numeric("presence-penalty", float, say("Above 0: weaken tokens already used in the answer.")),
        numeric("frequency-penalty", float, say("Above 0: weaken them by how often they were used.")),
        numeric("seed", int, say("Same seed, same text.")),
    ]


def given(settings: dict[str, Any]) -> dict[str, Any]:
    """Only the settings that the user gave."""
    return {name: value for name, value in settings.items() if value is not None}
