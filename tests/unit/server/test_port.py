"""Taking the port."""

from __future__ import annotations

import socket

import pytest

from unmask.base.errors import ServerError
from unmask.server.port import bind, root


def test_a_port_in_use_is_named_with_the_way_out():
    with bind("127.0.0.1", 0) as first:
        port = first.getsockname()[1]
        with pytest.raises(ServerError, match=rf"127\.0\.0\.1:{port}: .*in use.*--port"):
            bind("127.0.0.1", port)


def test_localhost_is_this_machine():
    with bind("localhost", 0) as listener:
        assert listener.getsockname()[0] == "127.0.0.1"


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.2", "example.com", ""])
def test_other_addresses_are_refused_without_keys_and_without_being_looked_up(host: str):
    with pytest.raises(ServerError, match=f"'{host}'.*--keys FILE"):
        bind(host, 0)


@pytest.mark.parametrize("host", ["0.0.0.0", "127.0.0.2"])
def test_with_keys_any_address_of_this_machine_will_do(host: str):
    with bind(host, 0, guarded=True) as listener:
        assert listener.getsockname()[0] == host
        assert root(listener) == f"http://{host}:{listener.getsockname()[1]}"


@pytest.mark.parametrize("host", ["203.0.113.7", "no such host", ".."])
def test_an_address_of_another_machine_cannot_be_listened_on(host: str):
    with pytest.raises(ServerError, match=host):
        bind(host, 0, guarded=True)


@pytest.mark.parametrize("port", [-1, 65536])
def test_a_port_that_does_not_exist_is_refused(port: int):
    with pytest.raises(ServerError, match=f"Port {port} does not exist"):
        bind("127.0.0.1", port)


@pytest.mark.skipif(not socket.has_ipv6, reason="this machine has no IPv6")
def test_an_address_with_colons_is_written_in_brackets():
    with bind("::1", 0) as listener:
        assert root(listener).startswith("http://[::1]:")
