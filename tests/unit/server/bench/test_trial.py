"""A server measured as a whole."""

from __future__ import annotations

import asyncio

import pytest

from tests.unit.server.bench.canned import END, canned, chunked, reply, text
from tests.unit.server.live import Server
from unmask.base.errors import RequestError, ServerError
from unmask.server.bench.client import Address
from unmask.server.bench.load import Goals, Load
from unmask.server.bench.prompts import Source
from unmask.server.bench.trial import Target, Trial, first_model


def test_every_load_gets_prompts_of_its_own_and_a_summary(server: Server) -> None:
    target = Target(Address("127.0.0.1", server.port, "/v1", secure=False, key=None), server.model.name, 20.0)
    heard: list[None] = []
    trial = Trial(
        loads=[Load(together=3), Load(rate=1000.0)],
        requests=6,
        prompt_tokens=300,
        answer_tokens=7,
        source=Source(),
        goals=Goals(),
        seed=0,
    )
    found = asyncio.run(trial.run(target, lambda: heard.append(None)))
    assert [each.faults for each in found] == [{}, {}]
    assert len(heard) == 12
    for each in found:
        assert each.rate * each.seconds == pytest.approx(6 * 7)
        assert each.prompt_rate * each.seconds == pytest.approx(6 * 300, rel=0.1)
        assert each.cached_share < 0.2


def test_the_first_model_of_a_server_is_known_by_its_name(server: Server) -> None:
    address = Address("127.0.0.1", server.port, "/v1", secure=False, key=None)
    assert asyncio.run(first_model(address)) == server.model.name


@pytest.mark.parametrize(
    "said", [reply(b"{}"), reply(b"[]"), reply(b"<html>", status="404 No"), b"", reply(b'{"data": []}')]
)
def test_a_server_without_models_is_perhaps_at_another_address(said: bytes) -> None:
    async def run() -> None:
        async with canned(said) as address:
            await first_model(address)

    with pytest.raises(RequestError, match=r"127\.0\.0\.1:\d+ has no list of models under /v1/models"):
        asyncio.run(run())


def test_nobody_there_is_said_with_the_address() -> None:
    async def run() -> None:
        async with canned(b"") as address:
            pass
        await first_model(address)

    with pytest.raises(ServerError, match=r"Nobody answers at 127\.0\.0\.1:\d+: .+"):
        asyncio.run(run())


@pytest.mark.parametrize(
    ("said", "message"),
    [
        (reply(b'{"error": {"code": "invalid_api_key"}}', status="401 No"), "a first request: 401 invalid_api_key"),
        (chunked(text("a", "length"), END), "does not tell how long prompts are"),
    ],
)
def test_a_server_that_cannot_be_measured_is_told_so(said: bytes, message: str) -> None:
    async def run() -> None:
        async with canned(said) as address:
            await Target(address, "x", 5.0).length("a prompt")

    with pytest.raises(ServerError, match=message):
        asyncio.run(run())
