"""The client that measures: addresses, and HTTP as servers send it."""

from __future__ import annotations

import asyncio
import json

import pytest

from tests.unit.server.bench.canned import canned, chunked, reply
from unmask.base.errors import RequestError
from unmask.server.bench.client import Address, BrokenAnswer, ask, fetch

UNTIL_CLOSED = b"HTTP/1.1 200 OK\r\n\r\none\r\ntwo\nthree\n"


async def lines_of(said: bytes) -> list[bytes]:
    async with canned(said) as address, ask(address, "GET", "/x") as answer:
        return [line async for line in answer.lines()]


@pytest.mark.parametrize(
    ("url", "host", "port", "path", "secure"),
    [
        ("http://127.0.0.1:8000/v1", "127.0.0.1", 8000, "/v1", False),
        ("http://localhost/v1/", "localhost", 80, "/v1", False),
        ("https://models.example/api/v1", "models.example", 443, "/api/v1", True),
        ("http://[::1]:9/", "::1", 9, "", False),
    ],
)
def test_an_address_is_read_from_its_url(url: str, host: str, port: int, path: str, secure: bool) -> None:
    assert Address.of(url) == Address(host, port, path, secure, None)


@pytest.mark.parametrize("url", ["127.0.0.1:8000", "ftp://x/v1", "http://", "http://x:port/v1", "http://[::1/v1"])
def test_what_is_no_address_is_refused_with_an_example(url: str) -> None:
    with pytest.raises(RequestError, match="is not the address of an API") as caught:
        Address.of(url)
    assert repr(url) in str(caught.value)


@pytest.mark.parametrize(
    "said",
    [
        chunked(b"one\r\ntw", b"o\nthree\n"),
        chunked(b"one\n", b"t", b"w", b"o", b"\n", b"three", b"\n"),
        reply(b"one\ntwo\nthree\n"),
        UNTIL_CLOSED,
    ],
)
def test_lines_are_the_same_however_they_are_cut_up(said: bytes) -> None:
    assert asyncio.run(lines_of(said)) == [b"one", b"two", b"three"]


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"hello\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort",
        chunked(b"whole\n").removesuffix(b"0\r\n\r\n"),
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
    ],
)
def test_what_ends_too_soon_or_is_not_http_is_told_from_an_answer(said: bytes) -> None:
    with pytest.raises(BrokenAnswer):
        asyncio.run(lines_of(said))


def test_a_request_has_its_key_its_host_and_its_body() -> None:
    heard: list[bytes] = []

    async def run() -> None:
        async with canned(reply(b"{}"), heard=heard) as address:
            owned = Address(address.host, address.port, "/v1", secure=False, key="a key")
            async with ask(owned, "POST", "/chat", {"a": ["é"]}) as answer:
                assert (answer.status, await answer.read()) == (200, b"{}")
            head, _, body = heard[0].partition(b"\r\n\r\n")
            first, *fields = head.decode().split("\r\n")
            assert first == "POST /v1/chat HTTP/1.1"
            assert {"Authorization: Bearer a key", f"Host: 127.0.0.1:{address.port}"} <= set(fields)
            assert json.loads(body) == {"a": ["é"]}

    asyncio.run(run())


def test_a_document_that_is_no_json_is_a_broken_answer() -> None:
    async def run() -> None:
        async with canned(reply(b"<html>")) as address:
            await fetch(address, "/models")

    with pytest.raises(BrokenAnswer):
        asyncio.run(run())
