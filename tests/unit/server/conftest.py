"""Servers with the tiny model, the tiny encoder and the tiny translator, for all tests of the protocol."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import unmask
from tests.unit.server.live import Server, serving


@pytest.fixture(scope="package")
def server(tiny_model: unmask.Model) -> Iterator[Server]:
    with serving(tiny_model) as running:
        yield running


@pytest.fixture(scope="package")
def encoder_server(encoder_model: unmask.Model) -> Iterator[Server]:
    with serving(encoder_model) as running:
        yield running


@pytest.fixture(scope="package")
def translator_server(translator: unmask.Translator) -> Iterator[Server]:
    with serving(translator) as running:
        yield running
