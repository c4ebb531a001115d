"""Load on a server, and how it bears it: when requests are sent, what each one saw, and what that sums up to."""

from __future__ import annotations

import asyncio
import json
import math
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from random import Random
from typing import Any

from unmask.server.bench.client import Address, BrokenAnswer, Response, ask

Wish = Mapping[str, Any]
"""The body of a request for a chat completion that is streamed with its usage."""


@dataclass(frozen=True)
class Load:
    """How requests come: one of the two.

    With `together` so many are under way at any time, each followed by the next (a closed loop). With `rate` they come
    so many a second, at times by chance (Poisson), however long the earlier ones take (an open loop).
    """

    together: int | None = None
    rate: float | None = None


@dataclass(frozen=True)
class Outcome:
    """What one request saw; times are seconds on one clock."""

    begun: float
    ended: float
    shown: tuple[float, ...]
    """When each bit of text came; several tokens that come as one are one."""
    text: str
    prompt_tokens: int
    cached_tokens: int
    tokens: int
    fault: str | None
    """Why there is no whole answer: `429 queue_full`, `connection`, `cut_off`, `empty`,
    `timeout`, `stream shutting_down`."""

    @property
    def first(self) -> float:
        """Seconds to the first text; only where there is one."""
        return self.shown[0] - self.begun

    @property
    def gaps(self) -> list[float]:
        """Seconds between one bit of text and the next."""
        return [later - sooner for sooner, later in zip(self.shown, self.shown[1:], strict=False)]

    @property
    def between(self) -> float:
        """Seconds from token to token, on average."""
        return (self.shown[-1] - self.shown[0]) / max(self.tokens - 1, 1)


@dataclass
class Hearing:
    """An answer's events as they come."""

    shown: list[float] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    usage: Mapping[str, Any] = field(default_factory=dict)
    finished: bool = False
    fault: str | None = None

    def hear(self, event: Mapping[str, Any]) -> None:
        if "error" in event:
            self.fault = f"stream {kind(event)}"
        self.usage = event.get("usage") or self.usage
        for choice in event.get("choices", ()):
            self.finished |= choice.get("finish_reason") is not None
            text = choice["delta"].get("content")
            if text:
                self.shown.append(time.perf_counter())
                self.texts.append(text)


def kind(body: Mapping[str, Any]) -> str:
    """An error's short name in OpenAI's form."""
    error = body["error"]
    return str(error.get("code") or error.get("type"))


async def ask_for(address: Address, wish: Wish, *, patience: float) -> Outcome:
    """One request from its connection to its end, whatever comes of it.

    Args:
        patience: seconds after which it is given up.
    """
    begun = time.perf_counter()
    hearing = Hearing()
    try:
        async with asyncio.timeout(patience), ask(address, "POST", "/chat/completions", wish) as answer:
            await listen(answer, hearing)
    except TimeoutError:
        hearing.fault = "timeout"
    except OSError:
        hearing.fault = "connection"
    except BrokenAnswer:
        hearing.fault = "cut_off"
    if hearing.fault is None and not (hearing.finished and hearing.shown):
        hearing.fault = "empty" if hearing.finished else "cut_off"
    details = hearing.usage.get("prompt_tokens_details") or {}
    return Outcome(
        begun=begun,
        ended=time.perf_counter(),
        shown=tuple(hearing.shown),
        text="".join(hearing.texts),
        prompt_tokens=hearing.usage.get("prompt_tokens", 0),
        cached_tokens=details.get("cached_tokens", 0),
        tokens=hearing.usage.get("completion_tokens", len(hearing.shown)),
        fault=hearing.fault,
    )


async def listen(answer: Response, hearing: Hearing) -> None:
    if answer.status != 200:
        said = await answer.read()
        hearing.fault = (
            f"{answer.status} {kind(json.loads(said))}" if said.startswith(b'{"error"') else str(answer.status)
        )
        return
    async with aclosing(answer.lines()) as lines:
        async for line in lines:
            content = line.removeprefix(b"data:").strip()
            if content != line and content != b"[DONE]":
                hearing.hear(json.loads(content))


async def drive(
    load: Load,
    wishes: Sequence[Wish],
    send: Callable[[Wish], Awaitable[Outcome]],
    *,
    seed: int = 0,
    heard: Callable[[], object] = lambda: None,
) -> list[Outcome]:
    """Send every wish as the load says; `heard` is called after each answer. In the order of the wishes."""

    async def one(wish: Wish) -> Outcome:
        outcome = await send(wish)
        heard()
        return outcome

    if load.rate is not None:
        tasks = [asyncio.create_task(one(wish)) async for wish in arriving(wishes, load.rate, seed)]
        return await asyncio.gather(*tasks)
    outcomes: dict[int, Outcome] = {}
    waiting = iter(enumerate(wishes))

    async def work() -> None:
        for number, wish in waiting:
            outcomes[number] = await one(wish)

    await asyncio.gather(*(work() for _ in range(load.together or 1)))
    return [outcomes[number] for number in range(len(wishes))]


async def arriving(wishes: Iterable[Wish], rate: float, seed: int) -> AsyncIterator[Wish]:
    """Each wish when its time has come: the times between are exponential, so that many a second come on average."""
    random = Random(seed)
    due = time.perf_counter()
    for wish in wishes:
        yield wish
        due += random.expovariate(rate)
        await asyncio.sleep(due - time.perf_counter())


@dataclass(frozen=True)
class Goals:
    """What an answer must keep to be a good one, in seconds; None is no goal."""

    first: float | None = None
    between: float | None = None

    def kept(self, outcome: Outcome) -> bool:
        return (
            outcome.fault is None
            and outcome.first <= (math.inf if self.first is None else self.first)
            and outcome.between <= (math.inf if self.between is None else self.between)
        )


@dataclass(frozen=True)
class Spread:
    """The half, 95 % and 99 % of all values are at most so large; of none they are None."""

    p50: float | None
    p95: float | None
    p99: float | None

    @classmethod
    def of(cls, values: Iterable[float]) -> Spread:
        ordered = sorted(values)
        if not ordered:
            return cls(None, None, None)
        p50, p95, p99 = (ordered[math.ceil(share * len(ordered) / 100) - 1] for share in (50, 95, 99))
        return cls(p50, p95, p99)


@dataclass(frozen=True)
class Summary:
    """What a load came to. Times are seconds, rates are by the second, from the first request to the last answer."""

    requests: int
    seconds: float
    first: Spread
    between: Spread
    prompt_rate: float
    rate: float
    request_rate: float
    good_rate: float
    cached_share: float
    faults: Mapping[str, int]


def summarize(outcomes: Sequence[Outcome], goals: Goals) -> Summary:
    """Failed requests count in `faults` alone; the time they took counts."""
    whole = [outcome for outcome in outcomes if outcome.fault is None]
    seconds = max(outcome.ended for outcome in outcomes) - min(outcome.begun for outcome in outcomes)
    prompts = sum(outcome.prompt_tokens for outcome in whole)
    return Summary(
        requests=len(outcomes),
        seconds=seconds,
        first=Spread.of(outcome.first for outcome in whole),
        between=Spread.of(gap for outcome in whole for gap in outcome.gaps),
        prompt_rate=prompts / seconds,
        rate=sum(outcome.tokens for outcome in whole) / seconds,
        request_rate=len(whole) / seconds,
        good_rate=sum(map(goals.kept, outcomes)) / seconds,
        cached_share=sum(outcome.cached_tokens for outcome in whole) / max(prompts, 1),
        faults=Counter(outcome.fault for outcome in outcomes if outcome.fault),
    )
