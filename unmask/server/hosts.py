"""Whom a request believes to be talking to: only this machine by one of its own names."""

from __future__ import annotations

import re

from starlette.types import ASGIApp, Receive, Scope, Send

from unmask.base.language import say
from unmask.server.refusals import Failure, Refusal

OWN = re.compile(r"(localhost|127\.0\.0\.1|\[::1\])(:\d+)?", re.IGNORECASE)


class OwnNames:
    """Refuses requests to other hosts with 403.

    A page from elsewhere can have its own name lead to this machine (DNS rebinding), and its browser would then let it
    read our answers; but it cannot make the browser name this machine.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket"):
            hosts = [value.decode("latin-1") for name, value in scope["headers"] if name == b"host"] or [""]
            strangers = [host for host in hosts if not OWN.fullmatch(host)]
            if strangers:
                await Refusal(refusal(strangers[0]))(scope, receive, send)
                return
        await self.app(scope, receive, send)


def refusal(host: str) -> Failure:
    text = say("This server answers to localhost, 127.0.0.1 and [::1] only, not to {host!r:.80}.", host=host)
    return Failure(403, text, "permission_error", code="unknown_host")
