"""Every error of every route in OpenAI's form; FastAPI's and Starlette's own forms never reach a client."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.routing import Match, Route

from unmask.base.errors import UnmaskError
from unmask.base.language import say
from unmask.server.refusals import Failure, FieldError, Refusal, failure

METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]
WORK = (
    "/v1",
    "/models",
    "/chat",
    "/completions",
    "/fim",
    "/infill",
    "/embeddings",
    "/rerank",
    "/tokenize",
    "/detokenize",
)
PREFIXES = (*WORK, "/health", "/metrics", "/engine", "/openapi.json")
"""Where the API lives. What is elsewhere belongs to the page, if there is one."""
CONTENT = {"embeddings": "input", "rerank": "documents", "completions": "prompt", "infill": "input_prefix"}
"""The last step of a path -> the field that the model reads there; elsewhere it is `messages`."""


def add_handlers(app: FastAPI) -> None:
    """Answer in OpenAI's form whatever is raised in a route, and whatever leads to none."""

    @app.exception_handler(UnmaskError)
    async def refused(request: Request, error: UnmaskError) -> Refusal:
        return Refusal(failure(error, content=content_of(request.url.path)))

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> Refusal:
        return Refusal(failure(bad_field(error.errors()[0])))

    @app.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> Refusal:
        return Refusal(http_failure(request, error))


def add_dead_ends(app: FastAPI) -> None:
    """Keep unknown paths and wrong methods of the API from falling through to the page. Call it after all routes."""

    async def nowhere(request: Request) -> None:
        routes = [route for route in app.routes if isinstance(route, Route) and route.endpoint is not nowhere]
        allowed = {
            method
            for route in routes
            if route.matches(request.scope)[0] is Match.PARTIAL
            for method in route.methods or ()
        }
        raise HTTPException(405 if allowed else 404, headers={"Allow": ", ".join(sorted(allowed))} if allowed else None)

    for prefix in PREFIXES:
        app.add_api_route(f"{prefix}{{rest:path}}", nowhere, methods=METHODS, include_in_schema=False)


def content_of(path: str) -> str:
    """The field of a request that the model reads."""
    last = path.rstrip("/").rpartition("/")[2]
    return "messages" if "/chat/" in path else CONTENT.get(last, "messages")


def bad_field(problem: dict[str, Any]) -> UnmaskError:
    """Pydantic's first complaint, in our words around its own."""
    place = problem["loc"][1:]
    if problem["type"] == "json_invalid":
        return FieldError(
            "The request's body is not JSON: {reason}, at character {position}.",
            reason=problem["ctx"]["error"],
            position=place[0],
        )
    if problem["type"] == "value_error":
        return FieldError("The request's body cannot be taken: {reason}.", reason=problem["ctx"]["error"])
    if not place:
        return FieldError("The request's body must be a JSON object, sent with Content-Type: application/json.")
    param = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in place).removeprefix(".")
    return FieldError("{param}: {reason}.", param=param, reason=problem["msg"])


def http_failure(request: Request, error: HTTPException) -> Failure:
    path, method = request.url.path, request.method
    headers = dict(error.headers or {})
    match error.status_code:
        case 404:
            text = say("There is nothing at {method} {path}. The API is under /v1.", method=method, path=path)
            return Failure(404, text, code="not_found")
        case 405:
            allowed = headers.get("Allow", "")
            text = say("{path} does not take {method}; it takes {allowed}.", path=path, method=method, allowed=allowed)
            return Failure(405, text, code="method_not_allowed", headers=headers)
        case 400:
            # FastAPI's word for a body that its JSON reader gave up on.
            return Failure(400, say("The request's body cannot be read as JSON: it is cut off or nested too deep."))
        case 408:
            return Failure(408, error.detail, code="timeout")
        case 413:
            return Failure(413, error.detail, code="request_too_large")
        case _:
            return Failure(error.status_code, error.detail, headers=headers)
