"""`view`: what goes on inside a model while it reads a text, as a page, a picture or plain data."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from unmask.base.language import language, say
from unmask.cli.streams import notice, whole_prompt
from unmask.cli.verb import Verb, model_argument, placement_options, quantize_option

if TYPE_CHECKING:
    from unmask.views.view import View

KINDS = ("attention", "tokens", "lens", "sense", "positions", "alignment", "guide")


def verb() -> Verb:
    return Verb(
        "view",
        view,
        say(
            "Look inside MODEL while it reads TEXT (or a pipe): its attention, what it expected (tokens), what it "
            "would say after each layer (lens), a word in several sentences (sense), the order of words (positions); "
            "or, of a translator, where each word of a translation looks (alignment of TEXT and perhaps its "
            "translation). guide: an explained example of that name; without a name, a list of them."
        ),
        [
            click.Argument(["kind"], type=click.Choice(KINDS), metavar="|".join(KINDS)),
            model_argument(),
            click.Argument(["texts"], nargs=-1, metavar="[TEXT]..."),
            click.Option(
                ["--out"],
                type=click.Path(dir_okay=False, path_type=Path),
                metavar="FILE",
                help=say("Where to write it: a page (.html), a picture (.svg) or its numbers (.json)."),
            ),
            click.Option(["--word"], metavar="WORD", help=say("sense: the word that all the sentences have.")),
            click.Option(
                ["--layer"], type=int, metavar="N", help=say("attention, alignment: show this layer first, from 0.")
            ),
            click.Option(
                ["--head"], type=int, metavar="N", help=say("attention, alignment: show this head first, from 0.")
            ),
            *placement_options(),
            quantize_option(),
        ],
    )


def view(
    *,
    kind: str,
    model: str,
    texts: tuple[str, ...],
    out: Path | None,
    word: str | None,
    layer: int | None,
    head: int | None,
    dtype: str | None,
    device: str | None,
    allow_pickle: bool,
    quantize: str | None,
    as_json: bool,
) -> None:
    """Write the view to its file, or its numbers to standard output."""
    check(kind, texts, out, word=word, layer=layer, head=head, as_json=as_json)
    if kind == "guide" and not texts:
        list_guides()
        return
    texts = texts or (whole_prompt(None),)

    placed: dict[str, Any] = {"dtype": dtype, "device": device, "allow_pickle": allow_pickle, "quantize": quantize}
    if kind == "alignment":
        from unmask.translator import load_translator

        made = load_translator(model, **placed).view(*texts, layer=layer, head=head)
    else:
        from unmask.model import load

        made = load(model, **placed).view(kind, *texts, word=word, layer=layer, head=head)
    if out is not None:
        made.save(out)
        tell(made, out)
    if as_json:
        click.echo(made.json())


def check(
    kind: str,
    texts: tuple[str, ...],
    out: Path | None,
    *,
    word: str | None,
    layer: int | None,
    head: int | None,
    as_json: bool,
) -> None:
    """See that what was given belongs together, before a model is loaded.

    Raises:
        click.UsageError: if it does not.
    """
    if out is None and not as_json and (texts or kind != "guide"):
        raise click.UsageError(say("Where is it to go? Give --out FILE.html, or --json."))
    if (word is None) == (kind == "sense"):
        raise click.UsageError(say("sense, and only sense, wants --word WORD: the word that all the sentences have."))
    if (layer is not None or head is not None) and kind not in ("attention", "alignment"):
        raise click.UsageError(say("--layer and --head belong to the views of attention and of alignment."))
    if len(texts) > {"sense": len(texts), "alignment": 2}.get(kind, 1):
        raise click.UsageError(
            say("Only sense takes several texts, and alignment two. Put each into quotation marks of its own.")
        )


def tell(made: View, path: Path) -> None:
    """Where it is, and what it does not show."""
    for note in made.notes:
        notice(f"- {note}")
    notice(say("Wrote {title} to {path}", title=made.title, path=path))


def list_guides() -> None:
    """The names of the guides and what they are about, a line each."""
    from unmask.views.guides import GUIDES

    width = max(map(len, GUIDES))
    click.echo("\n".join(f"{name:<{width}}  {guide.title(language())}" for name, guide in GUIDES.items()))
