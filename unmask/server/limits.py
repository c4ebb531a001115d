"""How much a client may send, checked before anything is made of it."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from unmask.base.language import say

BODY = 4 << 20
"""Most bytes of a request's body: many times the longest context."""


class BodyLimit:
    """Refuses a body of more than `most` bytes with 413: by its declared length, else once it has grown too long."""

    def __init__(self, app: ASGIApp, *, most: int) -> None:
        self.app = app
        self.most = most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        declared = int(dict(scope["headers"]).get(b"content-length", 0)) if scope["type"] == "http" else 0
        received = 0

        async def limited() -> Message:
            nonlocal received
            message: Message = await receive() if declared <= self.most else {}
            received += len(message.get("body", b""))
            if max(declared, received) > self.most:
                raise HTTPException(
                    413, say("The request's body is longer than {most} bytes, the most taken here.", most=self.most)
                )
            return message

        await self.app(scope, limited, send)
