"""Who may ask: those who know a key. Where there are no keys, only this machine may, and any key will do."""

from __future__ import annotations

import hmac
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from starlette.types import ASGIApp, Receive, Scope, Send

from unmask.base.errors import ServerError
from unmask.base.language import say
from unmask.server.refusals import Failure, Refusal

VARIABLE = "UNMASK_KEYS"
SHORTEST = 8
KEY = re.compile(r"[!-~]+")
OPEN = ("/health", "/engine")
"""Paths for everyone: they are for balancers, and a page that asks for a key itself. Not what is below `/engine`."""


@dataclass(frozen=True)
class Keys:
    """Keys as their SHA-256; the keys themselves are nowhere kept."""

    digests: tuple[bytes, ...]

    def __bool__(self) -> bool:
        return bool(self.digests)

    def hold(self, key: bytes) -> bool:
        """Is it one of these? How long that takes tells nothing about them."""
        given = sha256(key).digest()
        return any([hmac.compare_digest(given, digest) for digest in self.digests])  # noqa: C419 -- all are compared


def read_keys(path: Path | None, environment: Mapping[str, str] = os.environ) -> Keys:
    """The keys of a file, one a line (# begins a comment), and those of `UNMASK_KEYS`, with commas between them.

    Raises:
        ServerError: if the file cannot be read or has no key in it, or a key cannot be one; its text is never told.
    """
    found = [each.strip() for each in environment.get(VARIABLE, "").split(",")]
    keys = [checked(key, VARIABLE, number) for number, key in enumerate(found, 1) if key]
    if path is not None:
        keys += read_file(path)
    return Keys(tuple(sha256(key.encode()).digest() for key in dict.fromkeys(keys)))


def read_file(path: Path) -> list[str]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else error.reason
        raise ServerError("{path}: the keys cannot be read: {reason}.", path=path, reason=reason) from error
    keys = [
        checked(line.strip(), str(path), number)
        for number, line in enumerate(lines, 1)
        if line.strip() and not line.lstrip().startswith("#")
    ]
    if not keys:
        raise ServerError("{path} has no key in it, so nobody could ask. Write one a line.", path=path)
    return keys


def checked(key: str, where: str, number: int) -> str:
    if len(key) < SHORTEST or not KEY.fullmatch(key):
        raise ServerError(
            "{where}: key {number} cannot be used; a key has {least} or more characters, all of them letters, digits "
            "or signs of ASCII, no blanks.",
            where=where,
            number=number,
            least=SHORTEST,
        )
    return key


class Guard:
    """Refuses requests without one of the keys with 401."""

    def __init__(self, app: ASGIApp, *, keys: Keys) -> None:
        self.app = app
        self.keys = keys

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan" and not is_open(scope["path"]) and not self.keys.hold(given(scope["headers"])):
            await Refusal(refusal())(scope, receive, send)
            return
        await self.app(scope, receive, send)


def is_open(path: str) -> bool:
    return path in OPEN or path.startswith("/health/")


def given(headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """The key that a request has with it; empty where it has none."""
    scheme, _, key = dict(headers).get(b"authorization", b"").partition(b" ")
    return key.strip() if scheme.lower() == b"bearer" else b""


def refusal() -> Failure:
    return Failure(
        401,
        say("This server wants a key: send Authorization: Bearer KEY, with one of those it was started with."),
        code="invalid_api_key",
        headers={"WWW-Authenticate": "Bearer"},
    )
