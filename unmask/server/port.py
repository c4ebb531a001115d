"""The port that a server listens on: taken before anything slow is done, and told when something answers there."""

from __future__ import annotations

import socket
from socket import AF_INET, AF_INET6, IPPROTO_TCP, SO_REUSEADDR, SO_SNDBUF, SOCK_STREAM, SOL_SOCKET
from typing import Any

import click

from unmask.base.errors import ServerError
from unmask.base.language import say

LOOPBACK = {"127.0.0.1": "127.0.0.1", "localhost": "127.0.0.1", "::1": "::1"}
UNREAD = 64 << 10
"""Bytes that the system holds for a client that does not take them; else it would be megabytes for each."""


def bind(host: str, port: int, *, guarded: bool = False) -> socket.socket:
    """Take the port. Port 0 takes any free one.

    Args:
        guarded: whether clients need a key; else only this machine's own addresses will do.
    Raises:
        ServerError: if the address is none to listen on, or the port is in use or forbidden.
    """
    if host not in LOOPBACK and not guarded:
        raise ServerError(
            "Will not listen on {host!r}: without keys, only this machine may ask. Give keys with --keys FILE, or use "
            "127.0.0.1, and a tunnel (ssh -L) from elsewhere.",
            host=host,
        )
    if not 0 <= port < 1 << 16:
        raise ServerError("Port {port} does not exist; ports go from 0 to 65535.", port=port)
    try:
        return listening(address(host), port)
    except (OSError, UnicodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise ServerError(
            "Cannot listen on {host}:{port}: {reason}. Choose another port with --port.",
            host=host,
            port=port,
            reason=reason,
        ) from error


def address(host: str) -> str:
    """The number of a host's own name for itself."""
    if host in LOOPBACK:
        return LOOPBACK[host]
    return str(socket.getaddrinfo(host, None, type=SOCK_STREAM)[0][4][0])


def listening(address: str, port: int) -> socket.socket:
    listener = socket.socket(AF_INET6 if ":" in address else AF_INET)
    try:
        listener.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1)
        listener.setsockopt(SOL_SOCKET, SO_SNDBUF, UNREAD)
        listener.bind((address, port))
        # Listening at once is what makes a second server fail here, and not after it has loaded its model.
        listener.listen()
    except OSError:
        listener.close()
        raise
    return listener


def let_go_after(listener: socket.socket, seconds: float) -> None:
    """Have the system end connections whose client takes nothing for so long; those accepted from now on."""
    if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux
        listener.setsockopt(IPPROTO_TCP, socket.TCP_USER_TIMEOUT, round(seconds * 1000))


def root(listener: Any) -> str:
    """The address of the server, as a browser takes it."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def announce(listener: socket.socket, *, with_page: bool) -> None:
    """Tell on standard error where to go, now that something answers there."""
    if with_page:
        click.echo(say("Page: {address}", address=f"{root(listener)}/"), err=True)
    click.echo(say("API:  {address}  (stop with Ctrl-C)", address=f"{root(listener)}/v1"), err=True)
