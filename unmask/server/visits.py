"""Every request from outside: its id goes back with the answer, it is counted, and no fault of ours is silent."""

from __future__ import annotations

import re
import secrets

from fastapi.routing import APIRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from unmask.server.metrics import Meter
from unmask.server.refusals import Refusal, unexpected

ID = re.compile(rb"[!-~]{1,128}")
GONE = 499
"""What is counted for a client that left before its answer began; nginx's number for it."""


class Visits:
    """Goes around all else."""

    def __init__(self, app: ASGIApp, *, meter: Meter) -> None:
        self.app = app
        self.meter = meter

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        name, status, counted = request_id(scope), GONE, False

        def count() -> None:
            nonlocal counted
            if not counted:
                self.meter.visited(route(scope), status, scope.get("state", {}).get("refused"))
            counted = True

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message = {**message, "headers": [*message["headers"], (b"x-request-id", name)]}
            elif not message.get("more_body"):
                count()  # before it goes out: who has the whole answer finds it counted
            await send(message)

        try:
            await self.app(scope, receive, noted)
        except Exception as error:  # whatever it was: the client is told, and the log
            if status != GONE:
                raise
            await Refusal(unexpected(error))(scope, receive, noted)
        finally:
            count()


def request_id(scope: Scope) -> bytes:
    """The client's own id of the request, where it is a short one that can be shown; else a new one."""
    given = dict(scope["headers"]).get(b"x-request-id", b"")
    return given if ID.fullmatch(given) else f"req-{secrets.token_hex(12)}".encode()


def route(scope: Scope) -> str:
    """The route that answered, as it is written in the OpenAPI file: never what a client made up."""
    found = scope.get("route")
    return found.path_format if isinstance(found, APIRoute) and "{rest" not in found.path_format else "other"
