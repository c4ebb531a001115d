"""A real server on a loopback port, and the ways to ask it."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import openai

from unmask.engine.settings import Settings
from unmask.server.app import create_app
from unmask.server.host import Served
from unmask.server.keys import Keys
from unmask.server.limits import Limits
from unmask.server.metrics import Meter
from unmask.server.port import bind
from unmask.server.run import Server as Serving
from unmask.server.shelf import Shelf, Title
from unmask.server.watch import WatchedHost

LIMITS, NO_KEYS = Limits(), Keys(())
QUESTION = [{"role": "user", "content": "What is the capital of France?"}]
PATIENCE = 20.0
"""Seconds until a condition that did not come counts as a failure."""


@dataclass(frozen=True)
class Reply:
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> dict[str, str | None]:
        assert set(self.json) == {"error"}, self.body
        assert set(self.json["error"]) == {"message", "type", "param", "code"}
        return self.json["error"]


@dataclass(frozen=True)
class Server:
    """Where it listens, which model it has, and the ways to ask it."""

    port: int
    model: Served

    def connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)

    def send(self, method: str, path: str, body: object = None, **headers: str) -> Reply:
        """One request; a body that is not bytes is sent as JSON."""
        raw = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        connection = self.connect()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, raw, {"Content-Type": "application/json"} | named)
        answer = connection.getresponse()
        reply = Reply(answer.status, answer.headers, answer.read())
        connection.close()
        return reply

    def chat(self, **fields: object) -> Reply:
        return self.send("POST", "/v1/chat/completions", self.request(**fields))

    def request(self, **fields: object) -> dict[str, object]:
        return {"model": self.model.name, "messages": QUESTION, "temperature": 0, "max_tokens": 4} | fields

    def embed(self, **fields: object) -> Reply:
        return self.send("POST", "/v1/embeddings", {"model": self.model.name, "input": "a cat"} | fields)

    @contextmanager
    def embeddings(self) -> Iterator[Callable[..., Any]]:
        """OpenAI's own client, as far as it makes vectors."""
        with openai.OpenAI(base_url=f"http://127.0.0.1:{self.port}/v1", api_key="none", max_retries=0) as client:
            yield partial(client.embeddings.create, model=self.model.name)

    @contextmanager
    def completions(self) -> Iterator[Callable[..., Any]]:
        """OpenAI's own client, as far as it is used here."""
        with openai.OpenAI(base_url=f"http://127.0.0.1:{self.port}/v1", api_key="none", max_retries=0) as client:
            yield partial(client.chat.completions.create, model=self.model.name, messages=QUESTION)

    @property
    def health(self) -> dict[str, Any]:
        return self.send("GET", "/health").json

    @contextmanager
    def long_answer(self, *, stream: bool = True) -> Iterator[http.client.HTTPConnection]:
        """A client whose answer is under way and has thousands of tokens to go; it leaves when the block ends."""
        connection = self.connect()
        body = json.dumps(self.request(max_tokens=4000, stream=stream))
        connection.request("POST", "/v1/chat/completions", body, {"Content-Type": "application/json"})
        until(lambda: self.health["busy"])
        yield connection
        connection.close()


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true"
        threading.Event().wait(0.005)


@contextmanager
def serving(
    model: Served,
    *,
    limits: Limits = LIMITS,
    keys: Keys = NO_KEYS,
    settings: Settings | None = None,
    others: Sequence[Title] = (),
    keep: float = 300.0,
) -> Iterator[Server]:
    """The real thing, but that no signal ends it; what is under way when the block ends, is ended too."""
    meter = Meter()
    shelf = Shelf(WatchedHost(model, meter=meter, limits=limits, settings=settings), others, keep=keep)
    with bind("127.0.0.1", 0) as socket:
        app = create_app(shelf, meter=meter, limits=limits, keys=keys)
        server = Serving(app, shelf, limits, drain=0, with_page=False)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [socket]})
        thread.start()
        try:
            until(lambda: server.started)
            yield Server(socket.getsockname()[1], model)
        finally:
            server.told = True
            thread.join(PATIENCE)
