"""Load on a server: when requests are sent, what is seen of each, and what it sums up to."""

from __future__ import annotations

import asyncio

import numpy
import pytest

from tests.unit.server.bench.canned import END, canned, chunked, reply, said, text
from tests.unit.server.live import Server
from unmask.server.bench.client import Address
from unmask.server.bench.load import Goals, Load, Outcome, Spread, Wish, ask_for, drive, summarize
from unmask.server.bench.trial import Target

WISHES: list[Wish] = [{"number": number} for number in range(12)]
USAGE = said(
    choices=[], usage={"prompt_tokens": 9, "completion_tokens": 3, "prompt_tokens_details": {"cached_tokens": 4}}
)


def outcome(begun: float, *shown: float, ended: float, tokens: int = 0, fault: str | None = None) -> Outcome:
    return Outcome(begun, ended, shown, "", 10, 5, tokens or len(shown), fault)


def seen(sent: bytes, *, hang: bool = False, patience: float = 20.0) -> Outcome:
    async def run() -> Outcome:
        async with canned(sent, hang=hang) as address:
            return await ask_for(address, {}, patience=patience)

    return asyncio.run(run())


@pytest.mark.parametrize("count", [1, 2, 19, 20, 21, 100, 101])
def test_percentiles_are_numpys_of_the_empirical_distribution(count: int) -> None:
    values = numpy.random.default_rng(count).random(count)
    found = Spread.of(values)
    wanted = numpy.percentile(values, [50, 95, 99], method="inverted_cdf")
    assert (found.p50, found.p95, found.p99) == tuple(wanted)


def test_of_no_values_there_are_no_percentiles() -> None:
    assert Spread.of([]) == Spread(None, None, None)


def test_a_closed_loop_has_just_so_many_under_way() -> None:
    under_way: list[int] = []
    now = 0

    async def send(wish: Wish) -> Outcome:
        nonlocal now
        now += 1
        under_way.append(now)
        await asyncio.sleep(0)
        now -= 1
        return outcome(wish["number"], ended=0)

    found = asyncio.run(drive(Load(together=5), WISHES, send))
    assert max(under_way) == 5
    assert [each.begun for each in found] == list(range(12))


def test_an_open_loop_sends_on_whether_or_not_anything_was_answered() -> None:
    async def run() -> list[Outcome]:
        all_are_there = asyncio.Barrier(len(WISHES))

        async def send(wish: Wish) -> Outcome:
            await all_are_there.wait()
            return outcome(wish["number"], ended=0)

        return await drive(Load(rate=1e5), WISHES, send)

    assert [each.begun for each in asyncio.run(run())] == list(range(12))


def test_every_answer_is_reported_as_it_comes() -> None:
    heard: list[None] = []

    async def send(wish: Wish) -> Outcome:
        assert len(heard) == wish["number"]
        return outcome(0, ended=0)

    asyncio.run(drive(Load(together=1), WISHES, send, heard=lambda: heard.append(None)))
    assert len(heard) == len(WISHES)


def test_a_summary_is_what_one_counts_by_hand() -> None:
    outcomes = [
        outcome(0.0, 1.0, 1.5, 3.0, ended=3.0),
        outcome(1.0, 1.5, 2.5, ended=2.5, tokens=5),
        outcome(2.0, ended=5.0, fault="429 queue_full"),
    ]
    found = summarize(outcomes, Goals(first=0.75, between=0.25))
    assert (found.requests, found.seconds, found.faults) == (3, 5.0, {"429 queue_full": 1})
    assert (found.first.p50, found.first.p99) == (0.5, 1.0)
    assert (found.between.p50, found.between.p99) == (1.0, 1.5)
    assert (found.prompt_rate, found.rate, found.request_rate) == (4.0, 1.6, 0.4)
    assert (found.good_rate, found.cached_share) == (0.2, 0.5)


@pytest.mark.parametrize(
    ("goals", "kept"),
    [
        (Goals(), True),
        (Goals(first=1.0), True),
        (Goals(first=0.9), False),
        (Goals(between=1.0), True),
        (Goals(between=0.9), False),
    ],
)
def test_a_good_answer_keeps_both_goals(goals: Goals, kept: bool) -> None:
    assert goals.kept(outcome(0.0, 1.0, 2.0, 3.0, ended=3.0)) is kept


def test_a_failed_answer_is_never_good() -> None:
    assert not Goals().kept(outcome(0.0, 1.0, ended=1.0, fault="cut_off"))


def test_a_stream_is_text_times_and_usage() -> None:
    found = seen(chunked(b": keep-alive\n\n", text(""), text("Hel"), text("lo"), text("", "length"), USAGE, END))
    assert (found.fault, found.text, len(found.shown)) == (None, "Hello", 2)
    assert (found.prompt_tokens, found.cached_tokens, found.tokens) == (9, 4, 3)
    assert found.begun <= found.shown[0] <= found.shown[1] <= found.ended


@pytest.mark.parametrize(
    ("sent", "fault"),
    [
        (reply(b'{"error": {"code": "queue_full"}}', status="429 Too Many"), "429 queue_full"),
        (reply(b'{"error": {"code": null, "type": "server_error"}}', status="500 Oh"), "500 server_error"),
        (reply(b"<html>", status="502 Bad Gateway"), "502"),
        (chunked(text("a"), said(error={"code": "shutting_down"})), "stream shutting_down"),
        (chunked(text("a"), END), "cut_off"),
        (chunked(text("a"), b"data: {,\n\n"), "cut_off"),
        (chunked(text("a")).removesuffix(b"0\r\n\r\n"), "cut_off"),
        (chunked(text("", "stop"), END), "empty"),
        (b"", "cut_off"),
    ],
)
def test_every_way_to_fail_has_its_name(sent: bytes, fault: str) -> None:
    assert seen(sent).fault == fault


def test_a_server_that_hangs_is_given_up() -> None:
    assert seen(chunked(text("a")).removesuffix(b"0\r\n\r\n"), hang=True, patience=0.05).fault == "timeout"


def test_nobody_there_is_a_fault_too() -> None:
    async def run() -> Outcome:
        async with canned(b"") as address:
            pass
        return await ask_for(address, {}, patience=5.0)

    assert asyncio.run(run()).fault == "connection"


def test_what_it_sees_of_a_real_answer_is_what_openais_client_sees(server: Server) -> None:
    target = Target(Address("127.0.0.1", server.port, "/v1", secure=False, key=None), server.model.name, 20.0)
    found = asyncio.run(target.send(target.wish("What is it?", 12)))
    with server.completions() as create:
        extra = {"ignore_eos": True}
        messages = [{"role": "user", "content": "What is it?"}]
        answer = create(messages=messages, temperature=0, max_tokens=12, extra_body=extra)
    assert (found.fault, found.text) == (None, answer.choices[0].message.content)
    assert (found.prompt_tokens, found.tokens) == (answer.usage.prompt_tokens, 12)
