"""What went wrong, as OpenAI's clients expect to read it."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field

from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from unmask.base.errors import ContextError, EngineError, RequestError, TemplateError, TokenizerError, UnmaskError
from unmask.base.language import say

log = logging.getLogger("unmask.server")


class UnknownModelError(RequestError): ...


class QueueFullError(UnmaskError): ...


class OverloadError(UnmaskError):
    """Let in, but not got to in time, or no memory for it now."""


class TooLongError(UnmaskError):
    """An answer that took more time than one may."""


class LoadError(UnmaskError):
    """A model of this server that could not be loaded."""


class StoppingError(UnmaskError): ...


class UnsupportedError(RequestError):
    """A field of the API that we do not have; its value `param` names it."""


class FieldError(RequestError):
    """A field with a value that cannot be; its value `param` names it, None where it is the whole body."""


@dataclass(frozen=True)
class Failure:
    """An HTTP status and the body that goes with it."""

    status: int
    message: str
    type: str = "invalid_request_error"
    param: str | None = None
    code: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def body(self) -> dict[str, dict[str, str | None]]:
        return {"error": {"message": self.message, "type": self.type, "param": self.param, "code": self.code}}


class Refusal(JSONResponse):
    """A failure on its way to the client. What refused is left in the request's state, for the count."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.body, failure.status, headers=dict(failure.headers))
        self.reason = failure.code or failure.type

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope.setdefault("state", {})["refused"] = self.reason
        await super().__call__(scope, receive, send)


def failure(error: UnmaskError, *, content: str = "messages") -> Failure:
    """The answer to an error that has words for the user; `content` names the field that the model reads."""
    message = str(error)
    match error:
        case UnknownModelError():
            return Failure(404, message, param="model", code="model_not_found")
        case QueueFullError():
            # Clients retry by this header; a turn of a small model takes seconds.
            return Failure(429, message, "rate_limit_error", code="queue_full", headers={"Retry-After": "2"})
        case OverloadError():
            return Failure(503, message, "server_error", code="overloaded", headers={"Retry-After": "10"})
        case TooLongError():
            # Asked again, it would take as long again.
            return Failure(408, message, code="timeout", headers={"x-should-retry": "false"})
        case LoadError():
            return Failure(500, message, "server_error", code="model_not_loaded")
        case EngineError():
            return Failure(500, message, "server_error", code="model_stopped")
        case StoppingError():
            return Failure(503, message, "server_error", code="shutting_down", headers={"Retry-After": "5"})
        case ContextError():
            return Failure(400, message, param=content, code="context_length_exceeded")
        case UnsupportedError():
            return Failure(400, message, param=str(error.values["param"]), code="unsupported_parameter")
        case FieldError():
            param = error.values.get("param")
            return Failure(400, message, param=None if param is None else str(param), code="invalid_value")
        case TemplateError() | TokenizerError():
            return Failure(400, message, param=content)
        case RequestError():
            return Failure(400, message)
        case _:
            return Failure(500, message, "server_error")


def unexpected(error: Exception) -> Failure:
    """The answer to a fault of ours: a number to find it by in the log, and nothing of its inside."""
    number = secrets.token_hex(4)
    log.error("Internal error %s", number, exc_info=error)
    return Failure(
        500,
        say("The server made a mistake; its log has the details under number {number}.", number=number),
        "server_error",
        code="internal_error",
    )
