"""`show --memory`: what a model needs by precision, context and users, and whether it fits here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from unmask.base.language import say
from unmask.base.runtime import DTYPES
from unmask.cli.streams import show_json
from unmask.cli.table import columns

if TYPE_CHECKING:
    from unmask.families.memory import Plan
    from unmask.families.open import Opened


def options() -> list[click.Parameter]:
    return [
        click.Option(["--memory"], is_flag=True, help=say("Plan the memory that MODEL needs, in each number format.")),
        click.Option(
            ["--context"],
            type=click.IntRange(min=1),
            metavar="N",
            help=say("With --memory: tokens of a row, prompt and answer; else the model's whole context."),
        ),
        click.Option(
            ["--users"],
            type=click.IntRange(min=1),
            metavar="N",
            help=say("With --memory: rows worked on at once; else 1."),
        ),
    ]


def show(
    name: str,
    checkpoint: Opened,
    *,
    dtype: str | None,
    device: str | None,
    context: int | None,
    users: int | None,
    as_json: bool,
) -> None:
    """Print a row a precision, or all of it as JSON."""
    from unmask.base.runtime import resolve_device, resolve_dtype
    from unmask.core.memory import process_memory
    from unmask.families.memory import plan
    from unmask.generation.vectors import most_tokens

    place, rows, length = resolve_device(device), users or 1, context or checkpoint.spec.context
    if not checkpoint.spec.writes:
        rows = min(rows, max(1, most_tokens(place) // length))  # more texts are embedded one batch after the other
    runtime = process_memory(place)
    formats: list[tuple[str | None, str | None]] = [(dtype, None)] if dtype else in_question(checkpoint)
    plans = [
        plan(
            checkpoint,
            dtype=None if exact is None else resolve_dtype(exact),
            device=place,
            context=length,
            users=rows,
            runtime=runtime,
            quantize=quantize,
        )
        for exact, quantize in formats
    ]
    if as_json:
        show_json({"model": name, "device": str(place), "plans": [as_document(each) for each in plans]})
    else:
        click.echo("\n".join(table(plans)))


def in_question(checkpoint: Opened) -> list[tuple[str | None, str | None]]:
    """The number formats that the checkpoint can be loaded in: a dtype or a quantization each, or its own."""
    from unmask.families.build import has_blocks, read_packing
    from unmask.quantization.schemes import STORED

    if read_packing(checkpoint.fields) is not None:
        return [(None, None)]
    few = ("int8", "int4", *((STORED,) if has_blocks(checkpoint) else ()))
    return [*((each, None) for each in DTYPES), *((None, each) for each in few)]


def as_document(plan: Plan) -> dict[str, object]:
    return asdict(plan) | {"total": plan.total, "fits": plan.fits}


def table(plans: Sequence[Plan]) -> list[str]:
    """Megabytes by precision, and in words what does not fit."""
    first = plans[0]
    head = [
        say("MB"),
        say("weights"),
        say("file"),
        say("cache"),
        say("work"),
        say("runtime"),
        say("loading"),
        say("total"),
        say("fits"),
    ]
    lines = columns([head, *map(cells, plans)])
    lines.append(say("for {users:,} x {context:,} tokens", users=first.users, context=first.context))
    if first.free is not None:
        lines.append(say("free here: {free:,.0f} MB", free=first.free / 1e6))
    for each in plans:
        if each.fits is False:
            lines.append(
                say("{dtype}: does not fit at any length", dtype=each.dtype)
                if each.longest is None
                else say("{dtype}: {context:,} tokens would fit", dtype=each.dtype, context=each.longest)
            )
    return lines


def cells(plan: Plan) -> list[str]:
    parts = (plan.weights, plan.file, plan.cache, plan.work, plan.runtime, plan.loading, plan.total)
    fits = {True: say("fits: yes"), False: say("fits: no"), None: "?"}[plan.fits]
    return [plan.dtype, *(f"{part / 1e6:,.0f}" for part in parts), fits]
