"""`convert`: a model written anew, as a folder in the Hub's layout or as a GGUF file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from unmask.base.errors import RequestError
from unmask.base.language import say
from unmask.cli import calibrate
from unmask.cli.streams import notice, show_json
from unmask.cli.verb import Verb, model_argument, placement_options, quantize_option

if TYPE_CHECKING:
    from unmask.model import Model

TYPES = ("f32", "f16", "bf16", "q8_0", "q4_0")


def verb() -> Verb:
    return Verb(
        "convert",
        convert,
        say("Write MODEL to OUT: a folder that transformers loads, or a GGUF file that llama.cpp loads."),
        [
            model_argument(),
            click.Argument(["out"], required=False, type=click.Path(path_type=Path)),
            click.Option(
                ["--to"],
                type=click.Choice(("hub", "gguf")),
                help=say("A folder or a GGUF file; else a file if OUT ends in .gguf."),
            ),
            click.Option(
                ["--type", "kind"], type=click.Choice(TYPES), help=say("Number format of a GGUF's matrices; else f16.")
            ),
            click.Option(["--force"], is_flag=True, help=say("Write over what is at OUT.")),
            click.Option(
                ["--report"], is_flag=True, help=say("Only list which tensors of MODEL are used; write nothing.")
            ),
            *placement_options(),
            quantize_option(),
            *calibrate.options(),
        ],
    )


def convert(
    *,
    model: str,
    out: Path | None,
    to: str | None,
    kind: str | None,
    force: bool,
    report: bool,
    dtype: str | None,
    device: str | None,
    allow_pickle: bool,
    quantize: str | None,
    calibrate_by: str | None,
    text: str | None,
    as_json: bool,
) -> None:
    """Write the model and print where it lies; or only tell what became of its tensors."""
    gguf = False
    calibrate.check(calibrate_by, text, quantize)
    if not report:
        if out is None:
            raise click.UsageError(say("Say where to write: unmask convert MODEL OUT. Or only look, with --report."))
        gguf = to == "gguf" or (to is None and out.suffix == ".gguf")
        if kind and not gguf:
            raise click.UsageError(say("--type is for GGUF files; for a folder, choose with --dtype."))
        if quantize and gguf:
            raise click.UsageError(say("--quantize is for folders; choose a GGUF file's format with --type."))
        check_free(out, gguf=gguf, force=force)

    from unmask.model import load

    at_once = None if calibrate_by else quantize
    loaded = load(model, dtype=dtype, device=device, allow_pickle=allow_pickle, quantize=at_once)
    if calibrate_by and text and quantize:
        calibrate.calibrate(loaded, calibrate_by, quantize, text)
    if out is None or report:
        show_report(loaded, as_json=as_json)
        return
    left_out: tuple[str, ...] = ()
    if gguf:
        left_out = loaded.save_gguf(out, format=kind or "f16")
    else:
        loaded.save(out)
    if left_out:
        notice(say("(a GGUF file has no place for {names}; left out)", names=", ".join(left_out)))
    if as_json:
        about = {"model": loaded.name, "format": "gguf" if gguf else "hub", "path": str(out)}
        show_json(about | {"left_out": list(left_out)})
    else:
        click.echo(out)


def check_free(out: Path, *, gguf: bool, force: bool) -> None:
    """See that the place is free before the model is loaded.

    Raises:
        RequestError: if something is there that must not be, or may not be without `force`.
    """
    if gguf and out.is_dir():
        raise RequestError("{path} is a folder, and a GGUF is one file. Name the file: {path}/model.gguf", path=out)
    if not gguf and out.is_file():
        raise RequestError("{path} is a file, and a model in the Hub's layout is a folder. Name another.", path=out)
    taken = any(out.iterdir()) if out.is_dir() else out.exists()
    if taken and not force:
        raise RequestError("There is something at {path} already. Name another place, or add --force.", path=out)


def show_report(model: Model, *, as_json: bool) -> None:
    """Every tensor of the checkpoint, as used or left out, and those rounded although their blocks were asked for."""
    report = model.report
    if as_json:
        lists = {"used": list(report.used), "ignored": list(report.ignored), "rounded": list(report.rounded)}
        show_json({"model": model.name, **lists})
        return
    for name in report.used:
        click.echo(say("used     {name}", name=name))
    for name in report.ignored:
        click.echo(say("ignored  {name}", name=name))
    for name in report.rounded:
        click.echo(say("rounded  {name}", name=name))
    click.echo(say("{used} used, {ignored} ignored", used=len(report.used), ignored=len(report.ignored)))
