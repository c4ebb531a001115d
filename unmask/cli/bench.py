"""`bench serve`: load on a server, ours or another, and how soon its answers come."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING

import click

from unmask.base.errors import RequestError, ServerError
from unmask.base.language import say
from unmask.cli import bench_table, show_tokens
from unmask.cli.streams import show_json
from unmask.cli.verb import DEFAULT_MODEL, Verb, Verbs, debug_option, model_argument, quantize_option

if TYPE_CHECKING:
    from unmask.server.bench.load import Summary
    from unmask.server.bench.trial import Trial

TOGETHER = (1, 8)
"""Requests at once where nothing is said."""
KEY = "UNMASK_KEY"
KEYS = "UNMASK_KEYS"
"""What `serve` wants of who asks it; our own server needs no keys."""


def verb() -> Verbs:
    return Verbs(
        "bench",
        commands={"serve": serve_verb()},
        help=say("Measure a server under load."),
        params=[debug_option()],
    )


def serve_verb() -> Verb:
    return Verb(
        "serve",
        serve,
        say(
            "Ask a server for many answers and tell how soon they come: MODEL (else {name}) is served for it, "
            "unless there is a --url.",
            name=DEFAULT_MODEL,
        ),
        [
            model_argument(default=""),
            click.Option(
                ["--url"],
                metavar="URL",
                help=say(
                    "Any OpenAI-compatible API, up to /v1; MODEL is its name there, else the first. "
                    "A key is taken from {variable}.",
                    variable=KEY,
                ),
            ),
            *load_options(),
            click.Option(
                ["--text"],
                type=click.Path(exists=True, dir_okay=False),
                help=say("Cut the prompts from this text; else they are words by chance."),
            ),
            quantize_option("none"),
        ],
    )


def load_options() -> list[click.Parameter]:
    """How many requests, of what size, how fast, and when an answer is a good one."""

    def count(name: str, default: int, purpose: str, *, least: int = 1) -> click.Option:
        return click.Option([f"--{name}"], type=click.IntRange(min=least), default=default, metavar="N", help=purpose)

    def measure(name: str, unit: str, purpose: str, *, default: float | None = None) -> click.Option:
        kind = click.FloatRange(min=0, min_open=True)
        return click.Option([f"--{name}"], type=kind, default=default, metavar=unit, help=purpose)

    return [
        click.Option(
            ["--concurrency"],
            type=click.IntRange(min=1),
            multiple=True,
            metavar="N",
            help=say("So many requests at once, each followed by the next; may be repeated."),
        ),
        click.Option(
            ["--rate"],
            type=click.FloatRange(min=0, min_open=True),
            multiple=True,
            metavar="R",
            help=say("So many requests a second at random times, whether answered or not; may be repeated."),
        ),
        count("requests", 32, say("Requests of each load; else 32.")),
        count("prompt-tokens", 128, say("Tokens of a prompt, about; else 128.")),
        count("answer-tokens", 128, say("Tokens of an answer; else 128.")),
        measure("goal-first", "MS", say("A good answer begins within so many milliseconds.")),
        measure("goal-between", "MS", say("A good answer takes at most so many milliseconds a token.")),
        measure("timeout", "S", say("Give a request up after so many seconds; else 600."), default=600),
        count("seed", 0, say("Same seed, same prompts at the same times."), least=0),
    ]


def serve(
    *,
    model: str,
    url: str | None,
    concurrency: Sequence[int],
    rate: Sequence[float],
    requests: int,
    prompt_tokens: int,
    answer_tokens: int,
    goal_first: float | None,
    goal_between: float | None,
    timeout: float,
    seed: int,
    text: str | None,
    quantize: str | None,
    as_json: bool,
) -> None:
    """One load after the other, then a table of them all, or a JSON document."""
    from unmask.server.bench.load import Goals, Load
    from unmask.server.bench.prompts import Source
    from unmask.server.bench.trial import Trial

    if url is not None and quantize is not None:
        raise RequestError("With --url the server holds its model as it does; leave --quantize out.")
    loads = [Load(together=each) for each in concurrency] + [Load(rate=each) for each in rate]
    trial = Trial(
        loads=loads or [Load(together=each) for each in TOGETHER],
        requests=requests,
        prompt_tokens=prompt_tokens,
        answer_tokens=answer_tokens,
        source=Source(words(text)),
        goals=Goals(seconds(goal_first), seconds(goal_between)),
        seed=seed,
    )
    with nullcontext(url) if url else serving(model or DEFAULT_MODEL, quantize) as root:
        name, found = asyncio.run(measured(trial, root, model if url else "", timeout))
    if as_json:
        show_json(bench_table.document(name, trial, found))
    else:
        click.echo("\n".join(bench_table.lines(trial, found)))


def words(file: str | None) -> list[str]:
    """
    Raises:
        RequestError: if the file has none, or is not UTF-8.
    """
    if file is None:
        return []
    found = show_tokens.read([file])[0].split()
    if not found:
        raise RequestError("{path} has no words in it, so no prompts can be cut from it.", path=file)
    return found


def seconds(milliseconds: float | None) -> float | None:
    return None if milliseconds is None else milliseconds / 1000


@contextmanager
def serving(model: str, quantize: str | None) -> Iterator[str]:
    """The API of a server of our own, without the page, until the block ends.

    Raises:
        ServerError: if it ended before it could be asked; it has said why by then.
    """
    command = [sys.executable, "-m", "unmask", "serve", model, "--port", "0", "--no-page", "--json"]
    chosen = ["--quantize", quantize] if quantize else []
    environment = {name: value for name, value in os.environ.items() if name != KEYS}
    with subprocess.Popen([*command, *chosen], stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        try:
            said = ""
            for line in process.stdout:
                said += line
                if line == "}\n":
                    break
            else:
                raise ServerError("{model} could not be served, so there is nothing to measure.", model=model)
            yield json.loads(said)["api"]
        finally:
            process.terminate()


async def measured(trial: Trial, root: str, model: str, timeout: float) -> tuple[str, list[Summary]]:
    """The model's name, and a summary a load; with a progress bar if someone watches."""
    from tqdm import tqdm

    from unmask.server.bench.client import Address
    from unmask.server.bench.trial import Target, first_model

    address = Address.of(root, key=os.environ.get(KEY))
    target = Target(address, model or await first_model(address), timeout)
    total = trial.requests * len(trial.loads)
    with tqdm(total=total, disable=not sys.stderr.isatty(), delay=1, unit="", leave=False) as progress:
        return target.model, await trial.run(target, progress.update)
