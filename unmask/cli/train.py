"""`train`: a model from nothing but text, by a recipe; what recipes there are, what they are told, what they cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from unmask.base.errors import RequestError
from unmask.base.language import say
from unmask.cli.streams import notice, show_json
from unmask.cli.table import columns, width
from unmask.cli.verb import Verb

if TYPE_CHECKING:
    from unmask.recipes.plan import Plan
    from unmask.recipes.shelf import Recipe

RUNS = Path("runs")
"""Where runs go that are not told where."""


def verb() -> Verb:
    return Verb(
        "train",
        train,
        say("Train a model from text by RECIPE, a name or a script; the same command goes on with a run that stopped."),
        [
            click.Argument(["recipe"], default="", metavar="[RECIPE]"),
            click.Option(
                ["--list", "listing"], is_flag=True, help=say("List the recipes, or what RECIPE can be told.")
            ),
            click.Option(
                ["--data"],
                multiple=True,
                type=click.Path(path_type=Path),
                metavar="PATH",
                help=say("Text to learn from: a file or a folder of .txt, .jsonl, .tsv, also .gz; may be repeated."),
            ),
            click.Option(
                ["--set", "settings"],
                multiple=True,
                metavar="NAME=VALUE",
                help=say("Turn a knob of the recipe, such as steps=100; may be repeated."),
            ),
            click.Option(
                ["--out"],
                type=click.Path(path_type=Path, file_okay=False),
                metavar="FOLDER",
                help=say("Where the run is kept, its model in FOLDER/model; else {folder}/RECIPE.", folder=RUNS),
            ),
            click.Option(
                ["--plan", "planning"], is_flag=True, help=say("Only tell what the run would cost: memory, time, disk.")
            ),
            click.Option(
                ["--copy", "copying"],
                is_flag=True,
                help=say("Write the recipe's script into the folder you are in (or --out), to be edited."),
            ),
        ],
    )


def train(
    *,
    recipe: str,
    listing: bool,
    data: Sequence[Path],
    settings: Sequence[str],
    out: Path | None,
    planning: bool,
    copying: bool,
    as_json: bool,
) -> None:
    """Run a recipe, or tell of it."""
    from unmask.recipes import shelf
    from unmask.recipes.knobs import turned

    if not recipe:
        show_recipes(as_json=as_json)
        return
    if copying:
        path = shelf.copy(recipe, out or Path())
        show_json({"path": str(path)}) if as_json else click.echo(path)
        return
    chosen = shelf.recipe(recipe)
    if listing:
        show_knobs(chosen, as_json=as_json)
        return
    knobs = turned(chosen.Knobs, settings)
    if planning:
        show_plan(chosen.plan(knobs, data), as_json=as_json)
        return
    if not data:
        raise RequestError(
            "There is no text to learn from. Name some: unmask train {recipe} --data FILE", recipe=recipe
        )
    folder = out or RUNS / Path(recipe).stem
    report = chosen.run(knobs, data, folder)
    if not report:  # of several processes, the first one has it
        return
    if as_json:
        show_json(report)
        return
    for sample in report["samples"]:
        click.echo(sample)
        click.echo()
    notice(
        say("The model is in {folder}; its curve is {picture}.", folder=folder / "model", picture=folder / "loss.svg")
    )


def show_recipes(*, as_json: bool) -> None:
    """Their names and purposes."""
    from unmask.recipes.describe import purpose
    from unmask.recipes.shelf import RECIPES, recipe

    purposes = {name: purpose(recipe(name)) for name in RECIPES}
    if as_json:
        show_json(purposes)
        return
    longest = max(map(len, purposes))
    click.echo("\n".join(f"{name:{longest}}  {text}" for name, text in purposes.items()))


def show_knobs(recipe: Recipe, *, as_json: bool) -> None:
    """What it can be told: name and value, kind, meaning."""
    from unmask.recipes.describe import knobs_of
    from unmask.recipes.knobs import written

    knobs = knobs_of(recipe.Knobs)
    if as_json:
        show_json([asdict(each) for each in knobs])
        return
    heads = [f"{each.name}={written(each.default)}" for each in knobs]
    longest = max(map(width, heads))
    for head, each in zip(heads, knobs, strict=True):
        click.echo(f"{head}{' ' * (longest - width(head))}  {each.about} ({each.kind})")


def show_plan(plan: Plan, *, as_json: bool) -> None:
    """A figure a line, or all of them as JSON."""
    if as_json:
        show_json(asdict(plan) | {"memory": plan.memory, "seconds": plan.seconds})
        return

    def size(count: int) -> str:
        return say("{size:,.0f} MB", size=count / 1e6)

    rows = [
        (say("parameters"), f"{plan.parameters:,}"),
        (say("tokens read"), f"{plan.tokens:,}"),
        (say("arithmetic"), f"{plan.flops:.3g} FLOP"),
        (say("weights"), size(plan.weights)),
        (say("gradients"), size(plan.gradients)),
        (say("optimizer"), size(plan.optimizer)),
        (say("activations"), size(plan.activations)),
        (say("runtime"), size(plan.runtime)),
        (say("memory in all"), size(plan.memory)),
        (say("checkpoints on disk"), size(plan.checkpoints)),
        (say("time here, about"), duration(plan.seconds)),
    ]
    click.echo("\n".join(columns(rows)))
    click.echo(
        say(
            "The time is for {share:.0%} of the {speed:,.0f} GFLOP/s that a plain matrix product reaches here.",
            share=plan.share,
            speed=plan.speed / 1e9,
        )
    )


def duration(seconds: float) -> str:
    """Hours, minutes and seconds."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:,}:{minutes:02}:{rest:02}"
