"""`show`: what a model is, what texts cost in its tokens, what memory it needs. No weight is ever read for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from unmask.base.errors import TokenizerError
from unmask.base.language import say
from unmask.cli import show_memory, show_tokens
from unmask.cli.streams import show_json
from unmask.cli.verb import Verb, model_argument, placement_options

if TYPE_CHECKING:
    from unmask.families.open import Opened
    from unmask.text.tokenizer import Tokenizer


def verb() -> Verb:
    return Verb(
        "show",
        show,
        say("Show what MODEL is; with --tokens what texts cost in it, with --memory what it needs. Loads no weights."),
        [model_argument(), *show_tokens.options(), *show_memory.options(), *placement_options()],
    )


def show(
    *,
    model: str,
    tokens: tuple[str, ...],
    price: float | None,
    memory: bool,
    context: int | None,
    users: int | None,
    dtype: str | None,
    device: str | None,
    allow_pickle: bool,
    as_json: bool,
) -> None:
    """One of the three, for reading or as JSON."""
    if memory and tokens:
        raise click.UsageError(say("--memory and --tokens are two different tables. Ask for one at a time."))
    if price is not None and not tokens:
        raise click.UsageError(say("--price prices the tokens of a text: give --tokens FILE too."))
    if (context or users) and not memory:
        raise click.UsageError(say("--context and --users belong to the memory plan: give --memory too."))
    texts = show_tokens.read(tokens)

    from unmask.checkpoints.hub import locate
    from unmask.families.open import open_checkpoint

    checkpoint = open_checkpoint(locate(model), allow_pickle=allow_pickle)
    if tokens:
        show_tokens.show(model, checkpoint.spec.context, known(model, tokenizer(checkpoint)), texts, price, as_json)
    elif memory:
        # Held until the plan is made: what it takes is a part of it.
        vocabulary = tokenizer(checkpoint)
        show_memory.show(model, checkpoint, dtype=dtype, device=device, context=context, users=users, as_json=as_json)
        del vocabulary
    else:
        facts = as_document(model, checkpoint, dtype, device)
        show_json(facts) if as_json else click.echo("\n".join(described(checkpoint, facts)))


def tokenizer(checkpoint: Opened) -> Tokenizer | None:
    """The checkpoint's tokenizer; None where it has none."""
    from unmask.checkpoints.gguf import Gguf
    from unmask.text import formats

    source = checkpoint.source
    return formats.read_gguf(source.metadata) if isinstance(source, Gguf) else formats.read_folder(checkpoint.path)


def known(name: str, found: Tokenizer | None) -> Tokenizer:
    """A tokenizer that has to be there."""
    if found is None:
        raise TokenizerError("{name} came without a tokenizer, so no tokens can be counted.", name=name)
    return found


def has_template(checkpoint: Opened) -> bool:
    from unmask.checkpoints.gguf import Gguf
    from unmask.text import formats

    source = checkpoint.source
    if isinstance(source, Gguf):
        return formats.gguf_template(source.metadata) is not None
    return formats.folder_template(checkpoint.path) is not None


def as_document(name: str, checkpoint: Opened, dtype: str | None, device: str | None) -> dict[str, object]:
    """All that is known of a model without its weights, with its whole spec."""
    import torch

    from unmask.base.runtime import resolve_device
    from unmask.core.spec import to_dict
    from unmask.families.build import read_packing
    from unmask.families.open import stored_dtype
    from unmask.native.library import describe

    packing = read_packing(checkpoint.fields)
    stored = packing.scheme.name if packing else str(stored_dtype(checkpoint.source)).removeprefix("torch.")
    with torch.device("meta"):
        parameters = sum(parameter.numel() for parameter in checkpoint.spec.build().parameters())
    return {
        "name": name,
        "architecture": checkpoint.family,
        "parameters": parameters,
        "dtype": dtype or stored,
        "device": str(resolve_device(device)),
        "native": describe(),
        "context": checkpoint.spec.context,
        "vocabulary": checkpoint.spec.embedding.vocab,
        "template": has_template(checkpoint),
        "spec": to_dict(checkpoint.spec),
    }


def described(checkpoint: Opened, facts: dict[str, object]) -> list[str]:
    """A line a property; heads and feed-forward are those of the first block."""
    spec = checkpoint.spec
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
        say("name          {value}", value=facts["name"]),
        say("architecture  {value}", value=facts["architecture"]),
        say("sizes         {value}", value=sizes),
        say("parameters    {value:,}", value=facts["parameters"]),
        say("dtype         {value}", value=facts["dtype"]),
        say("device        {value}", value=facts["device"]),
        say("quantized on  {value}", value=facts["native"]),
        say("context       {value:,} tokens", value=facts["context"]),
        say("vocabulary    {value:,} tokens", value=facts["vocabulary"]),
        say("chat template {value}", value=say("yes") if facts["template"] else say("no")),
    ]
