"""What every request says: which model, in whole characters, and perhaps things that we do not know."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field, model_validator

from unmask.base.language import say
from unmask.server.refusals import UnsupportedError

log = logging.getLogger("unmask.server")
NAMES_LOGGED = 100
"""Unknown fields worth a line in the log; more are a client's game."""


class Fields(BaseModel):
    """Strict about what we know, open for what we do not."""

    model_config = ConfigDict(extra="allow", strict=True, allow_inf_nan=False)


class Body(Fields):
    """The body of any request."""

    harmless: ClassVar[Mapping[str, tuple[object, ...]]] = {}
    """Fields that would change the answer in ways we do not have -> values that ask for nothing. Null always does."""

    @model_validator(mode="before")
    @classmethod
    def of_whole_characters(cls, raw: object) -> object:
        """JSON can spell half a surrogate pair, anywhere; no tokenizer and no UTF-8 answer could hold it."""
        try:
            if isinstance(raw, dict):
                json.dumps(raw, ensure_ascii=False).encode()
        except UnicodeEncodeError as error:
            raise ValueError(say("a text in it has half a character (a lone \\ud800 to \\udfff)")) from error
        except RecursionError as error:
            raise ValueError(say("it is nested too deep")) from error
        return raw

    def unknown(self) -> Iterator[str]:
        """Names of fields that mean nothing to us, and so cannot change the answer.

        Raises:
            UnsupportedError: for a field that would change it in a way we do not have.
        """
        for name, value in (self.model_extra or {}).items():
            if name not in self.harmless:
                yield name
            elif value is not None and value not in self.harmless[name]:
                raise UnsupportedError(
                    "{param} = {value} is not supported by this server. Leave {param} out.",
                    param=name,
                    value=repr(value) if len(repr(value)) <= 60 else f"{repr(value)[:60]}...",
                )


class Request(Body):
    """The body of a request that must name its model."""

    model: str = Field(description="The name of the model, as `GET /v1/models` lists it.")


class OpenRequest(Body):
    """The body of a request that may name its model; without a name it means the one that is served from the start."""

    model: str | None = Field(None, description="The name of the model; null: the one that is served from the start.")


class Notes:
    """What the log says of requests: once each, which fields of them mean nothing to us."""

    def __init__(self) -> None:
        self.logged: set[str] = set()

    def take(self, request: Body) -> None:
        """
        Raises:
            UnsupportedError: as `Body.unknown` does.
        """
        fresh = [name for name in request.unknown() if name not in self.logged]
        if fresh and len(self.logged) + len(fresh) <= NAMES_LOGGED:
            self.logged.update(fresh)
            log.warning(say("Ignored fields of a request that mean nothing here: {names}", names=ascii(fresh)[:500]))
