"""A server measured: prompts that fit it, one load after another, and what each came to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from unmask.base.errors import RequestError, ServerError
from unmask.server.bench.client import Address, BrokenAnswer, fetch
from unmask.server.bench.load import Goals, Load, Outcome, Summary, Wish, ask_for, drive, summarize
from unmask.server.bench.prompts import Source, prompts


@dataclass(frozen=True)
class Target:
    """A model of a server, and how long to wait for its answers, in seconds."""

    address: Address
    model: str
    patience: float

    def wish(self, prompt: str, limit: int) -> Wish:
        """An answer of just so many tokens, the likeliest ones, as a stream."""
        return {
            "model": self.model,
            "messages": [{"role": "user", "content": prompt}],
            "max_tokens": limit,
            "temperature": 0,
            "ignore_eos": True,
            "stream": True,
            "stream_options": {"include_usage": True},
        }

    async def send(self, wish: Wish) -> Outcome:
        return await ask_for(self.address, wish, patience=self.patience)

    async def length(self, prompt: str) -> int:
        """How many tokens the server finds in a prompt, its own frame included.

        Raises:
            ServerError: if it does not answer, or does not tell.
        """
        outcome = await self.send(self.wish(prompt, 1))
        if outcome.fault is not None:
            raise ServerError(
                "{host}:{port} did not answer a first request: {fault}.",
                host=self.address.host,
                port=self.address.port,
                fault=outcome.fault,
            )
        if not outcome.prompt_tokens:
            raise ServerError(
                "{host}:{port} does not tell how long prompts are (usage in a stream), so they cannot be fitted.",
                host=self.address.host,
                port=self.address.port,
            )
        return outcome.prompt_tokens


@dataclass(frozen=True)
class Trial:
    """What a server is to be measured with. Every load has prompts of its own, so that none is known from before."""

    loads: Sequence[Load]
    requests: int
    """Of each load."""
    prompt_tokens: int
    answer_tokens: int
    source: Source
    goals: Goals
    seed: int

    async def run(self, target: Target, heard: Callable[[], object] = lambda: None) -> list[Summary]:
        """One summary a load; `heard` is called after each answer."""
        texts = await prompts(
            self.source,
            tokens=self.prompt_tokens,
            count=self.requests * len(self.loads),
            seed=self.seed,
            measure=target.length,
        )
        wishes = [target.wish(text, self.answer_tokens) for text in texts]
        found = []
        for number, load in enumerate(self.loads):
            part = wishes[number * self.requests : (number + 1) * self.requests]
            found.append(summarize(await drive(load, part, target.send, seed=self.seed, heard=heard), self.goals))
        return found


async def first_model(address: Address) -> str:
    """The name of the first model that an API lists.

    Raises:
        ServerError: if nobody answers there.
        RequestError: if what answers has no list of models.
    """
    try:
        name: str = (await fetch(address, "/models"))["data"][0]["id"]
    except OSError as error:
        raise ServerError(
            "Nobody answers at {host}:{port}: {reason}.", host=address.host, port=address.port, reason=error
        ) from error
    except (BrokenAnswer, LookupError, TypeError) as error:
        raise RequestError(
            "{host}:{port} has no list of models under {path}/models. Is the address right, version and all?",
            host=address.host,
            port=address.port,
            path=address.path,
        ) from error
    return name
