"""The verbs that write text: `chat` and `generate`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from unmask.base.language import say
from unmask.cli.beams import search_options, show_hypotheses, wanted
from unmask.cli.streams import on_terminal, show_answer, whole_prompt
from unmask.cli.verb import Verb, answer_options, given, model_options

if TYPE_CHECKING:
    from unmask.text.chat import Message


def verbs() -> list[Verb]:
    """`chat` and `generate`."""
    return [
        Verb(
            "chat",
            chat,
            say("Talk to a model: once with -p or a pipe, else back and forth until /exit or Ctrl-D."),
            [
                click.Option(["-p", "--prompt"], metavar="TEXT", help=say("What to say; piped text is put after it.")),
                click.Option(["--system"], metavar="TEXT", help=say("Instructions that hold for the whole chat.")),
                *model_options(),
                *answer_options(),
            ],
        ),
        Verb(
            "generate",
            generate,
            say("Continue a text, taken from PROMPT, a pipe or both. Greedy unless told otherwise."),
            [click.Argument(["prompt"], required=False), *model_options(), *answer_options(), *search_options()],
        ),
    ]


def chat(
    *,
    model: str,
    prompt: str | None,
    system: str | None,
    limit: int | None,
    stop: tuple[str, ...],
    dtype: str | None,
    device: str | None,
    allow_pickle: bool,
    quantize: str | None,
    as_json: bool,
    **settings: Any,
) -> None:
    """One answer, or a conversation where a person sits at the terminal and gave no prompt."""
    typed = prompt is None and on_terminal()
    if typed and as_json:
        raise click.UsageError(say("--json needs its prompt at once: give -p TEXT, or pipe it in."))
    text = None if typed else whole_prompt(prompt)

    from unmask.cli.conversation import Conversation
    from unmask.generation.sampling import Sampling
    from unmask.model import load

    Sampling(**given(settings))  # refuses wrong values before the model is loaded
    loaded = load(model, dtype=dtype, device=device, allow_pickle=allow_pickle, quantize=quantize)
    sampling = replace(loaded.sampling, **given(settings))
    messages: list[Message] = [{"role": "system", "content": system}] if system else []
    if text is None:
        Conversation(loaded, messages, sampling=sampling, limit=limit, stop=stop).run()
        return
    messages.append({"role": "user", "content": text})
    pieces = loaded.stream(messages, sampling=sampling, limit=limit, stop=stop)
    show_answer(loaded.name, pieces, as_json=as_json)


def generate(
    *,
    model: str,
    prompt: str | None,
    limit: int | None,
    stop: tuple[str, ...],
    beams: int | None,
    best: int | None,
    length_penalty: float | None,
    dtype: str | None,
    device: str | None,
    allow_pickle: bool,
    quantize: str | None,
    as_json: bool,
    **settings: Any,
) -> None:
    """The continuation alone, without the prompt; with `--beams` the likeliest ones."""
    search = wanted(beams, best=best, length_penalty=length_penalty, others={"stop": stop or None, **settings})
    text = whole_prompt(prompt)

    from unmask.generation.sampling import Sampling
    from unmask.model import load

    sampling = Sampling(**given(settings))
    loaded = load(model, dtype=dtype, device=device, allow_pickle=allow_pickle, quantize=quantize)
    if search is None:
        show_answer(loaded.name, loaded.stream(text, sampling=sampling, limit=limit, stop=stop), as_json=as_json)
    else:
        show_hypotheses(loaded.name, loaded.search(text, search, limit=limit), as_json=as_json)
