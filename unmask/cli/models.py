"""The verbs about models as things: `pull`, `list`, `show`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from unmask.base.language import say
from unmask.cli.streams import notice, show_json
from unmask.cli.verb import DEFAULT_MODEL, Verb, model_argument, placement_options

if TYPE_CHECKING:
    from unmask.model import Model


def verbs() -> list[Verb]:
    """`pull`, `list` and `show`."""
    return [
        Verb(
            "pull",
            pull,
            say("Fetch MODEL: {name}, or a repository of the Hub as OWNER/NAME.", name=DEFAULT_MODEL),
            [
                model_argument(),
                click.Option(
                    ["--revision"], metavar="COMMIT", help=say("Branch, tag or commit of the repository; else main.")
                ),
            ],
        ),
        Verb("list", list_models, say("List the models on this machine."), []),
        Verb(
            "show",
            show,
            say("Show what MODEL is: architecture, sizes, context, vocabulary."),
            [model_argument(), *placement_options()],
        ),
    ]


def pull(*, model: str, revision: str | None, as_json: bool) -> None:
    """Fetch a model and print where it lies."""
    from unmask.checkpoints import hub

    path = hub.pull(model, revision=revision, progress=sys.stderr.isatty(), report=notice)
    if as_json:
        show_json({"name": model, "path": str(path)})
    else:
        click.echo(path)


def list_models(*, as_json: bool) -> None:
    """A line a model: name, format, megabytes, path."""
    from unmask.checkpoints.hub import installed

    models = installed()
    if as_json:
        keys = ("name", "format", "size", "path")
        show_json(
            [dict(zip(keys, (each.name, each.format, each.size, str(each.path)), strict=True)) for each in models]
        )
        return
    if not models:
        notice(say("No model on this machine yet. Fetch one: unmask pull {name}", name=DEFAULT_MODEL))
    width = max((len(each.name) for each in models), default=0)
    for each in models:
        click.echo(f"{each.name:<{width}}  {each.format:<11}  {each.size / 1e6:>9,.1f} MB  {each.path}")


def show(*, model: str, dtype: str | None, device: str | None, as_json: bool) -> None:
    """Describe a model, for reading or as JSON with its whole spec."""
    from unmask.model import load

    loaded = load(model, dtype=dtype, device=device)
    if as_json:
        show_json(as_document(loaded))
    else:
        click.echo("\n".join(described(loaded)))


def as_document(model: Model) -> dict[str, object]:
    from unmask.core.spec import to_dict

    return {
        "name": model.name,
        "architecture": model.family,
        "parameters": model.parameters,
        "dtype": model.dtype,
        "device": model.device,
        "context": model.context,
        "vocabulary": model.spec.embedding.vocab,
        "template": model.template is not None,
        "spec": to_dict(model.spec),
    }


def described(model: Model) -> list[str]:
    """A line a property; heads and feed-forward are those of the first block."""
    spec = model.spec
    attention = spec.blocks[0].attention
    sizes = say(
        "depth {depth}, width {width}, heads {heads} ({kv_heads} for keys), feed-forward {hidden}",
        depth=len(spec.blocks),
        width=spec.width,
        heads=attention.heads,
        kv_heads=attention.kv_heads,
        hidden=spec.blocks[0].feedforward.hidden,
    )
    return [
        say("name          {value}", value=model.name),
        say("architecture  {value}", value=model.family),
        say("sizes         {value}", value=sizes),
        say("parameters    {value:,}", value=model.parameters),
        say("dtype         {value}", value=model.dtype),
        say("device        {value}", value=model.device),
        say("context       {value:,} tokens", value=model.context),
        say("vocabulary    {value:,} tokens", value=spec.embedding.vocab),
        say("chat template {value}", value=say("no") if model.template is None else say("yes")),
    ]
